import { AppError } from './errors.ts'

/** A 0x-prefixed string of lower-case hex digits, two for each byte. */
export type Hex = `0x${string}`

const DIGITS = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** The value of each hex digit by its character code; -1 for other characters. */
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < 16; value++) {
  VALUES[value.toString(16).charCodeAt(0)] = value
  VALUES[value.toString(16).toUpperCase().charCodeAt(0)] = value
}

/** The bytes as 0x-prefixed lower-case hex. */
export function toHex(bytes: Uint8Array): Hex {
  let text = '0x'
  for (const byte of bytes) text += DIGITS[byte]
  return text as Hex
}

/**
 * The bytes of a hex string, with or without 0x.
 * @throws HEX_INVALID for an odd number of digits or a character that is no hex digit.
 */
export function fromHex(text: string): Uint8Array {
  const start = text.startsWith('0x') ? 2 : 0
  const digits = text.length - start
  const bytes = new Uint8Array(digits >> 1)
  let wrong = 0
  for (let i = 0, at = start; i < bytes.length; i++, at += 2) {
    // Below zero when either is no digit: the sign bit stays.
    const byte = ((VALUES[text.charCodeAt(at)] ?? -1) << 4) | (VALUES[text.charCodeAt(at + 1)] ?? -1)
    wrong |= byte
    bytes[i] = byte
  }
  if (wrong < 0 || digits & 1)
    throw new AppError({ code: 'HEX_INVALID', fault: 'user' }, `not a hex string of whole bytes: ${text.slice(0, 80)}`)
  return bytes
}
