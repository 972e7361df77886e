import { hash256, readUintLE, toHex, type BtcHash } from '@hawser/primitives'
import { bitcoinError } from './errors.ts'

/** Bytes of a serialized header. */
export const HEADER_BYTES = 80

/** A decoded block header; hashes in internal byte order, time in Unix seconds. */
export interface BlockHeader {
  readonly version: number
  readonly previousHash: BtcHash
  readonly merkleRoot: BtcHash
  readonly timeS: number
  readonly bits: number
  readonly nonce: number
  readonly hash: BtcHash
  /** The 80 bytes themselves. */
  readonly raw: Uint8Array
}

/** Decodes the 80 bytes of a header; no rule is checked. @throws HEADER_BAD_LENGTH */
export function parseHeader(raw: Uint8Array): BlockHeader {
  if (raw.length !== HEADER_BYTES)
    throw bitcoinError('HEADER_BAD_LENGTH', 'peer', `a header has 80 bytes, not ${raw.length}`)
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength)
  return {
    version: view.getInt32(0, true),
    previousHash: toHex(raw.subarray(4, 36)) as BtcHash,
    merkleRoot: toHex(raw.subarray(36, 68)) as BtcHash,
    timeS: view.getUint32(68, true),
    bits: view.getUint32(72, true),
    nonce: view.getUint32(76, true),
    hash: toHex(hash256(raw)) as BtcHash,
    raw: Uint8Array.from(raw),
  }
}

/** The header's hash as a number, to compare with the target (little endian). */
export function headerHashNumber(raw: Uint8Array): bigint {
  return readUintLE(hash256(raw))
}
