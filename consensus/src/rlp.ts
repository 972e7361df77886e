import { decodeRlp, messageOf, readUintBE, toHex, uintBE, type Hash32, type RlpItem } from '@hawser/primitives'
import { malformed } from './errors.ts'

/** Items of the message with the most votes: a catch-up, with four items and a target of three for each of them. */
const MAX_ITEMS = 32 * 1024

/** Most integers of messages are kinds, indexes and early rounds. */
const SMALL = Array.from({ length: 256 }, (_, value) => (value === 0 ? new Uint8Array() : Uint8Array.of(value)))

/** @internal Minimal big-endian bytes of a u64: RLP's integers. Not to be written to. */
export function rlpUint(value: bigint | number): Uint8Array {
  const small = value >= 0 && value < 256 ? SMALL[Number(value)] : undefined
  if (small !== undefined) return small
  const wide = uintBE(value, 8)
  let start = 0
  while (start < 8 && wide[start] === 0) start++
  return wide.subarray(start)
}

/** @internal RLP of a list of byte strings, each below 256 bytes, in one array: votes are encoded all the time. */
export function encodeShortStrings(items: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const item of items) length += sizeOf(item)
  const head = length < 56 ? 1 : length < 256 ? 2 : 3
  const bytes = new Uint8Array(head + length)
  if (head === 1) bytes[0] = 0xc0 + length
  else {
    bytes[0] = 0xf7 + head - 1
    bytes[head - 1] = length & 0xff
    if (head === 3) bytes[1] = length >> 8
  }
  let at = head
  for (const item of items) {
    const isByte = item.length === 1 && (item[0] as number) < 0x80
    if (!isByte && item.length < 56) bytes[at++] = 0x80 + item.length
    else if (!isByte) {
      bytes[at++] = 0xb8
      bytes[at++] = item.length
    }
    bytes.set(item, at)
    at += item.length
  }
  return bytes
}

function sizeOf(item: Uint8Array): number {
  if (item.length === 1 && (item[0] as number) < 0x80) return 1
  return item.length + (item.length < 56 ? 1 : 2)
}

/** @internal Decodes one message no larger than the limits, of which the bytes are looked at first. @throws CONSENSUS_MALFORMED */
export function decodeBounded(bytes: Uint8Array, maxBytes: number, what: string, maxItems = MAX_ITEMS): RlpItem {
  if (bytes.length > maxBytes) throw malformed(`${what} has ${bytes.length} bytes, at most ${maxBytes} are allowed`)
  try {
    return decodeRlp(bytes, maxItems)
  } catch (cause) {
    throw malformed(`${what} is no RLP: ${messageOf(cause)}`, cause)
  }
}

/** @internal @throws CONSENSUS_MALFORMED */
export function listOf(item: RlpItem | undefined, length: number, what: string): RlpItem[] {
  if (!Array.isArray(item) || item.length !== length) throw malformed(`${what} is not a list of ${length} items`)
  return item
}

/** @internal @throws CONSENSUS_MALFORMED */
export function listUpTo(item: RlpItem | undefined, max: number, what: string): RlpItem[] {
  if (!Array.isArray(item) || item.length > max) throw malformed(`${what} is not a list of at most ${max} items`)
  return item
}

/** @internal @throws CONSENSUS_MALFORMED */
export function bytesUpTo(item: RlpItem | undefined, max: number, what: string): Uint8Array {
  if (!(item instanceof Uint8Array) || item.length > max) throw malformed(`${what} is not at most ${max} bytes`)
  return item
}

/** @internal @throws CONSENSUS_MALFORMED */
export function bytesOf(item: RlpItem | undefined, length: number, what: string): Uint8Array {
  if (!(item instanceof Uint8Array) || item.length !== length) throw malformed(`${what} is not ${length} bytes`)
  return item
}

/** @internal @throws CONSENSUS_MALFORMED */
export function uint64Of(item: RlpItem | undefined, what: string): bigint {
  const bytes = bytesUpTo(item, 8, what)
  if (bytes[0] === 0) throw malformed(`${what} has a leading zero`)
  return readUintBE(bytes)
}

/** @internal @throws CONSENSUS_MALFORMED */
export function smallUintOf(item: RlpItem | undefined, max: number, what: string): number {
  const value = uint64Of(item, what)
  if (value > BigInt(max)) throw malformed(`${what} is above ${max}`)
  return Number(value)
}

/** @internal @throws CONSENSUS_MALFORMED */
export function hashOf(item: RlpItem | undefined, what: string): Hash32 {
  return toHex(bytesOf(item, 32, what)) as Hash32
}
