import { createRequire } from 'node:module'
import { uintBE } from '@hawser/primitives'
import { modOrder, nobleCurve, notAPoint, type CurveOps } from '../curve.ts'

interface NativeAddon {
  publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array
  publicKeyTweakMul(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array
  publicKeyCombine(points: readonly Uint8Array[], compressed: boolean): Uint8Array
  publicKeyConvert(point: Uint8Array, compressed: boolean): Uint8Array
  publicKeyVerify(point: Uint8Array): boolean
}

/** @internal The operations over the native addon; for public data. */
export function nativeCurveOver(addon: NativeAddon): CurveOps {
  const assertPoint = (point: Uint8Array): void => {
    if (point.length !== 33 || !addon.publicKeyVerify(point)) throw notAPoint()
  }
  return {
    assertPoint,
    multiply(point, scalar) {
      assertPoint(point)
      const rest = modOrder(scalar)
      return rest === 0n ? undefined : addon.publicKeyTweakMul(point, uintBE(rest, 32), true)
    },
    multiplyBase(scalar) {
      const rest = modOrder(scalar)
      return rest === 0n ? undefined : addon.publicKeyCreate(uintBE(rest, 32), true)
    },
    add(...points) {
      const terms = points.filter((point) => point !== undefined)
      terms.forEach(assertPoint)
      if (terms.length === 0) return undefined
      try {
        return addon.publicKeyCombine(terms, true)
      } catch {
        // All terms are valid points, so the addon can only mean that they add up to infinity.
        return undefined
      }
    },
    uncompressed(point) {
      assertPoint(point)
      return addon.publicKeyConvert(point, false)
    },
  }
}

function load(): CurveOps {
  try {
    return nativeCurveOver(createRequire(import.meta.url)('secp256k1/bindings') as NativeAddon)
  } catch {
    return nobleCurve
  }
}

/** The process's fastest curve operations: the native addon where it loads, noble otherwise. */
export const fastCurve: CurveOps = load()
