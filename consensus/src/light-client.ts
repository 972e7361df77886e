import { NEXT_SET_HASH_SLOT, systemContracts, validatorSetHash } from '@hawser/contracts'
import {
  concatBytes,
  decodeRlp,
  err,
  fromHex,
  isAppError,
  ok,
  toHex,
  uintBE,
  type Address,
  type Result,
  type RlpItem,
} from '@hawser/primitives'
import { MAX_ANCESTRY_HEADERS } from './codec.ts'
import type { NetworkId } from './digests.ts'
import type { HandoverProof } from './handover-proof.ts'
import { readHeader, verifyJustification, type JustificationFault, type RecoverAddress } from './justification.ts'
import { readMerkleProof, type MerkleFault } from './merkle-proof.ts'
import type { BlockRef, HeaderRef } from './types.ts'
import { VoterSet, type VoterEntry } from './voter-set.ts'

/** Places in an execution header's and an account's RLP list. */
const STATE_ROOT = 3
const STORAGE_ROOT = 2
const VALIDATORS = fromHex(systemContracts.validators as Address)

/** What a light client knows: the set in office, and the final block that it took over on. */
export interface LightState {
  readonly network: NetworkId
  /** Blocks in an epoch: only the last one of each changes the set. */
  readonly epochBlocks: bigint
  readonly voters: VoterSet
  readonly base: BlockRef
}

/** Why a handover proves nothing. */
export type HandoverFault =
  | JustificationFault
  | 'not-an-epoch-end'
  | 'before-the-set'
  | 'wrong-set-id'
  | 'bad-set'
  | `account-${MerkleFault}`
  | `slot-${MerkleFault}`
  | 'no-account'
  | 'other-set'

/** Goes from one set to the next; the signatures are checked last, for they cost most. */
export function verifyHandover(
  state: LightState,
  proof: HandoverProof,
  recover?: RecoverAddress,
): Result<LightState, HandoverFault> {
  const header = readHeader(proof.header)
  if (header === undefined) return err('bad-header')
  const { number, hash } = header
  if (number <= state.base.number) return err('before-the-set')
  if (number % state.epochBlocks !== 0n) return err('not-an-epoch-end')
  if (proof.setId !== state.voters.setId + 1n) return err('wrong-set-id')
  const voters = setOf(proof)
  if (voters === undefined) return err('bad-set')

  const root = fieldOf(proof.header, STATE_ROOT)
  const account = readMerkleProof(root, VALIDATORS, proof.accountProof)
  if (!account.ok) return err(`account-${account.error}` as const)
  if (account.value === undefined) return err('no-account')
  const slot = readMerkleProof(fieldOf(account.value, STORAGE_ROOT), uintBE(NEXT_SET_HASH_SLOT, 32), proof.storageProof)
  if (!slot.ok) return err(`slot-${slot.error}` as const)
  const wanted = validatorSetHash(
    proof.setId,
    proof.voters.map(({ id }) => id),
    proof.voters.map(({ weight }) => BigInt(weight)),
  )
  if (slot.value === undefined || toHex(wordOf(slot.value)) !== wanted) return err('other-set')

  const { justification } = proof
  const block = { number, hash }
  const final = verifyJustification({ justification, voters: state.voters, network: state.network, block, recover })
  return final.ok ? ok({ ...state, voters, base: block }) : final
}

/** Follows a chain of handovers; says which one is at fault where one is. */
export function verifyHandovers(
  state: LightState,
  proofs: readonly HandoverProof[],
  recover?: RecoverAddress,
): Result<LightState, { readonly fault: HandoverFault; readonly index: number }> {
  let at = state
  for (const [index, proof] of proofs.entries()) {
    const next = verifyHandover(at, proof, recover)
    if (!next.ok) return err({ fault: next.error, index })
    at = next.value
  }
  return ok(at)
}

/** A justification of the block, or of a later one with the headers (RLP) from the block up to it; the block's own is the first. */
export interface FinalBlockProof {
  readonly justification: Uint8Array
  readonly headers: readonly Uint8Array[]
}

export type FinalBlockFault = JustificationFault | 'no-headers' | 'too-many-headers' | 'broken-chain' | 'before-the-set'

/**
 * Whether a block is final under the set in office, which must be that of the justified block: the first header is the
 * block's, each next one its child, the last one the block that the votes are for.
 */
export function verifyFinalBlock(
  state: LightState,
  { justification, headers }: FinalBlockProof,
  recover?: RecoverAddress,
): Result<HeaderRef, FinalBlockFault> {
  if (headers.length > MAX_ANCESTRY_HEADERS) return err('too-many-headers')
  let last: HeaderRef | undefined
  let first: HeaderRef | undefined
  for (const rlp of headers) {
    const header = readHeader(rlp)
    if (header === undefined) return err('bad-header')
    if (last !== undefined && (header.parentHash !== last.hash || header.number !== last.number + 1n))
      return err('broken-chain')
    first ??= header
    last = header
  }
  if (first === undefined || last === undefined) return err('no-headers')
  if (last.number <= state.base.number) return err('before-the-set')
  const { voters, network } = state
  const block = { number: last.number, hash: last.hash }
  const final = verifyJustification({ justification, voters, network, block, recover })
  return final.ok ? ok(first) : final
}

/** The set as it was hashed: each member once, ascending; undefined for anything else. */
function setOf({ setId, voters }: HandoverProof): VoterSet | undefined {
  if (voters.some(({ id }, i) => i > 0 && (voters[i - 1] as VoterEntry).id >= id)) return undefined
  try {
    return new VoterSet(setId, voters)
  } catch (error) {
    if (isAppError(error, 'VOTER_SET_INVALID')) return undefined
    throw error
  }
}

/** A field of an RLP list, empty when it is not there: nothing hashes to that. */
function fieldOf(rlp: Uint8Array, index: number): Uint8Array {
  const item = decoded(rlp)
  const field = Array.isArray(item) ? item[index] : undefined
  return field instanceof Uint8Array ? field : new Uint8Array()
}

/** A storage trie's value: the RLP of the word without leading zeros. */
function wordOf(value: Uint8Array): Uint8Array {
  const word = decoded(value)
  const short = word instanceof Uint8Array && word.length <= 32 ? word : new Uint8Array()
  return concatBytes(new Uint8Array(32 - short.length), short)
}

/** What a stranger's root proves may be anything. */
function decoded(rlp: Uint8Array): RlpItem | undefined {
  try {
    return decodeRlp(rlp)
  } catch {
    return undefined
  }
}
