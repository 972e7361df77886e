import { AppError, type Fault } from '@hawser/primitives'

export type BridgeErrorCode =
  /** A call of a system contract reverted or answered what its ABI does not say (local: our code and the chain differ). */
  | 'BRIDGE_CALL_FAILED'
  /** The account or the refund key is none (user). */
  | 'DEPOSIT_ADDRESS_INVALID'
  /** Deposits with a refund key cannot be swept yet and are not credited (user). */
  | 'REFUND_KEY_UNSUPPORTED'
  /** The book holds its MAX_ADDRESSES (local). */
  | 'ADDRESS_BOOK_FULL'
  /** No payment to the account in the transaction, or the transaction in no block that was looked at (user, retry). */
  | 'DEPOSIT_NOT_FOUND'
  /** The Bitcoin source gave headers that do not belong to our chain (local, retry). */
  | 'BITCOIN_SOURCE_FOREIGN'
  /** The Bitcoin source is not there yet (local, retry). */
  | 'BITCOIN_SOURCE_DOWN'
  /** The own Bitcoin source does not have the transaction in that block, or not the block (user). */
  | 'BITCOIN_TX_NOT_FOUND'
  /** The signing message is malformed or above its limit (peer). */
  | 'SIGNING_MALFORMED'
  /** The signing message comes from one who may not send it (peer). */
  | 'SIGNING_UNAUTHORISED'
  /** A batch's state cannot be turned into a transaction (local). */
  | 'BATCH_UNUSABLE'

/** The room's error info: the code, whose fault, whether to try again. */
export interface BridgeErrorInfo {
  readonly code: BridgeErrorCode
  readonly fault: Fault
  readonly retry?: boolean
}

export type BridgeError = AppError<BridgeErrorInfo>

/** @internal The room's one way to make an error. */
export function bridgeError(
  code: BridgeErrorCode,
  fault: Fault,
  message: string,
  extra: { cause?: unknown; retry?: boolean } = {},
): BridgeError {
  const { cause, retry } = extra
  return new AppError<BridgeErrorInfo>(
    retry === undefined ? { code, fault } : { code, fault, retry },
    message,
    cause === undefined ? undefined : { cause },
  )
}
