import { concatBytes, fromHex, hash256, toHex, uintLE, ZERO_HASH, type BtcHash } from '@hawser/primitives'
import { ByteReader } from './byte-reader.ts'
import { compactSize, withLength } from './compact-size.ts'
import { bitcoinError } from './errors.ts'

/** A transaction's weight limit is 4,000,000: no valid one is longer than this. */
export const MAX_TRANSACTION_BYTES = 4_000_000
const MIN_INPUT_BYTES = 41
const MIN_OUTPUT_BYTES = 9

export interface TxInput {
  /** Hash of the transaction that made the coin, internal byte order. */
  readonly txid: BtcHash
  readonly vout: number
  readonly scriptSig: Uint8Array
  readonly sequence: number
  /** Stack items, bottom first; empty without witness. */
  readonly witness: readonly Uint8Array[]
}

export interface TxOutput {
  readonly sats: bigint
  readonly script: Uint8Array
}

/** A Bitcoin transaction. */
export interface Transaction {
  /** Signed 32 bits. */
  readonly version: number
  readonly inputs: readonly TxInput[]
  readonly outputs: readonly TxOutput[]
  readonly locktime: number
}

/**
 * Decodes a transaction, with or without witness; the size is checked first.
 * @throws BITCOIN_TOO_LARGE, TX_MALFORMED
 */
export function decodeTransaction(bytes: Uint8Array, maxBytes: number = MAX_TRANSACTION_BYTES): Transaction {
  if (bytes.length > maxBytes)
    throw bitcoinError('BITCOIN_TOO_LARGE', 'peer', `a transaction of ${bytes.length} bytes; the limit is ${maxBytes}`)
  const reader = new ByteReader(bytes, malformed)
  const tx = readTransaction(reader)
  reader.end()
  return tx
}

/** @internal Reads one transaction out of a longer message. */
export function readTransaction(reader: ByteReader): Transaction {
  const version = reader.uint(4) | 0
  const segwit = reader.peek() === 0 && reader.peek(1) === 1
  if (segwit) reader.take(2)
  const bare = Array.from({ length: readCount(reader, MIN_INPUT_BYTES, 'inputs') }, () => ({
    txid: toHex(reader.take(32)) as BtcHash,
    vout: reader.uint(4),
    scriptSig: reader.take(reader.compactSize(reader.left, 'scriptSig')),
    sequence: reader.uint(4),
  }))
  if (bare.length === 0) throw malformed('no inputs')
  const outputs = Array.from({ length: readCount(reader, MIN_OUTPUT_BYTES, 'outputs') }, () => ({
    sats: reader.uint64(),
    script: reader.take(reader.compactSize(reader.left, 'script')),
  }))
  const inputs = bare.map((input) => ({ ...input, witness: segwit ? readWitness(reader) : [] }))
  if (segwit && inputs.every((input) => input.witness.length === 0)) throw malformed('a witness marker without witness')
  return { version, inputs, outputs, locktime: reader.uint(4) }
}

function readCount(reader: ByteReader, minBytes: number, what: string): number {
  return reader.compactSize(Math.floor(reader.left / minBytes), what)
}

function readWitness(reader: ByteReader): Uint8Array[] {
  const items = reader.compactSize(reader.left, 'witness items')
  return Array.from({ length: items }, () => reader.take(reader.compactSize(reader.left, 'witness item')))
}

function malformed(why: string) {
  return bitcoinError('TX_MALFORMED', 'peer', `malformed transaction: ${why}`)
}

/** The wire bytes, with the witness where there is one. */
export function encodeTransaction(tx: Transaction): Uint8Array {
  const hasWitness = tx.inputs.some((input) => input.witness.length > 0)
  if (!hasWitness) return encodeStripped(tx)
  const stripped = encodeStripped(tx)
  const witnesses = tx.inputs.map((input) =>
    concatBytes(compactSize(input.witness.length), ...input.witness.map(withLength)),
  )
  return concatBytes(
    stripped.subarray(0, 4),
    Uint8Array.of(0, 1),
    stripped.subarray(4, stripped.length - 4),
    ...witnesses,
    stripped.subarray(stripped.length - 4),
  )
}

/** The bytes without witness: what the txid commits to. */
export function encodeStripped(tx: Transaction): Uint8Array {
  return concatBytes(
    uintLE(tx.version >>> 0, 4),
    compactSize(tx.inputs.length),
    ...tx.inputs.map((input) =>
      concatBytes(encodeOutpoint(input), withLength(input.scriptSig), uintLE(input.sequence, 4)),
    ),
    compactSize(tx.outputs.length),
    ...tx.outputs.map(encodeOutput),
    uintLE(tx.locktime, 4),
  )
}

/** 36 bytes: txid in internal order and vout little endian. */
export function encodeOutpoint(outpoint: { readonly txid: BtcHash; readonly vout: number }): Uint8Array {
  return concatBytes(fromHex(outpoint.txid), uintLE(outpoint.vout, 4))
}

/** Eight bytes of value and the script with its length. */
export function encodeOutput(output: TxOutput): Uint8Array {
  return concatBytes(uintLE(output.sats, 8), withLength(output.script))
}

/** The raw transaction without its witness. @throws TX_MALFORMED */
export function stripWitness(bytes: Uint8Array): Uint8Array {
  return encodeStripped(decodeTransaction(bytes))
}

/** Hash of the stripped bytes, internal byte order. */
export function txid(tx: Transaction): BtcHash {
  return toHex(hash256(encodeStripped(tx))) as BtcHash
}

/** Hash of the bytes with witness, internal byte order. */
export function wtxid(tx: Transaction): BtcHash {
  return toHex(hash256(encodeTransaction(tx))) as BtcHash
}

/** Weight units (BIP141): three times the stripped size plus the whole size. */
export function weight(tx: Transaction): number {
  return 3 * encodeStripped(tx).length + encodeTransaction(tx).length
}

/** Virtual bytes: a quarter of the weight, rounded up. */
export function vsize(tx: Transaction): number {
  return Math.ceil(weight(tx) / 4)
}

/** Whether a transaction mints a block's reward: one input that spends nothing. */
export function isCoinbase(tx: Transaction): boolean {
  const input = tx.inputs[0]
  return tx.inputs.length === 1 && input?.vout === 0xffff_ffff && (input.txid as string) === ZERO_HASH
}
