import { createRequire } from 'node:module'
import * as noble from '@noble/secp256k1'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { type Address } from './brands.ts'
import { concatBytes, readUintBE, uintBE } from './bytes.ts'
import { AppError } from './errors.ts'
import { toHex } from './hex.ts'
import { keccak256 } from './keccak.ts'

/** ECDSA over secp256k1 as the chain uses it: RFC 6979 nonces, low s, 65-byte signatures r | s | v with v 0 or 1. */
export interface Secp256k1 {
  /** Signs a 32-byte digest with a 32-byte secret key: 65 bytes r | s | v. */
  sign(digest: Uint8Array, secretKey: Uint8Array): Uint8Array
  /** The 65-byte uncompressed public key (0x04 | x | y) behind r | s | v. @throws SIGNATURE_INVALID */
  recover(digest: Uint8Array, signature: Uint8Array): Uint8Array
  /**
   * The 65-byte public key as Ethereum's ECRECOVER precompile finds it: any s below the order, parity 0 or 1.
   * @throws SIGNATURE_INVALID
   */
  ecrecover(digest: Uint8Array, r: Uint8Array, s: Uint8Array, parity: number): Uint8Array
  /** The public key of a 32-byte secret key: 33 bytes compressed or 65 uncompressed. */
  publicKey(secretKey: Uint8Array, compressed?: boolean): Uint8Array
  /** Which library stands behind it. */
  readonly implementation: 'native' | 'noble'
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
const HALF_ORDER_BYTES = uintBE(HALF_ORDER, 32)

function checkSignature(signature: Uint8Array): number {
  const v = signature[64]
  if (signature.length !== 65 || (v !== 0 && v !== 1)) throw invalid('65 bytes r | s | v with v 0 or 1 are needed')
  if (hasHighS(signature)) throw invalid('s is in the upper half of the order')
  return v
}

/** Byte by byte: commits are checked by the hundred, and a bigint each would be a tenth of it. */
function hasHighS(signature: Uint8Array): boolean {
  let at = 0
  while (at < 31 && signature[32 + at] === HALF_ORDER_BYTES[at]) at++
  return (signature[32 + at] as number) > (HALF_ORDER_BYTES[at] as number)
}

function invalid(why: string, cause?: unknown): AppError {
  return new AppError({ code: 'SIGNATURE_INVALID', fault: 'peer' }, `invalid secp256k1 signature: ${why}`, { cause })
}

interface NativeAddon {
  ecdsaSign(digest: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number }
  ecdsaRecover(signature: Uint8Array, recid: number, digest: Uint8Array, compressed: boolean): Uint8Array
  publicKeyCreate(key: Uint8Array, compressed: boolean): Uint8Array
}

function nativeBackend(addon: NativeAddon): Secp256k1 {
  return {
    implementation: 'native',
    sign(digest, secretKey) {
      const { signature, recid } = addon.ecdsaSign(digest, secretKey)
      return concatBytes(signature, Uint8Array.of(recid))
    },
    recover(digest, signature) {
      const v = checkSignature(signature)
      try {
        return addon.ecdsaRecover(signature.subarray(0, 64), v, digest, false)
      } catch (cause) {
        throw invalid('no public key fits it', cause)
      }
    },
    ecrecover(digest, r, s, parity) {
      return this.recover(digest, withLowS(r, s, parity))
    },
    publicKey: (secretKey, compressed = true) => addon.publicKeyCreate(secretKey, compressed),
  }
}

/** (r, s, parity) and (r, n - s, other parity) stand for the same public key; the libraries want the low one. */
function withLowS(r: Uint8Array, s: Uint8Array, parity: number): Uint8Array {
  const value = readUintBE(s)
  if (value >= ORDER) throw invalid('s is not below the order')
  return value <= HALF_ORDER
    ? concatBytes(r, s, Uint8Array.of(parity))
    : concatBytes(r, uintBE(ORDER - value, 32), Uint8Array.of(parity ^ 1))
}

/** @internal The pure implementation: for machines without the addon, and for the test that holds the two together. */
export function nobleBackend(): Secp256k1 {
  noble.hashes.hmacSha256 = (key, message) => hmac(sha256, key, message)
  noble.hashes.sha256 = (message) => sha256(message)
  return {
    implementation: 'noble',
    sign(digest, secretKey) {
      const recovered = noble.sign(digest, secretKey, { prehash: false, format: 'recovered' })
      return concatBytes(recovered.subarray(1), recovered.subarray(0, 1))
    },
    recover(digest, signature) {
      const v = checkSignature(signature)
      try {
        const key = noble.recoverPublicKey(concatBytes(Uint8Array.of(v), signature.subarray(0, 64)), digest, {
          prehash: false,
        })
        return noble.Point.fromBytes(key).toBytes(false)
      } catch (cause) {
        throw invalid('no public key fits it', cause)
      }
    },
    ecrecover(digest, r, s, parity) {
      return this.recover(digest, withLowS(r, s, parity))
    },
    publicKey: (secretKey, compressed = true) => noble.getPublicKey(secretKey, compressed),
  }
}

// secp256k1/bindings is the addon alone; the package's main file would fall back to a third library.
const ADDON = 'secp256k1/bindings'

function load(): Secp256k1 {
  try {
    return nativeBackend(createRequire(import.meta.url)(ADDON) as NativeAddon)
  } catch {
    return nobleBackend()
  }
}

/** The process's one instance: native where the addon loads, noble otherwise. */
export const secp256k1: Secp256k1 = load()

/** The native addon's file, for threads that load it themselves; undefined where noble stands in for it. */
export function nativeAddonFile(): string | undefined {
  return secp256k1.implementation === 'native' ? createRequire(import.meta.url).resolve(ADDON) : undefined
}

/** The EVM address of a 65-byte uncompressed public key. */
export function publicKeyToAddress(publicKey: Uint8Array): Address {
  return toHex(keccak256(publicKey.subarray(1)).subarray(12)) as Address
}

/** The public key of r | s | v over a 32-byte digest: 65 bytes uncompressed. @throws SIGNATURE_INVALID */
export function recoverPublicKey(digest: Uint8Array, signature: Uint8Array): Uint8Array {
  return secp256k1.recover(digest, signature)
}

/** The EVM address that signed the digest. @throws SIGNATURE_INVALID */
export function recoverAddress(digest: Uint8Array, signature: Uint8Array): Address {
  return publicKeyToAddress(secp256k1.recover(digest, signature))
}
