import {
  create1559FeeMarketTxFromBytesArray,
  createAccessList2930TxFromBytesArray,
  createEOACode7702TxFromBytesArray,
  createLegacyTxFromBytesArray,
  createTxFromBlockBodyData,
  isLegacyTx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import type { Common } from '@ethereumjs/common'
import {
  AppError,
  decodeRlp,
  equalBytes,
  keccak256,
  messageOf,
  readUintBE,
  toHex,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import type { ChainError } from './errors.ts'
import { decodePlainFeeMarket, HALF_ORDER } from './fee-market-decoder.ts'
import { SenderCache } from './sender-cache.ts'
import { badSignature, signatureRecord } from './signature-record.ts'

/** The longest encoding of a transaction, in bytes: as Geth has it. */
export const MAX_TRANSACTION_BYTES = 128 * 1024
/** EIP-7825: the most gas that one transaction may ask for. */
export const MAX_TRANSACTION_GAS = 1n << 24n

type Construct = (fields: unknown[], options: { common: Common; freeze: boolean }) => TypedTransaction
/** How a decoded list becomes a transaction, by EIP-2718 type; 0 is legacy. */
const CONSTRUCTORS: Readonly<Record<number, Construct>> = {
  0: (fields, options) => createLegacyTxFromBytesArray(fields as never, options),
  1: (fields, options) => createAccessList2930TxFromBytesArray(fields as never, options),
  2: (fields, options) => create1559FeeMarketTxFromBytesArray(fields as never, options),
  4: (fields, options) => createEOACode7702TxFromBytesArray(fields as never, options),
}

/** What is found once for each transaction object. */
interface Facts {
  readonly encoded: Uint8Array
  hash?: Hash32
  sender?: Address
}
const FACTS = new WeakMap<object, Facts>()
const SENDERS = new SenderCache()

function factsOf(tx: { serialize(): Uint8Array }): Facts {
  let facts = FACTS.get(tx)
  if (!facts) {
    facts = { encoded: tx.serialize() }
    FACTS.set(tx, facts)
  }
  return facts
}

/** The EIP-2718 encoding; made once for each transaction object. Not to be changed. */
export function encodedTransaction(tx: { serialize(): Uint8Array }): Uint8Array {
  return factsOf(tx).encoded
}

/** The hash that identifies a transaction; found once for each transaction object. */
export function transactionHash(tx: { serialize(): Uint8Array }): Hash32 {
  const facts = factsOf(tx)
  return (facts.hash ??= toHex(keccak256(facts.encoded)) as Hash32)
}

/** The sender, if it was recovered before: for this object, or for another of the same hash. */
export function knownSender(tx: TypedTransaction): Address | undefined {
  const facts = factsOf(tx)
  return (facts.sender ??= SENDERS.get(transactionHash(tx)))
}

/** Keeps a sender that was recovered elsewhere. */
export function rememberSender(tx: TypedTransaction, sender: Address): void {
  factsOf(tx).sender = sender
  SENDERS.set(transactionHash(tx), sender)
}

/** What recovery needs of a transaction. @throws TX_BAD_SIGNATURE, also where EIP-2 forbids the s */
export function recoverable(tx: TypedTransaction): Uint8Array {
  if ((tx.s ?? 0n) > HALF_ORDER && tx.common.gteHardfork('homestead')) throw badSignature('s is in the upper half')
  return signatureRecord(tx, encodedTransaction(tx))
}

/** The sender; recovered once for each transaction. @throws TX_BAD_SIGNATURE */
export function senderOf(tx: TypedTransaction): Address {
  const known = knownSender(tx)
  if (known) return known
  const record = recoverable(tx)
  let sender: Address
  try {
    const key = secp256k1.ecrecover(
      record.subarray(0, 32),
      record.subarray(32, 64),
      record.subarray(64, 96),
      record[96] as number,
    )
    sender = publicKeyToAddress(key)
  } catch (cause) {
    throw badSignature(messageOf(cause), cause)
  }
  rememberSender(tx, sender)
  return sender
}

/**
 * A signed transaction from its EIP-2718 encoding; the size is checked before anything is parsed.
 * @throws TX_MALFORMED, TX_WRONG_CHAIN, TX_GAS_TOO_HIGH
 */
export function decodeTransaction(bytes: Uint8Array, common: Common): TypedTransaction {
  if (bytes.length === 0) throw malformed('it is empty')
  if (bytes.length > MAX_TRANSACTION_BYTES)
    throw malformed(`oversized data: ${bytes.length} bytes, at most ${MAX_TRANSACTION_BYTES} are accepted`)
  const first = bytes[0] as number
  const type = first >= 0xc0 ? 0 : first
  // What is kept must not change with the caller's buffer.
  const encoded = Uint8Array.from(bytes)
  const tx =
    (type === 2 ? decodePlainFeeMarket(encoded, common, MAX_TRANSACTION_GAS) : undefined) ??
    decodeAny(type, encoded, common)
  FACTS.set(tx, { encoded })
  return tx
}

/**
 * A transaction of a block's body, as RLP gives it: the bytes of a typed one, the fields of a legacy one. The bytes are kept.
 * @throws RLP_MALFORMED, EthereumJS's own errors
 */
export function decodeBodyTransaction(item: Uint8Array | Uint8Array[], common: Common): TypedTransaction {
  const typed = item instanceof Uint8Array && item[0] === 2
  const plain = typed ? decodePlainFeeMarket(item, common, MAX_TRANSACTION_GAS) : undefined
  if (plain === undefined) {
    // EthereumJS copies what lists nest in once for each of them: a few thousand would take more memory than there is.
    if (item instanceof Uint8Array) decodeRlp(item.subarray(1))
    return createTxFromBlockBodyData(item, { common, freeze: false })
  }
  FACTS.set(plain, { encoded: item as Uint8Array })
  return plain
}

/** By EthereumJS: any type, and every reason why it may be wrong. */
function decodeAny(type: number, bytes: Uint8Array, common: Common): TypedTransaction {
  if (type === 3)
    throw malformed('transaction type not supported: blob transactions (type 3) are refused on this chain')
  if (bytes[0] === 0 || (type !== 0 && !(type in CONSTRUCTORS)))
    throw malformed(`transaction type not supported: ${type}`)
  let fields: unknown
  try {
    fields = decodeRlp(type === 0 ? bytes : bytes.subarray(1))
  } catch (cause) {
    throw malformed(messageOf(cause), cause)
  }
  if (!Array.isArray(fields)) throw malformed('it is not a list')
  checkChainId(type, fields, common)
  const tx = construct(type, fields, common)
  if (!tx.isSigned()) throw malformed('it is not signed')
  // The hash is that of these bytes, so no second encoding of a transaction may pass. EthereumJS checks all fields but these.
  if (type !== 0 && (fields[0] as Uint8Array)[0] === 0) throw malformed('the chain id has leading zeros')
  if (type === 4 && !equalBytes(tx.serialize(), bytes)) throw malformed('it is not encoded canonically')
  return tx
}

function construct(type: number, fields: unknown[], common: Common): TypedTransaction {
  try {
    return (CONSTRUCTORS[type] as Construct)(fields, { common, freeze: false })
  } catch (cause) {
    const why = messageOf(cause)
    if (why.includes('16777216') || why.includes('7825'))
      throw new AppError<ChainError>(
        { code: 'TX_GAS_TOO_HIGH', fault: 'user' },
        `transaction gas limit too high: at most ${MAX_TRANSACTION_GAS} (EIP-7825)`,
        { cause },
      )
    throw malformed(why, cause)
  }
}

/** Says clearly what EthereumJS would say obscurely: most wrong transactions are signed for another network. */
function checkChainId(type: number, fields: readonly unknown[], common: Common): void {
  const field = fields[type === 0 ? 6 : 0]
  // Not a number of a length that can be one: the constructor says so.
  if (!(field instanceof Uint8Array) || field.length > 32) return
  const value = readUintBE(field)
  if (type === 0 && value < 35n) return
  const id = type === 0 ? (value - 35n) / 2n : value
  if (id !== common.chainId())
    throw new AppError<ChainError>(
      { code: 'TX_WRONG_CHAIN', fault: 'user' },
      `invalid chain id for signer: have ${id} want ${common.chainId()}`,
    )
}

function malformed(why: string, cause?: unknown): AppError<ChainError> {
  return new AppError<ChainError>({ code: 'TX_MALFORMED', fault: 'user' }, `the raw transaction is malformed: ${why}`, {
    cause,
  })
}

/** The most that a unit of gas may cost, in wei. */
export function maxFeePerGas(tx: TypedTransaction): bigint {
  return 'maxFeePerGas' in tx ? tx.maxFeePerGas : (tx as { gasPrice: bigint }).gasPrice
}

/** What the author gets for a unit of gas at a base fee, in wei; negative when the transaction cannot pay the base fee. */
export function effectiveTip(tx: TypedTransaction, baseFee: bigint): bigint {
  const room = maxFeePerGas(tx) - baseFee
  if (!('maxPriorityFeePerGas' in tx)) return room
  return tx.maxPriorityFeePerGas < room ? tx.maxPriorityFeePerGas : room
}

/** What a unit of gas costs at a base fee, in wei. */
export function effectiveGasPrice(tx: TypedTransaction, baseFee: bigint): bigint {
  return isInherentShape(tx) ? 0n : baseFee + effectiveTip(tx, baseFee)
}

/** Whether a transaction has the form of an inherent: legacy, gas price 0, value 0. Nothing else may have gas price 0. */
export function isInherentShape(tx: TypedTransaction): boolean {
  return isLegacyTx(tx) && tx.gasPrice === 0n && tx.value === 0n
}
