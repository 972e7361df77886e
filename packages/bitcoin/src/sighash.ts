import { concatBytes, sha256, taggedHash, uintLE } from '@hawser/primitives'
import { withLength } from './compact-size.ts'
import { bitcoinError } from './errors.ts'
import { encodeOutpoint, encodeOutput, type Transaction, type TxOutput } from './transaction.ts'

/** The BIP341 messages (SIGHASH_DEFAULT, no annex) of one transaction; what its inputs share is hashed once. */
export interface TaprootSighashes {
  /** The 32 bytes that the output key of input `index` signs. */
  keyPath(index: number): Uint8Array
  /** The 32 bytes that keys in the leaf sign for input `index`. */
  leaf(index: number, leafHash: Uint8Array): Uint8Array
}

/** Prepares the messages; `prevouts` are the coins spent, in input order. @throws TX_MALFORMED when their number differs. */
export function taprootSighashes(tx: Transaction, prevouts: readonly TxOutput[]): TaprootSighashes {
  if (prevouts.length !== tx.inputs.length)
    throw bitcoinError('TX_MALFORMED', 'local', `${tx.inputs.length} inputs but ${prevouts.length} coins given`)
  const shared = concatBytes(
    Uint8Array.of(0, 0),
    uintLE(tx.version >>> 0, 4),
    uintLE(tx.locktime, 4),
    sha256(concatBytes(...tx.inputs.map(encodeOutpoint))),
    sha256(concatBytes(...prevouts.map((coin) => uintLE(coin.sats, 8)))),
    sha256(concatBytes(...prevouts.map((coin) => withLength(coin.script)))),
    sha256(concatBytes(...tx.inputs.map((input) => uintLE(input.sequence, 4)))),
    sha256(concatBytes(...tx.outputs.map(encodeOutput))),
  )
  const digest = (index: number, spendType: number, extension: Uint8Array) =>
    taggedHash('TapSighash', shared, Uint8Array.of(spendType), uintLE(index, 4), extension)
  return {
    keyPath: (index) => digest(index, 0, new Uint8Array(0)),
    // ext_flag 1: leaf hash, key version 0, no OP_CODESEPARATOR (BIP342).
    leaf: (index, leafHash) => digest(index, 2, concatBytes(leafHash, Uint8Array.of(0, 0xff, 0xff, 0xff, 0xff))),
  }
}
