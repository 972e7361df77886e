export { hawserActions, type HawserActions } from './hawser-actions.ts'
export { hawserChain } from './hawser-chain.ts'
export type { HawserClient } from './hawser-client.ts'
export { cancelWithdrawal, raiseMaxFee } from './change-withdrawal.ts'
export { getBitcoinNetwork, getChainFacts, type ChainFacts } from './chain-facts.ts'
export { claimDeposit, type ClaimDepositParameters } from './claim-deposit.ts'
export { deriveDepositAddress, type DeriveDepositAddressParameters } from './derive-deposit-address.ts'
export { explainError, explainRevert } from './explain-error.ts'
export { bitcoindCoins, esploraCoins, type CoinLookup, type UnspentOutput } from './coin-lookup.ts'
export { getBatch, type BatchProgress, type SigningMember } from './get-batch.ts'
export { getCommittee, type CommitteeInfo } from './get-committee.ts'
export { getCustodyCoins, type CustodyCoin } from './get-custody-coins.ts'
export {
  getDepositAddress,
  type CheckedDepositAddress,
  type GetDepositAddressParameters,
} from './get-deposit-address.ts'
export { getDeposit, getDeposits, type Deposit } from './get-deposits.ts'
export { getReserves, liabilitySats, type GetReservesParameters, type Reserves } from './get-reserves.ts'
export { getWithdrawal, type Withdrawal } from './get-withdrawal.ts'
export { getWithdrawalState, type WithdrawalState } from './get-withdrawal-state.ts'
export { getWithdrawals, MAX_WITHDRAWALS_PER_CALL, type GetWithdrawalsParameters } from './get-withdrawals.ts'
export type { WaitOptions } from './poll.ts'
export { haltBridge } from './halt-bridge.ts'
export { quoteWithdrawal, type WithdrawalQuote } from './quote-withdrawal.ts'
export {
  checkWithdrawal,
  receiverScript,
  requestWithdrawal,
  type RequestedWithdrawal,
  type RequestWithdrawalParameters,
} from './request-withdrawal.ts'
export type { SentToBridge } from './send-to-bridge.ts'
export { bridgeCallAbi } from './system-abi.ts'
export { trackWithdrawal, type TrackWithdrawalParameters } from './track-withdrawal.ts'
export { trustedChain, type TrustedChain } from './trusted-chain.ts'
export { checkFinality, type CheckFinalityParameters, type FinalityProof, type ProvenBlock } from './check-finality.ts'
export { firstSets, latestSet, readVerifiedSets, writeVerifiedSets, type VerifiedSets } from './verified-sets.ts'
export { getValidators, type CurrentValidator, type ValidatorsInfo } from './get-validators.ts'
export { getManagementNonce, submitActs, type SubmittedActs } from './submit-acts.ts'
export {
  checkAct,
  publicOf,
  readAct,
  readCandidate,
  readProposal,
  signJoin,
  signLeave,
  signRotateKeys,
  signSetBeneficiary,
  signVote,
  votesNeeded,
  type KeyProofs,
  type ValidatorAct,
  type ValidatorKeys,
  type ValidatorProposal,
} from './validator-acts.ts'
export { verifyFinality, type VerifyFinalityParameters } from './verify-finality.ts'
export { verifyReserves, type VerifiedReserves, type VerifyReservesParameters } from './verify-reserves.ts'
export { verifyAccount, type ProvenAccount, type VerifyAccountParameters } from './verify-state.ts'
export { waitForDeposit, type DepositPhase, type WaitForDepositParameters } from './wait-for-deposit.ts'
export {
  WITHDRAWAL_PHASES,
  waitForWithdrawal,
  type SettledWithdrawal,
  type WaitForWithdrawalParameters,
  type WithdrawalPhase,
  type WithdrawalProgress,
} from './wait-for-withdrawal.ts'
export type { SdkError, SdkErrorCode, SdkErrorInfo } from './errors.ts'
