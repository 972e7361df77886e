import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import { concatBytes, utf8 } from './bytes.ts'

/** SHA-256: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes)
}

/** Bitcoin's double SHA-256: 32 bytes in internal byte order. */
export function hash256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(nobleSha256(bytes))
}

const tagPrefixes = new Map<string, Uint8Array>()

/** The tagged hash of BIP340: sha256(sha256(tag) | sha256(tag) | parts...). Tags are our own constants, so the cache is bounded. */
export function taggedHash(tag: string, ...parts: readonly Uint8Array[]): Uint8Array {
  let prefix = tagPrefixes.get(tag)
  if (!prefix) {
    const hash = nobleSha256(utf8(tag))
    prefix = concatBytes(hash, hash)
    tagPrefixes.set(tag, prefix)
  }
  return nobleSha256(concatBytes(prefix, ...parts))
}
