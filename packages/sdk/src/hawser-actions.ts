import { cancelWithdrawal, raiseMaxFee } from './change-withdrawal.ts'
import { claimDeposit } from './claim-deposit.ts'
import { getBatch } from './get-batch.ts'
import { getCommittee } from './get-committee.ts'
import { getCustodyCoins } from './get-custody-coins.ts'
import { getDepositAddress } from './get-deposit-address.ts'
import { getDeposit, getDeposits } from './get-deposits.ts'
import { getReserves } from './get-reserves.ts'
import { getValidators } from './get-validators.ts'
import { getWithdrawal } from './get-withdrawal.ts'
import { getWithdrawalState } from './get-withdrawal-state.ts'
import { getWithdrawals } from './get-withdrawals.ts'
import { haltBridge } from './halt-bridge.ts'
import type { HawserClient } from './hawser-client.ts'
import { quoteWithdrawal } from './quote-withdrawal.ts'
import { requestWithdrawal } from './request-withdrawal.ts'
import { submitActs } from './submit-acts.ts'
import { trackWithdrawal } from './track-withdrawal.ts'
import { verifyFinality } from './verify-finality.ts'
import { verifyReserves } from './verify-reserves.ts'
import { verifyAccount } from './verify-state.ts'
import { waitForDeposit } from './wait-for-deposit.ts'
import { waitForWithdrawal } from './wait-for-withdrawal.ts'

const ACTIONS = {
  cancelWithdrawal,
  claimDeposit,
  getBatch,
  getCommittee,
  getCustodyCoins,
  getDepositAddress,
  getDeposit,
  getDeposits,
  getReserves,
  getValidators,
  getWithdrawal,
  getWithdrawalState,
  getWithdrawals,
  haltBridge,
  quoteWithdrawal,
  raiseMaxFee,
  requestWithdrawal,
  submitActs,
  trackWithdrawal,
  verifyAccount,
  verifyFinality,
  verifyReserves,
  waitForDeposit,
  waitForWithdrawal,
} as const

type Bound<T> = T extends (client: HawserClient, ...rest: infer R) => infer O ? (...rest: R) => O : never

/** What `hawserActions` adds to a client. */
export type HawserActions = { readonly [K in keyof typeof ACTIONS]: Bound<(typeof ACTIONS)[K]> }

/**
 * Extends a viem client with the bridge: `createWalletClient({ … }).extend(hawserActions())`. What sends transactions
 * needs an account in the client.
 */
export function hawserActions(): (client: HawserClient) => HawserActions {
  return (client) =>
    Object.fromEntries(
      Object.entries(ACTIONS).map(([name, action]) => [
        name,
        (...rest: unknown[]) => (action as (client: HawserClient, ...rest: unknown[]) => unknown)(client, ...rest),
      ]),
    ) as HawserActions
}
