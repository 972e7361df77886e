import { concatBytes, uintLE } from '@hawser/primitives'

/** Bitcoin's variable-length integer: 1, 3, 5 or 9 bytes. */
export function compactSize(n: number): Uint8Array {
  if (n < 0xfd) return Uint8Array.of(n)
  if (n <= 0xffff) return concatBytes(Uint8Array.of(0xfd), uintLE(n, 2))
  if (n <= 0xffff_ffff) return concatBytes(Uint8Array.of(0xfe), uintLE(n, 4))
  return concatBytes(Uint8Array.of(0xff), uintLE(n, 8))
}

/** Bytes that `compactSize(n)` takes. */
export function compactSizeLength(n: number): number {
  return n < 0xfd ? 1 : n <= 0xffff ? 3 : n <= 0xffff_ffff ? 5 : 9
}

/** The bytes with their length in front. */
export function withLength(bytes: Uint8Array): Uint8Array {
  return concatBytes(compactSize(bytes.length), bytes)
}
