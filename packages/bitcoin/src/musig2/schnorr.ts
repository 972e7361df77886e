import { concatBytes, equalBytes, readUintBE, taggedHash } from '@hawser/primitives'
import { CURVE_ORDER, modOrder, type CurveOps } from '../curve.ts'
import { fastCurve } from './native-curve.ts'

/** BIP340 verification of a 64-byte signature over a message by an x-only key; never throws. */
export function verifySchnorr(
  signature: Uint8Array,
  message: Uint8Array,
  publicKey: Uint8Array,
  curve: CurveOps = fastCurve,
): boolean {
  if (signature.length !== 64 || publicKey.length !== 32) return false
  const point = concatBytes(Uint8Array.of(2), publicKey)
  const r = signature.slice(0, 32)
  const s = readUintBE(signature.subarray(32))
  if (s >= CURVE_ORDER) return false
  try {
    const e = schnorrChallenge(r, publicKey, message)
    const R = curve.add(curve.multiplyBase(s), curve.multiply(point, -e))
    return R !== undefined && R[0] === 2 && equalBytes(R.subarray(1), r)
  } catch {
    return false
  }
}

/** @internal e = int(H_BIP0340/challenge(R | P | m)) mod n. */
export function schnorrChallenge(r: Uint8Array, publicKey: Uint8Array, message: Uint8Array): bigint {
  return modOrder(readUintBE(taggedHash('BIP0340/challenge', r, publicKey, message)))
}
