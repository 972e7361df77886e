/** Solidity's enums as const objects: values equal the uint8 on chain. */

/** `BitcoinNetwork`: which header rules hold. */
export const BitcoinNetwork = { Mainnet: 0, Testnet3: 1, Testnet4: 2, Signet: 3, Regtest: 4 } as const

/** `CoinKind`: what a custody coin is for. */
export const CoinKind = { Plain: 0, Asset: 1, Reserve: 2, Exit: 3 } as const

/** `CoinStatus`: where a custody coin stands. */
export const CoinStatus = { None: 0, Available: 1, InBatch: 2, Spent: 3, Lost: 4 } as const

/** `WithdrawalStatus`: where a withdrawal stands. */
export const WithdrawalStatus = { None: 0, Queued: 1, Batched: 2, Settled: 3, Cancelled: 4 } as const

/** `WithdrawalReason`: why it stands there. */
export const WithdrawalReason = {
  None: 0,
  WaitingForBatch: 1,
  FeeTooLow: 2,
  NotCovered: 3,
  BridgePaused: 4,
  TooManyBatches: 5,
  WaitingForBitcoin: 6,
} as const

/** `BatchStatus`: where a batch stands. */
export const BatchStatus = { None: 0, InFlight: 1, Settled: 2, Failed: 3 } as const

/** `FormBatchStatus`: whether formBatch works now, or why not. */
export const FormBatchStatus = {
  Ready: 0,
  QueueEmpty: 1,
  Waiting: 2,
  TooManyInFlight: 3,
  Paused: 4,
  NotCovered: 5,
  FeesTooLow: 6,
} as const

/** `CommitteeStatus`: where a committee stands. */
export const CommitteeStatus = { None: 0, Pending: 1, Active: 2, Old: 3, Expired: 4 } as const

/** Bits of `Reserves.pauseReasons`. */
export const PauseReason = { Disconnected: 1, CustodySpent: 2, Halted: 4, Shortfall: 8 } as const

/** Kinds of a deposit's commitment; only Plain is credited so far (protocol.md, section 6). */
export const DepositKind = { Plain: 0 } as const

/** `LeaveReason`: why a validator loses its seat. */
export const LeaveReason = { Left: 0, Removed: 1, Offence: 2 } as const
