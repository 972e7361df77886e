import { readUintBE } from '@hawser/primitives'
import { readWord } from './memory.ts'

const MASK_64 = (1n << 64n) - 1n

/** The word of at most 32 bytes, big endian. */
export function wordOf(bytes: Uint8Array): bigint {
  if (bytes.length === 32) return readWord(new DataView(bytes.buffer, bytes.byteOffset, 32), 0)
  return bytes.length === 0 ? 0n : readUintBE(bytes)
}

/** 32 bytes, big endian. */
export function bytesOfWord(word: bigint): Uint8Array {
  const bytes = new Uint8Array(32)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(24, word)
  if (word > MASK_64) {
    view.setBigUint64(16, word >> 64n)
    view.setBigUint64(8, word >> 128n)
    view.setBigUint64(0, word >> 192n)
  }
  return bytes
}

/** The 20 bytes of an address: the upper 12 of the word do not count. */
export function addressBytes(word: bigint): Uint8Array {
  const bytes = new Uint8Array(20)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(12, word)
  view.setBigUint64(4, word >> 64n)
  view.setUint32(0, Number((word >> 128n) & 0xffffffffn))
  return bytes
}

/** The word without leading zeros, as the state holds it. */
export function trimmedBytes(word: bigint): Uint8Array {
  if (word === 0n) return NOTHING
  const digits = word.toString(16)
  return new Uint8Array(Buffer.from(digits.length & 1 ? `0${digits}` : digits, 'hex'))
}

const NOTHING = new Uint8Array()
