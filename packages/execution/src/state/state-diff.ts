import { fromHex, invariant, toHex, type Hash32 } from '@hawser/primitives'
import type { NodePointer } from './trie-node.ts'

/** What a block above the last final one changed: enough to go on from it after a restart, and to undo it. */
export interface StateDiff {
  /** The state that it stands on: its parent's hash, or zero for the first block. */
  readonly parent: Hash32
  readonly stateRoot: Hash32
  /** 0 for the empty trie. */
  readonly rootPointer: NodePointer
  /** The nodes that it wrote: `count` of them from `first` on. */
  readonly births: { readonly first: NodePointer; readonly count: number }
  readonly deaths: readonly NodePointer[]
  /** As in StateUpdate. */
  readonly accounts: ReadonlyMap<string, Uint8Array>
  readonly words: ReadonlyMap<string, Uint8Array>
}

const FIXED_BYTES = 32 + 32 + 8 + 8 + 4 + 4 + 4 + 4

/** parent 32 | stateRoot 32 | rootPointer u64 | first u64 | counts of births, deaths, accounts, words u32 each | deaths u64 each | (key 32 or 64 | length u8 | value)... */
export function encodeStateDiff(diff: StateDiff): Uint8Array {
  let size = FIXED_BYTES + 8 * diff.deaths.length
  for (const value of diff.accounts.values()) size += 33 + value.length
  for (const value of diff.words.values()) size += 65 + value.length
  const bytes = Buffer.alloc(size)
  bytes.set(fromHex(diff.parent), 0)
  bytes.set(fromHex(diff.stateRoot), 32)
  let at = 64
  for (const pointer of [diff.rootPointer, diff.births.first]) at = writePointer(bytes, at, pointer)
  for (const count of [diff.births.count, diff.deaths.length, diff.accounts.size, diff.words.size])
    at = bytes.writeUInt32BE(count, at)
  for (const pointer of diff.deaths) at = writePointer(bytes, at, pointer)
  for (const values of [diff.accounts, diff.words])
    for (const [key, value] of values) {
      at += bytes.write(key, at, 'latin1')
      at = bytes.writeUInt8(value.length, at)
      bytes.set(value, at)
      at += value.length
    }
  invariant(at === size, 'the diff fills its record')
  return bytes
}

/** The inverse of `encodeStateDiff`; the bytes are our own. */
export function decodeStateDiff(record: Uint8Array): StateDiff {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  const counts = [80, 84, 88, 92].map((at) => bytes.readUInt32BE(at))
  let at = FIXED_BYTES
  const deaths = Array.from({ length: counts[1] ?? 0 }, () => readPointer(bytes, (at += 8) - 8))
  const values = (count: number, keyBytes: number) =>
    new Map(
      Array.from({ length: count }, () => {
        const key = bytes.toString('latin1', at, at + keyBytes)
        const start = at + keyBytes + 1
        at = start + (bytes[start - 1] ?? 0)
        return [key, record.slice(start, at)] as const
      }),
    )
  return {
    parent: toHex(record.subarray(0, 32)) as Hash32,
    stateRoot: toHex(record.subarray(32, 64)) as Hash32,
    rootPointer: readPointer(bytes, 64),
    births: { first: readPointer(bytes, 72), count: counts[0] ?? 0 },
    deaths,
    accounts: values(counts[2] ?? 0, 32),
    words: values(counts[3] ?? 0, 64),
  }
}

/** What a final block leaves for pruning: the states before it may go with the nodes that it replaced. */
export interface Deaths {
  readonly parent: Hash32
  readonly deaths: readonly NodePointer[]
}

/** parent 32 | pointers u64 each */
export function encodeDeaths({ parent, deaths }: Deaths): Uint8Array {
  const bytes = Buffer.alloc(32 + 8 * deaths.length)
  bytes.set(fromHex(parent))
  deaths.forEach((pointer, index) => writePointer(bytes, 32 + 8 * index, pointer))
  return bytes
}

/** The inverse of `encodeDeaths`. */
export function decodeDeaths(record: Uint8Array): Deaths {
  const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength)
  const deaths = Array.from({ length: (bytes.length - 32) / 8 }, (_, index) => readPointer(bytes, 32 + 8 * index))
  return { parent: toHex(record.subarray(0, 32)) as Hash32, deaths }
}

function writePointer(bytes: Buffer, at: number, pointer: NodePointer): number {
  return bytes.writeBigUInt64BE(BigInt(pointer), at)
}

function readPointer(bytes: Buffer, at: number): NodePointer {
  return Number(bytes.readBigUInt64BE(at))
}
