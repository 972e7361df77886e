/** RLP (yellow paper, appendix B) into buffers of the right size: for what is encoded thousands of times in a block. */

export const EMPTY_STRING = 0x80
export const LIST = 0xc0

/** The RLP of a string. */
export function rlpString(bytes: Uint8Array): Uint8Array {
  const rlp = new Uint8Array(stringSize(bytes))
  writeString(rlp, 0, bytes)
  return rlp
}

/** The RLP of a list, from the RLP of its items. */
export function rlpList(items: readonly Uint8Array[]): Uint8Array {
  let payload = 0
  for (const item of items) payload += item.length
  const rlp = new Uint8Array(headSize(payload) + payload)
  let at = writeHead(rlp, 0, LIST, payload)
  for (const item of items) {
    rlp.set(item, at)
    at += item.length
  }
  return rlp
}

function isOwnEncoding(bytes: Uint8Array): boolean {
  return bytes.length === 1 && (bytes[0] ?? 0) < EMPTY_STRING
}

/** The bytes that a string takes. */
export function stringSize(bytes: Uint8Array): number {
  return isOwnEncoding(bytes) ? 1 : headSize(bytes.length) + bytes.length
}

/** Writes a string at a place of a buffer that has room; returns the place behind it. */
export function writeString(buffer: Uint8Array, at: number, bytes: Uint8Array): number {
  if (!isOwnEncoding(bytes)) at = writeHead(buffer, at, EMPTY_STRING, bytes.length)
  buffer.set(bytes, at)
  return at + bytes.length
}

/** The bytes in front of a payload. */
export function headSize(length: number): number {
  return length < 56 ? 1 : 1 + lengthBytes(length)
}

function lengthBytes(length: number): number {
  return length < 0x100 ? 1 : length < 0x10000 ? 2 : length < 0x1000000 ? 3 : 4
}

/** Writes what stands in front of a payload: `offset` is 0x80 for a string, LIST for a list. */
export function writeHead(buffer: Uint8Array, at: number, offset: number, length: number): number {
  if (length < 56) {
    buffer[at++] = offset + length
    return at
  }
  const bytes = lengthBytes(length)
  buffer[at++] = offset + 55 + bytes
  for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) buffer[at++] = (length >>> shift) & 0xff
  return at
}

/** Where the list at a place begins, where its items begin and where they end; of RLP that is known to be good. */
export function listContent(bytes: Uint8Array, from: number): { from: number; start: number; end: number } {
  const first = bytes[from] ?? LIST
  const lengthBytes = first > LIST + 55 ? first - LIST - 55 : 0
  let length = lengthBytes === 0 ? first - LIST : 0
  for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (bytes[from + i] ?? 0)
  const start = from + 1 + lengthBytes
  return { from, start, end: start + length }
}
