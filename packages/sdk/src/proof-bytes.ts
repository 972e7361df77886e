import { fromHex } from '@hawser/primitives'

/** @internal Bytes of hex that a stranger gave; undefined for anything else, and for more than `most` of them. */
export function readProofBytes(hex: unknown, most: number): Uint8Array | undefined {
  if (typeof hex !== 'string' || hex.length > 2 + 2 * most || !/^0x[0-9a-fA-F]*$/.test(hex)) return undefined
  return hex.length % 2 === 0 ? fromHex(hex) : undefined
}
