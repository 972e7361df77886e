import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bitcoinError } from './errors.ts'

/** The order of secp256k1's group. */
export const CURVE_ORDER = secp256k1.Point.Fn.ORDER

/**
 * The few operations on secp256k1 that custody needs, on 33-byte compressed points; undefined is the point at infinity.
 * For public data only: nothing here is constant time. Two implementations: noble (anywhere) and the native addon (`./musig2`).
 */
export interface CurveOps {
  /** @throws PUBLIC_KEY_INVALID unless the 33 bytes are a point of the curve. */
  assertPoint(point: Uint8Array): void
  multiply(point: Uint8Array, scalar: bigint): Uint8Array | undefined
  multiplyBase(scalar: bigint): Uint8Array | undefined
  /** The sum of points; undefined ones count as zero. */
  add(...points: readonly (Uint8Array | undefined)[]): Uint8Array | undefined
  /** 65 bytes 0x04 | x | y. */
  uncompressed(point: Uint8Array): Uint8Array
}

const { Point } = secp256k1
type P = typeof Point.BASE

function decode(bytes: Uint8Array): P {
  if (bytes.length !== 33) throw notAPoint()
  try {
    return Point.fromBytes(bytes)
  } catch (cause) {
    throw notAPoint(cause)
  }
}

function encode(point: P): Uint8Array | undefined {
  return point.is0() ? undefined : point.toBytes(true)
}

/** @internal */
export function notAPoint(cause?: unknown) {
  return bitcoinError('PUBLIC_KEY_INVALID', 'user', 'not a compressed public key of secp256k1 (33 bytes)', { cause })
}

/** Pure TypeScript operations, safe for browsers. */
export const nobleCurve: CurveOps = {
  assertPoint: (point) => void decode(point),
  multiply: (point, scalar) => encode(decode(point).multiplyUnsafe(modOrder(scalar))),
  multiplyBase: (scalar) => encode(Point.BASE.multiplyUnsafe(modOrder(scalar))),
  add: (...points) => encode(points.reduce((sum, p) => (p ? sum.add(decode(p)) : sum), Point.ZERO)),
  uncompressed: (point) => decode(point).toBytes(false),
}

/** The number between 0 and the group order, less one. */
export function modOrder(scalar: bigint): bigint {
  const rest = scalar % CURVE_ORDER
  return rest < 0n ? rest + CURVE_ORDER : rest
}
