/** One array of all the parts, in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Whether two arrays hold the same bytes (not constant time: never for secrets). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lexicographic order: negative when a comes first, 0 when equal. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const d = (a[i] ?? 0) - (b[i] ?? 0)
    if (d !== 0) return d
  }
  return a.length - b.length
}

/** A copy with the bytes in the opposite order. */
export function reverseBytes(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes).reverse()
}

/** The bytes of the UTF-8 encoding. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Fixed-width big-endian encoding; the value must fit in `width` bytes. */
export function uintBE(value: bigint | number, width: number): Uint8Array {
  const bytes = new Uint8Array(width)
  // Whole numbers below 2^53 need no bigint, of which every step makes another one.
  const fits = value >= 0 && value <= Number.MAX_SAFE_INTEGER && (typeof value === 'bigint' || Number.isInteger(value))
  if (fits) {
    let rest = Number(value)
    for (let i = width - 1; i >= 0 && rest > 0; i--) {
      bytes[i] = rest % 256
      rest = Math.floor(rest / 256)
    }
    if (rest > 0) throw new RangeError(`${value} does not fit in ${width} bytes`)
    return bytes
  }
  let rest = BigInt(value)
  if (rest < 0n || rest >> BigInt(8 * width) !== 0n) throw new RangeError(`${rest} does not fit in ${width} bytes`)
  for (let i = width - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** Fixed-width little-endian encoding; the value must fit in `width` bytes. */
export function uintLE(value: bigint | number, width: number): Uint8Array {
  return uintBE(value, width).reverse()
}

/** The big-endian unsigned number that the bytes stand for (0n for none). */
export function readUintBE(bytes: Uint8Array): bigint {
  // Four bytes at a time: every step of a bigint makes another one.
  let value = 0n
  let at = bytes.length & 3
  if (at > 0) {
    let head = 0
    for (let i = 0; i < at; i++) head = head * 256 + (bytes[i] ?? 0)
    value = BigInt(head)
  }
  for (; at < bytes.length; at += 4) {
    const word =
      (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>>
      0
    value = (value << 32n) | BigInt(word)
  }
  return value
}

/** The little-endian unsigned number that the bytes stand for (0n for none). */
export function readUintLE(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return value
}
