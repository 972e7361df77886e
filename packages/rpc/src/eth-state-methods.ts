import { EMPTY_TRIE_ROOT, type StateProof } from '@hawser/chain'
import { keccak256, readUintBE, toHex, type Address, type Hex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { MAX_STORAGE_SLOTS } from './limits.ts'
import type { Methods } from './method.ts'
import { quantity, readAddress, readObject, readList, readStorageKey, required } from './params.ts'
import { Turns } from './turns.ts'

/** Slots that are proven before the node's other work goes on: some milliseconds. */
const PROOFS_AT_ONCE = 32

const EMPTY_CODE_HASH = toHex(keccak256(new Uint8Array()))

/** The methods that read the state after a block. */
export function ethStateMethods(backend: RpcBackend, reader: BlockReader): Methods {
  const { engine, pool } = backend
  const stateOf = (parameter: unknown) => engine.stateAt(reader.header(parameter))
  return {
    eth_getBalance: (params) => {
      const account = stateOf(params[1]).account(readAddress(required(params, 0)))
      return quantity(account?.balance ?? 0n)
    },
    eth_getTransactionCount: (params) => {
      const address = readAddress(required(params, 0))
      const nonce = stateOf(params[1]).account(address)?.nonce ?? 0n
      return quantity(params[1] === 'pending' ? pool.nextNonce(address, nonce) : nonce)
    },
    eth_getCode: (params) => toHex(stateOf(params[1]).code(readAddress(required(params, 0)))),
    eth_getStorageAt: (params) =>
      toHex(stateOf(params[2]).storage(readAddress(required(params, 0)), readStorageKey(required(params, 1)))),
    eth_getStorageValues: (params) => {
      const wanted = readStorageRequests(required(params, 0))
      const state = stateOf(params[1])
      const values: Record<Address, Hex[]> = {}
      for (const [address, keys] of wanted) {
        const words: Hex[] = []
        for (const key of keys) words.push(toHex(state.storage(address, key)))
        values[address] = words
      }
      return values
    },
    eth_getProof: async (params) => {
      const address = readAddress(required(params, 0))
      const keys = readList(required(params, 1), 'storage keys', MAX_STORAGE_SLOTS)
      const slots = keys.map(readStorageKey)
      const state = stateOf(params[2])
      const { account, accountProof } = state.prove(address, [])
      const storage: StateProof['storage'][number][] = []
      const turns = new Turns()
      for (let from = 0; from < slots.length; from += PROOFS_AT_ONCE) {
        await turns.next()
        storage.push(...state.prove(address, slots.slice(from, from + PROOFS_AT_ONCE)).storage)
      }
      return {
        address,
        accountProof: accountProof.map((node) => toHex(node)),
        balance: quantity(account?.balance ?? 0n),
        codeHash: account?.codeHash ?? EMPTY_CODE_HASH,
        nonce: quantity(account?.nonce ?? 0n),
        storageHash: account?.storageRoot ?? EMPTY_TRIE_ROOT,
        storageProof: storage.map(({ word, proof }, index) => ({
          key: proofKey(keys[index] as string),
          value: quantity(readUintBE(word)),
          proof: proof.map((node) => toHex(node)),
        })),
      }
    },
  }
}

/** A key as Geth tells it back: a whole word stays one, anything shorter is a quantity. */
function proofKey(key: string): string {
  return key.length === 66 ? key.toLowerCase() : quantity(BigInt(key === '0x' ? 0 : key))
}

/** Slots by account. @throws -38026 for too many, as Geth has it */
function readStorageRequests(value: unknown): readonly (readonly [Address, readonly Uint8Array[]])[] {
  let total = 0
  const wanted = Object.entries(readObject(value, 'storage requests')).map(([account, keys]) => {
    const slots = readList(keys, 'slots', Infinity)
    total += slots.length
    if (total > MAX_STORAGE_SLOTS) throw new RpcError(RpcCode.clientLimit, `too many slots (max ${MAX_STORAGE_SLOTS})`)
    return [readAddress(account), slots.map(readStorageKey)] as const
  })
  if (total === 0) throw invalidParams('empty request')
  return wanted
}
