import { compareBytes, concatBytes, equalBytes, readUintBE, taggedHash } from '@hawser/primitives'
import { modOrder, nobleCurve, type CurveOps } from './curve.ts'
import { bitcoinError } from './errors.ts'

/** Keys in BIP327's order: lexicographic by their 33 bytes. */
export function sortKeys(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...keys].sort(compareBytes)
}

/** BIP327 KeyAgg: the 33-byte aggregate of plain 33-byte keys in the given order. @throws PUBLIC_KEY_INVALID */
export function aggregateKeys(keys: readonly Uint8Array[], curve: CurveOps = nobleCurve): Uint8Array {
  const coefficient = keyAggCoefficients(keys)
  const sum = curve.add(...keys.map((key) => curve.multiply(key, coefficient(key))))
  if (!sum) throw bitcoinError('PUBLIC_KEY_INVALID', 'user', 'the keys add up to infinity (or there are none)')
  return sum
}

/** BIP327 KeyAggCoeff for every key of a list: 1 for the second distinct one, a hash otherwise. */
export function keyAggCoefficients(keys: readonly Uint8Array[]): (key: Uint8Array) => bigint {
  const first = keys[0] ?? new Uint8Array(33)
  const second = keys.find((key) => !equalBytes(key, first))
  const list = taggedHash('KeyAgg list', concatBytes(...keys))
  return (key) =>
    second && equalBytes(key, second) ? 1n : modOrder(readUintBE(taggedHash('KeyAgg coefficient', list, key)))
}
