import { createTxFromRLP, isBlob4844Tx, isLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import type { Common } from '@ethereumjs/common'
import { RLP } from '@ethereumjs/rlp'
import { AppError, messageOf, readUintBE, toHex, type Address } from '@hawser/primitives'
import type { ChainError } from './errors.ts'

/** The longest encoding of a transaction, in bytes: as Geth has it. */
export const MAX_TRANSACTION_BYTES = 128 * 1024
/** EIP-7825: the most gas that one transaction may ask for. */
export const MAX_TRANSACTION_GAS = 1n << 24n

const SENDERS = new WeakMap<TypedTransaction, Address>()

/** The sender; recovered once for each transaction object. @throws TX_BAD_SIGNATURE */
export function senderOf(tx: TypedTransaction): Address {
  let sender = SENDERS.get(tx)
  if (!sender) {
    try {
      sender = toHex(tx.getSenderAddress().bytes) as Address
    } catch (cause) {
      throw new AppError<ChainError>(
        { code: 'TX_BAD_SIGNATURE', fault: 'user' },
        `invalid sender: ${messageOf(cause)}`,
        { cause },
      )
    }
    SENDERS.set(tx, sender)
  }
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
  if (bytes[0] === 3)
    throw malformed('transaction type not supported: blob transactions (type 3) are refused on this chain')
  checkChainId(bytes, common)
  let tx: TypedTransaction
  try {
    tx = createTxFromRLP(bytes, { common, freeze: false })
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
  if (isBlob4844Tx(tx)) throw malformed('blob transactions are refused on this chain')
  if (!tx.isSigned()) throw malformed('it is not signed')
  return tx
}

/** Says clearly what EthereumJS would say obscurely: most wrong transactions are signed for another network. */
function checkChainId(bytes: Uint8Array, common: Common): void {
  let id: bigint | undefined
  try {
    if ((bytes[0] ?? 0) >= 0xc0) {
      const v = readUintBE((RLP.decode(bytes) as Uint8Array[])[6] ?? new Uint8Array())
      if (v >= 35n) id = (v - 35n) / 2n
    } else {
      id = readUintBE((RLP.decode(bytes.subarray(1)) as Uint8Array[])[0] ?? new Uint8Array())
    }
  } catch {
    return // Not RLP: the decoder says so.
  }
  if (id !== undefined && id !== common.chainId())
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
