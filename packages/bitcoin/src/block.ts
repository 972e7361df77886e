import { concatBytes } from '@hawser/primitives'
import { ByteReader } from './byte-reader.ts'
import { compactSize } from './compact-size.ts'
import { bitcoinError } from './errors.ts'
import { HEADER_BYTES, parseHeader, type BlockHeader } from './header.ts'
import { encodeTransaction, readTransaction, type Transaction } from './transaction.ts'

/** A block's weight limit is 4,000,000: no valid one is longer than this. */
export const MAX_BLOCK_BYTES = 4_000_000
/** 4,000,000 weight units over the 240 of the smallest transaction (bitcoind uses the same bound). */
export const MAX_BLOCK_TRANSACTIONS = Math.floor(4_000_000 / 240)

export interface Block {
  readonly header: BlockHeader
  readonly transactions: readonly Transaction[]
}

/** Decodes a whole block; the size is checked first. @throws BITCOIN_TOO_LARGE, BLOCK_MALFORMED, TX_MALFORMED */
export function decodeBlock(bytes: Uint8Array, maxBytes: number = MAX_BLOCK_BYTES): Block {
  if (bytes.length > maxBytes)
    throw bitcoinError('BITCOIN_TOO_LARGE', 'peer', `a block of ${bytes.length} bytes; the limit is ${maxBytes}`)
  const reader = new ByteReader(bytes, (why) => bitcoinError('BLOCK_MALFORMED', 'peer', `malformed block: ${why}`))
  const header = parseHeader(reader.take(HEADER_BYTES))
  const count = reader.compactSize(MAX_BLOCK_TRANSACTIONS, 'transactions')
  const transactions = Array.from({ length: count }, () => readTransaction(reader))
  reader.end()
  return { header, transactions }
}

/** The wire bytes of a block. */
export function encodeBlock(header: Uint8Array, transactions: readonly Transaction[]): Uint8Array {
  return concatBytes(header, compactSize(transactions.length), ...transactions.map(encodeTransaction))
}
