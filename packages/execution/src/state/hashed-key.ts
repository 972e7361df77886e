import { keccak256 } from '@hawser/primitives'
import { GenerationCache } from './generation-cache.ts'

/** Keys whose hashes are remembered for the process: at some 300 bytes each, about 30 MB. */
const MAX_CACHED_HASHES = 100_000

/** The keccak256 of an address or of a storage key: where the state holds it. */
export interface HashedKey {
  /** 32 bytes. */
  readonly bytes: Uint8Array
  /** The same as text, one character for each byte: for maps, and in the order of the bytes. */
  readonly text: string
}

const known = new GenerationCache<string, HashedKey>(MAX_CACHED_HASHES)

/** Bytes as text, one character for each byte; equal and ordered as the bytes are. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length)
}

/** The inverse of `textOf`. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'))
}

/** The hash of a key whose text is known already. */
export function hashedKey(key: Uint8Array, text: string = textOf(key)): HashedKey {
  let hashed = known.get(text)
  if (!hashed) {
    const bytes = keccak256(key)
    hashed = { bytes, text: textOf(bytes) }
    known.set(text, hashed)
  }
  return hashed
}
