import { RLP } from '@ethereumjs/rlp'
import { MAX_TRANSACTION_BYTES } from '@hawser/chain'
import { fromHex, readUintBE, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { MAX_ANNOUNCED } from './limits.ts'
import { listIn, malformed } from './rlp.ts'

/** What a peer says of a transaction that it has. */
export interface Announced {
  readonly hash: Hash32
  /** EIP-2718 type. */
  readonly type: number
  /** Bytes of its encoding. */
  readonly size: number
}

/** RLP [types, [size u32...], [hash 32...]], as eth/68 has it. */
export function encodeAnnouncement(announced: readonly Announced[]): Uint8Array {
  return RLP.encode([
    Uint8Array.from(announced, ({ type }) => type),
    announced.map(({ size }) => uintBE(size, 4)),
    announced.map(({ hash }) => fromHex(hash)),
  ])
}

/** @throws MESSAGE_MALFORMED */
export function decodeAnnouncement(message: Uint8Array): Announced[] {
  const [types, sizes, hashes, ...rest] = listIn(message, 4 + 2 * MAX_ANNOUNCED)
  if (!(types instanceof Uint8Array) || !Array.isArray(sizes) || !Array.isArray(hashes) || rest.length > 0)
    throw malformed('not [types, sizes, hashes]')
  if (types.length !== hashes.length || sizes.length !== hashes.length)
    throw malformed('types, sizes and hashes are not of one length')
  return hashes.map((hash, i) => {
    const size = sizes[i]
    if (!(size instanceof Uint8Array) || size.length !== 4) throw malformed('a size is not 4 bytes')
    const bytes = Number(readUintBE(size))
    if (bytes === 0 || bytes > MAX_TRANSACTION_BYTES) throw malformed(`a transaction of ${bytes} bytes`)
    return { hash: hashOf(hash), type: types[i] as number, size: bytes }
  })
}

export function encodeHashes(hashes: readonly Hash32[]): Uint8Array {
  return RLP.encode(hashes.map((hash) => fromHex(hash)))
}

/** @throws MESSAGE_MALFORMED */
export function decodeHashes(message: Uint8Array, limit: number): Hash32[] {
  return listIn(message, 1 + limit).map(hashOf)
}

export function encodeTransactions(transactions: readonly Uint8Array[]): Uint8Array {
  return RLP.encode([...transactions])
}

/** EIP-2718 encodings, at most `limit`. @throws MESSAGE_MALFORMED */
export function decodeTransactions(message: Uint8Array, limit: number): Uint8Array[] {
  return listIn(message, 1 + limit).map((item) => {
    if (!(item instanceof Uint8Array) || item.length === 0) throw malformed('a transaction is not bytes')
    return item
  })
}

function hashOf(item: unknown): Hash32 {
  if (!(item instanceof Uint8Array) || item.length !== 32) throw malformed('a hash is not 32 bytes')
  return toHex(item) as Hash32
}
