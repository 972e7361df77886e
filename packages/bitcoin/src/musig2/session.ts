import { concatBytes, equalBytes, readUintBE, taggedHash, uintBE } from '@hawser/primitives'
import { Session } from '@scure/btc-signer/musig2.js'
import { CURVE_ORDER, modOrder, type CurveOps } from '../curve.ts'
import { bitcoinError } from '../errors.ts'
import { aggregateKeys, keyAggCoefficients } from '../key-agg.ts'
import { fastCurve } from './native-curve.ts'
import { schnorrChallenge } from './schnorr.ts'
import { PUBLIC_NONCE_BYTES, type SecretNonce } from './secret-nonce.ts'

/** A tweak of the aggregate key: 32 bytes, x-only for Taproot (BIP341), plain for BIP32. */
export interface MusigTweak {
  readonly tweak: Uint8Array
  readonly isXOnly: boolean
}

/** Keys aggregated once, for any number of messages (BIP327 KeyAgg and ApplyTweak). */
export interface KeyAggContext {
  readonly keys: readonly Uint8Array[]
  readonly tweaks: readonly MusigTweak[]
  /** Q, 33 bytes. */
  readonly point: Uint8Array
  /** x of Q: the key that the signature verifies under. */
  readonly xOnlyKey: Uint8Array
  /** gacc as 1 or -1. */
  readonly sign: 1n | -1n
  readonly tweakSum: bigint
  readonly coefficient: (key: Uint8Array) => bigint
}

/** Aggregates 33-byte keys in the given order and applies tweaks. @throws MUSIG_INVALID with `contributor` for a bad key */
export function keyAggContext(
  keys: readonly Uint8Array[],
  tweaks: readonly MusigTweak[] = [],
  curve: CurveOps = fastCurve,
): KeyAggContext {
  keys.forEach((key, i) => named(i, 'public key', () => curve.assertPoint(key)))
  let point = aggregateKeys(keys, curve)
  let sign: 1n | -1n = 1n
  let tweakSum = 0n
  for (const { tweak, isXOnly } of tweaks) {
    const scalar = readUintBE(tweak)
    if (tweak.length !== 32 || scalar >= CURVE_ORDER)
      throw invalid('a tweak must be 32 bytes and below the group order')
    const flip = isXOnly && point[0] === 3
    const base = flip ? concatBytes(Uint8Array.of(2), point.subarray(1)) : point
    const sum = curve.add(base, curve.multiplyBase(scalar))
    if (!sum) throw invalid('the tweaked key is infinity')
    point = sum
    sign = flip ? (-sign as 1n | -1n) : sign
    tweakSum = modOrder(scalar + (flip ? -tweakSum : tweakSum))
  }
  return { keys, tweaks, point, xOnlyKey: point.slice(1), sign, tweakSum, coefficient: keyAggCoefficients(keys) }
}

/** BIP327 NonceAgg: 66 bytes. @throws MUSIG_INVALID with `contributor` for a bad nonce */
export function aggregateNonces(publicNonces: readonly Uint8Array[], curve: CurveOps = fastCurve): Uint8Array {
  if (publicNonces.length === 0) throw invalid('no nonces')
  publicNonces.forEach((nonce, i) =>
    named(i, 'public nonce', () => {
      if (nonce.length !== PUBLIC_NONCE_BYTES) throw invalid(`a public nonce has ${PUBLIC_NONCE_BYTES} bytes`)
      curve.assertPoint(nonce.slice(0, 33))
      curve.assertPoint(nonce.slice(33))
    }),
  )
  const infinity = new Uint8Array(33)
  const sum = (from: number) => curve.add(...publicNonces.map((nonce) => nonce.slice(from, from + 33))) ?? infinity
  return concatBytes(sum(0), sum(33))
}

/** One message to sign with one aggregated nonce. */
export interface MusigSession {
  readonly context: KeyAggContext
  readonly message: Uint8Array
  /** BIP327 Sign with one's own secret nonce and key, checked before it is handed out: 32 bytes. @throws MUSIG_NONCE_USED, MUSIG_INVALID */
  sign(secretNonce: SecretNonce, secretKey: Uint8Array, publicNonce: Uint8Array): Uint8Array
  /** Whether a member's partial signature fits its public nonce; constant work, nonces are not aggregated anew. */
  verifyPartial(partial: Uint8Array, publicNonce: Uint8Array, publicKey: Uint8Array): boolean
  /** The 64-byte BIP340 signature of all members' partial signatures. @throws MUSIG_INVALID with `contributor` */
  aggregate(partials: readonly Uint8Array[]): Uint8Array
}

