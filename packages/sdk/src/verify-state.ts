import { readMerkleProof } from '@hawser/consensus/verify'
import { decodeRlp, fromHex, readUintBE, uintBE, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { getProof } from 'viem/actions'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'

/** Slots that one eth_getProof is asked for; a node allows 1,024. */
const MAX_SLOTS_PER_CALL = 512

/** An account and some of its storage, proven under a state root. */
export interface ProvenAccount {
  readonly balance: bigint
  readonly nonce: bigint
  /** In the order of the slots. */
  readonly words: readonly bigint[]
}

export interface VerifyAccountParameters {
  readonly block: { readonly number: bigint; readonly stateRoot: Hash32 }
  readonly account: Address
  readonly slots: readonly bigint[]
}

/**
 * Reads an account and slots of its storage with Merkle proofs (EIP-1186) and checks them here against a state root that the
 * caller has proven.
 * @throws PROOF_INVALID
 */
export async function verifyAccount(client: HawserClient, parameters: VerifyAccountParameters): Promise<ProvenAccount> {
  const { block, account, slots } = parameters
  const words: bigint[] = []
  let proven: Omit<ProvenAccount, 'words'> | undefined
  for (let from = 0; from === 0 || from < slots.length; from += MAX_SLOTS_PER_CALL) {
    const keys = slots.slice(from, from + MAX_SLOTS_PER_CALL).map((slot) => uintBE(slot, 32))
    const answer = await explained(() =>
      getProof(client, {
        address: account,
        storageKeys: keys.map((key) => `0x${readUintBE(key).toString(16).padStart(64, '0')}` as const),
        blockNumber: block.number,
      }),
    )
    const value = prove(block.stateRoot, fromHex(account), answer.accountProof)
    if (!value) throw forged(`${account} has no account there`)
    const [nonce, balance, storageRoot] = decodeRlp(value) as [Uint8Array, Uint8Array, Uint8Array]
    proven = { nonce: readUintBE(nonce), balance: readUintBE(balance) }
    for (const [index, key] of keys.entries()) {
      const word = prove(storageRoot, key, answer.storageProof?.[index]?.proof)
      words.push(word ? readUintBE(decodeRlp(word) as Uint8Array) : 0n)
    }
  }
  return { ...(proven as Omit<ProvenAccount, 'words'>), words }
}

/** The value at a key of a secure trie; undefined when the proof shows that there is none. */
function prove(root: Hash32 | Uint8Array, key: Uint8Array, nodes: readonly Hex[] | undefined): Uint8Array | undefined {
  if (!Array.isArray(nodes)) throw forged('a path is missing')
  const proven = readMerkleProof(typeof root === 'string' ? fromHex(root) : root, key, bytesOf(nodes))
  if (!proven.ok) throw forged(`a path does not lead to the state root: ${proven.error}`)
  return proven.value
}

function bytesOf(nodes: readonly Hex[]): Uint8Array[] {
  try {
    return nodes.map((node) => fromHex(node))
  } catch (cause) {
    throw forged('a path is not hex', cause)
  }
}

function forged(why: string, cause?: unknown) {
  return sdkError('PROOF_INVALID', 'peer', `the node's state proof is not good: ${why}; ask another node`, { cause })
}
