import { RLP } from '@ethereumjs/rlp'
import { readUintBE, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { malformed } from './errors.ts'

/** @internal A decoded RLP item. */
export type RlpItem = Uint8Array | RlpItem[]

/** @internal Minimal big-endian bytes of a u64: RLP's integers. */
export function rlpUint(value: bigint | number): Uint8Array {
  const wide = uintBE(value, 8)
  let start = 0
  while (start < 8 && wide[start] === 0) start++
  return wide.subarray(start)
}

/** @internal Decodes one message no larger than the limit, which is looked at first. @throws CONSENSUS_MALFORMED */
export function decodeBounded(bytes: Uint8Array, maxBytes: number, what: string): RlpItem {
  if (bytes.length > maxBytes) throw malformed(`${what} has ${bytes.length} bytes, at most ${maxBytes} are allowed`)
  try {
    return RLP.decode(bytes) as RlpItem
  } catch (cause) {
    throw malformed(`${what} is no RLP`, cause)
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
