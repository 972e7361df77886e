import { AppError, type Fault } from '@hawser/primitives'

export type SdkErrorCode =
  /** The node does not answer (retry). */
  | 'NODE_UNREACHABLE'
  /** The node answered with an error of its own. */
  | 'NODE_REFUSED'
  /** The node is on another chain, or no Hawser node. */
  | 'NODE_WRONG_CHAIN'
  /** A system contract reverted; `reason` is the name of its error. */
  | 'CONTRACT_REVERTED'
  /** The node's deposit address is not the one that the committee's key gives: do not pay it. */
  | 'DEPOSIT_ADDRESS_MISMATCH'
  /** Deposits that the depositor could take back are not credited before the bridge can sweep them. */
  | 'REFUND_KEY_UNSUPPORTED'
  /** No payment to the account was found. */
  | 'DEPOSIT_NOT_FOUND'
  /** The deposit will never be credited; the message says why. */
  | 'DEPOSIT_REFUSED'
  | 'WITHDRAWAL_AMOUNT_TOO_SMALL'
  | 'WITHDRAWAL_FEE_TOO_LOW'
  | 'WITHDRAWAL_SCRIPT_REFUSED'
  | 'WITHDRAWAL_NOT_FOUND'
  /** The request was taken back before it was paid. */
  | 'WITHDRAWAL_CANCELLED'
  | 'BALANCE_TOO_LOW'
  | 'BRIDGE_PAUSED'
  /** No signer was given for what needs one. */
  | 'ACCOUNT_MISSING'
  /** It took longer than the caller wanted to wait (retry). */
  | 'WAIT_TIMEOUT'
  /** The node has no finality proof for the block (retry). */
  | 'JUSTIFICATION_MISSING'
  /** The finality proof does not prove. */
  | 'JUSTIFICATION_INVALID'
  /** The node says that the block is not final yet (retry). */
  | 'BLOCK_NOT_FINAL'
  /** The node says that another block is final at that height. */
  | 'BLOCK_NOT_CANONICAL'
  /** The node did not see a set take over, and cannot prove it: another node can. */
  | 'SET_PROOF_MISSING'
  /** The chain of validator sets does not prove. */
  | 'HANDOVER_INVALID'
  /** Kept validator sets are malformed, or of another chain. */
  | 'VERIFIED_SETS_INVALID'
  /** A proof is checked without a node, and nobody said what block 0 is. */
  | 'GENESIS_UNKNOWN'
  /** A Merkle proof does not lead to the state root of the proven block. */
  | 'PROOF_INVALID'
  /** What the node proves is older than the caller wants. */
  | 'PROOF_TOO_OLD'
  /** The bridge has had more coins than are looked through one by one. */
  | 'TOO_MANY_COINS'
  /** What a management key is said to have signed is malformed, not signed by it, or of no use now. */
  | 'VALIDATOR_ACT_INVALID'
  /** What was given as a chain spec is none. */
  | 'SPEC_UNREADABLE'

/** What this room's errors say. */
export interface SdkErrorInfo {
  readonly code: SdkErrorCode
  readonly fault: Fault
  readonly retry?: boolean
  /** The contract's error, for example DepositTooSmall. */
  readonly reason?: string
}

export type SdkError = AppError<SdkErrorInfo>

/** @internal The room's one way to make an error. */
export function sdkError(
  code: SdkErrorCode,
  fault: Fault,
  message: string,
  extra: { readonly cause?: unknown; readonly retry?: boolean; readonly reason?: string } = {},
): SdkError {
  const { cause, ...rest } = extra
  return new AppError<SdkErrorInfo>({ code, fault, ...rest }, message, cause === undefined ? undefined : { cause })
}
