export { BEST_BLOCK_SLOT, NEXT_SET_HASH_SLOT, SYSTEM_ADDRESS, systemContracts } from './addresses.ts'
export { BRIDGE_SLOTS, readStoredCoin, storedCoinSlots, type StoredCoin } from './bridge-layout.ts'
export {
  BatchStatus,
  BitcoinNetwork,
  CoinKind,
  CoinStatus,
  CommitteeStatus,
  DepositKind,
  FormBatchStatus,
  LeaveReason,
  PauseReason,
  WithdrawalReason,
  WithdrawalStatus,
} from './enums.ts'
export { bitcoinLightClientAbi } from './generated/bitcoin-light-client-abi.ts'
export { bridgeAbi } from './generated/bridge-abi.ts'
export { feePoolAbi } from './generated/fee-pool-abi.ts'
export { validatorsAbi } from './generated/validators-abi.ts'
export {
  MAX_VALIDATORS,
  readValidatorSet,
  validatorSeatSlots,
  validatorSetHash,
  VALIDATOR_SET_SLOTS,
  VALIDATORS_SLOTS,
  type StoredValidatorSet,
  mayHaveSealed,
  membershipSlot,
} from './validators-layout.ts'
export { validatorsTypedData, validatorsTypes } from './validators-typed-data.ts'
