import { readUintBE } from '@hawser/primitives'
import { MAX_HEADER_BYTES } from './codec.ts'

/** Fields of an execution header: their places in the RLP list. */
const NUMBER = 8
const TIMESTAMP = 11
/** A list of more than 55 bytes says its length in one or two bytes more. */
const MIN_HEADER_BYTES = 58
/** The newest fork has 21. */
const MAX_FIELDS = 64

/** What evidence needs of a header. */
export interface EvidenceHeader {
  readonly number: bigint
  /** Unix seconds. */
  readonly timestamp: bigint
}

/**
 * Number and timestamp of a header in RLP, exactly where `BlockHeader.sol` finds them: whatever else a node took for evidence would
 * never come into a block. Undefined when it is no list of at most 64 byte strings that fills 58 to 1,024 bytes, or lacks one of the two.
 * Like the contract it does not ask whether a string is encoded as shortly as it could be.
 */
export function readEvidenceHeader(header: Uint8Array): EvidenceHeader | undefined {
  if (header.length < MIN_HEADER_BYTES || header.length > MAX_HEADER_BYTES) return undefined
  const [prefix, high, low] = header as unknown as readonly [number, number, number]
  let at: number
  if (prefix === 0xf8 && high + 2 === header.length) at = 2
  else if (prefix === 0xf9 && high !== 0 && high * 256 + low + 3 === header.length) at = 3
  else return undefined
  const fields: Uint8Array[] = []
  while (at < header.length) {
    const field = stringAt(header, at)
    if (field === undefined || fields.length === MAX_FIELDS) return undefined
    fields.push(header.subarray(field.start, field.end))
    at = field.end
  }
  const [number, timestamp] = [uint64(fields[NUMBER]), uint64(fields[TIMESTAMP])]
  return number === undefined || timestamp === undefined ? undefined : { number, timestamp }
}

function stringAt(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } | undefined {
  const byte = (index: number) => bytes[index] ?? 0
  const prefix = byte(at)
  if (prefix < 0x80) return { start: at, end: at + 1 }
  let start: number
  let length: number
  if (prefix < 0xb8) [start, length] = [at + 1, prefix - 0x80]
  else if (prefix === 0xb8) [start, length] = [at + 2, byte(at + 1)]
  else if (prefix === 0xb9) [start, length] = [at + 3, byte(at + 1) * 256 + byte(at + 2)]
  else return undefined
  return start + length <= bytes.length ? { start, end: start + length } : undefined
}

function uint64(field: Uint8Array | undefined): bigint | undefined {
  if (field === undefined || field.length > 8 || field[0] === 0) return undefined
  return readUintBE(field)
}
