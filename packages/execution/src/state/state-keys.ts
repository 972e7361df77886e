import type { BlockRef } from '@hawser/chain'
import { fromHex, uintBE, utf8, ZERO_HASH, type Hash32 } from '@hawser/primitives'
import { keyIn, keyspace, type Write } from '@hawser/storage'
import { bytesOf } from './hashed-key.ts'

/** Where the hash of the block stands whose state is flat. */
export const FINAL = keyIn(keyspace.stateMeta, utf8('final'))
/** Where the number of the oldest block with a state stands. */
export const OLDEST = keyIn(keyspace.stateMeta, utf8('oldest'))

/** By what a block's state is found: its hash, or zero for the first block, whose hash depends on its state. */
export function stateId({ number, hash }: BlockRef): Hash32 {
  return number === 0n ? ZERO_HASH : hash
}

/** Adds the flat values that differ; empty ones are gone. */
export function addFlat(
  writes: Write[],
  accounts: ReadonlyMap<string, Uint8Array>,
  words: ReadonlyMap<string, Uint8Array>,
): void {
  const put = (space: number, values: ReadonlyMap<string, Uint8Array>) => {
    for (const [key, value] of values)
      writes.push({ key: keyIn(space, bytesOf(key)), value: value.length === 0 ? undefined : value })
  }
  put(keyspace.flatAccount, accounts)
  put(keyspace.flatStorage, words)
}

/** Keys of docs/schema.md's records, by the block's state id, a code's hash, or a block's number. */
export const diffKey = (id: Hash32) => keyIn(keyspace.stateDiff, fromHex(id))
export const rootKey = (id: Hash32) => keyIn(keyspace.stateRoot, fromHex(id))
export const codeKey = (hash: Uint8Array) => keyIn(keyspace.code, hash)
export const deathsKey = (number: bigint) => keyIn(keyspace.deaths, uintBE(number, 8))
