import { AppError, type Fault } from '@hawser/primitives'

/** A header was refused for good: the sender broke a rule (peer). */
export type HeaderErrorCode =
  /** Not 80 bytes. */
  | 'HEADER_BAD_LENGTH'
  /** nBits is negative, zero, overflowing or easier than the network's limit. */
  | 'HEADER_BAD_TARGET'
  /** The hash is above the target. */
  | 'HEADER_BAD_POW'
  /** nBits is not what the network's rules ask for at this height. */
  | 'HEADER_WRONG_BITS'
  /** The time is not above the median of the last eleven. */
  | 'HEADER_TIME_TOO_OLD'
  /** BIP94: a period's first block is more than 600 s before its parent. */
  | 'HEADER_TIMEWARP'
  /** The version is below 4. */
  | 'HEADER_BAD_VERSION'

/** A header that cannot be added now; the sender did nothing wrong, retry later. */
export type HeaderRetryCode =
  /** The time is more than 7,200 s ahead of our clock. */
  | 'HEADER_TIME_IN_FUTURE'
  /** The parent is not known. */
  | 'HEADER_UNKNOWN_PARENT'
  /** The chain holds MAX_HEADERS already. */
  | 'HEADER_CHAIN_FULL'

export type BitcoinErrorCode =
  | HeaderErrorCode
  | HeaderRetryCode
  /** The checkpoint does not fit its network or its height (local). */
  | 'CHECKPOINT_INVALID'
  /** The bytes are no transaction (peer). */
  | 'TX_MALFORMED'
  /** The bytes are no block (peer). */
  | 'BLOCK_MALFORMED'
  /** The serialized object is above its limit (peer). */
  | 'BITCOIN_TOO_LARGE'
  /** No address of the network, or of no network (user). */
  | 'BTC_ADDRESS_INVALID'
  /** An address of another network (user). */
  | 'BTC_ADDRESS_WRONG_NETWORK'
  /** The script has no address (user). */
  | 'SCRIPT_NO_ADDRESS'
  /** The partial Merkle tree is malformed or ambiguous (peer). */
  | 'MERKLE_TREE_INVALID'
  /** The inclusion proof does not prove (peer). */
  | 'INCLUSION_INVALID'
  /** The keys make no committee (user). */
  | 'COMMITTEE_INVALID'
  /** The public key is no point of the curve (user). */
  | 'PUBLIC_KEY_INVALID'
  /** The deposit's parameters are out of range (user). */
  | 'DEPOSIT_INVALID'
  /** The batch's parameters are out of range (local). */
  | 'BATCH_INVALID'
  /** A signing contribution is invalid (peer). */
  | 'MUSIG_INVALID'
  /** A secret nonce was used already (local). */
  | 'MUSIG_NONCE_USED'
  /** The node's answer was not what its interface promises (peer). */
  | 'BITCOIND_BAD_ANSWER'
  /** bitcoind answered with an error; see rpcCode (peer). */
  | 'BITCOIND_RPC'
  /** bitcoind could not be reached or did not answer (peer, retry). */
  | 'BITCOIND_UNREACHABLE'
  /** bitcoind refused the credentials (local). */
  | 'BITCOIND_UNAUTHORIZED'
  /** The transaction was refused by the node's mempool; see reason (user). */
  | 'BROADCAST_REJECTED'
  /** A block or transaction that the node does not have (peer, retry). */
  | 'BITCOIN_NOT_FOUND'
  /** The embedded chain's file is damaged beyond a torn last record (user). */
  | 'EMBEDDED_CHAIN_DAMAGED'
  /** The wallet's coins do not cover the payment (user). */
  | 'L1_WALLET_EMPTY'

/** The room's error info: the code, whose fault, whether to try again, and for bitcoind its own code and words. */
export interface BitcoinErrorInfo {
  readonly code: BitcoinErrorCode
  readonly fault: Fault
  readonly retry?: boolean
  /** bitcoind's JSON-RPC error code. */
  readonly rpcCode?: number
  /** bitcoind's reject reason, for example 'min relay fee not met'. */
  readonly reason?: string
  /** Position of the member whose contribution (key, nonce, partial signature) is invalid. */
  readonly contributor?: number
}

export type BitcoinError = AppError<BitcoinErrorInfo>

/** @internal The room's one way to make an error. */
export function bitcoinError(
  code: BitcoinErrorCode,
  fault: Fault,
  message: string,
  extra: { cause?: unknown; retry?: boolean; rpcCode?: number; reason?: string; contributor?: number } = {},
): BitcoinError {
  const { cause, ...rest } = extra
  return new AppError<BitcoinErrorInfo>({ code, fault, ...rest }, message, cause === undefined ? undefined : { cause })
}