/** Prepares a session (BIP327 GetSessionValues). `aggregateNonce` is what `aggregateNonces` gave. @throws MUSIG_INVALID */
export function createSession(
  context: KeyAggContext,
  aggregateNonce: Uint8Array,
  message: Uint8Array,
  curve: CurveOps = fastCurve,
): MusigSession {
  if (aggregateNonce.length !== PUBLIC_NONCE_BYTES) throw invalid(`an aggregate nonce has ${PUBLIC_NONCE_BYTES} bytes`)
  const [first, second] = [aggregateNonce.slice(0, 33), aggregateNonce.slice(33)].map((half) => {
    if (half.every((byte) => byte === 0)) return undefined
    try {
      curve.assertPoint(half)
    } catch (cause) {
      throw invalid('the aggregate nonce is no pair of points', { cause })
    }
    return half
  })
  const { xOnlyKey, sign, tweakSum, coefficient, keys } = context
  const b = modOrder(readUintBE(taggedHash('MuSig/noncecoef', aggregateNonce, xOnlyKey, message)))
  const R = curve.add(first, second && curve.multiply(second, b)) ?? (curve.multiplyBase(1n) as Uint8Array)
  const nonceX = R.slice(1)
  const e = schnorrChallenge(nonceX, xOnlyKey, message)
  const keySign = context.point[0] === 3 ? -1n : 1n

  function verifyPartial(partial: Uint8Array, publicNonce: Uint8Array, publicKey: Uint8Array): boolean {
    const s = readUintBE(partial)
    if (partial.length !== 32 || s >= CURVE_ORDER || publicNonce.length !== PUBLIC_NONCE_BYTES) return false
    if (!keys.some((key) => equalBytes(key, publicKey))) return false
    try {
      const member = curve.add(publicNonce.slice(0, 33), curve.multiply(publicNonce.slice(33), b))
      const own = member && R[0] === 3 ? curve.multiply(member, -1n) : member
      const weight = e * coefficient(publicKey) * keySign * sign
      const right = curve.add(own, curve.multiply(publicKey, weight))
      const left = curve.multiplyBase(s)
      return left === undefined || right === undefined ? left === right : equalBytes(left, right)
    } catch {
      return false
    }
  }

  return {
    context,
    message,
    verifyPartial,
    sign(secretNonce, secretKey, publicNonce) {
      const partial = secretNonce.consume((bytes) => {
        const publicKey = bytes.slice(64)
        if (!keys.some((key) => equalBytes(key, publicKey))) throw invalid('the signer is not among the keys')
        try {
          const tweaks = context.tweaks.map((t) => t.tweak)
          const modes = context.tweaks.map((t) => t.isXOnly)
          const signer = new Session(aggregateNonce, [...keys], message, tweaks, modes)
          // The library's own check is slower than ours below.
          return { bytes: signer.sign(bytes, secretKey, true), publicKey }
        } catch (cause) {
          throw invalid('signing failed', { cause })
        }
      })
      if (!verifyPartial(partial.bytes, publicNonce, partial.publicKey))
        throw invalid('the own partial signature does not verify; it is not handed out')
      return partial.bytes
    },
    aggregate(partials) {
      if (partials.length !== keys.length)
        throw invalid(`${partials.length} partial signatures for ${keys.length} keys`)
      let sum = e * keySign * tweakSum
      partials.forEach((partial, i) => {
        const s = readUintBE(partial)
        if (partial.length !== 32 || s >= CURVE_ORDER)
          throw invalid('a partial signature is out of range', { contributor: i })
        sum += s
      })
      return concatBytes(nonceX, uintBE(modOrder(sum), 32))
    },
  }
}

function named(contributor: number, what: string, check: () => void): void {
  try {
    check()
  } catch (cause) {
    throw invalid(`member ${contributor}'s ${what} is invalid`, { cause, contributor })
  }
}

function invalid(why: string, extra: { cause?: unknown; contributor?: number } = {}) {
  return bitcoinError('MUSIG_INVALID', 'peer', `MuSig2: ${why}`, extra)
}
