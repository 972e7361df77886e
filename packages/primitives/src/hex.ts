import { AppError } from './errors.ts'

/** A 0x-prefixed string of lower-case hex digits, two for each byte. */
export type Hex = `0x${string}`

const DIGITS = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

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
  const digits = text.startsWith('0x') ? text.slice(2) : text
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits))
    throw new AppError({ code: 'HEX_INVALID', fault: 'user' }, `not a hex string of whole bytes: ${text.slice(0, 80)}`)
  const bytes = new Uint8Array(digits.length / 2)
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return bytes
}
