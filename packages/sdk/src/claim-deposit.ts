import { address, btcHashFromDisplay, type Hex } from '@hawser/primitives'
import { refuseRefundKey } from './derive-deposit-address.ts'
import { sdkError } from './errors.ts'
import type { Deposit } from './get-deposits.ts'
import { callNode, type HawserClient } from './hawser-client.ts'

export interface ClaimDepositParameters {
  /** As explorers show it. */
  readonly txid: string
  /** Whose deposit address it paid. */
  readonly account: string
  /** Refused for now: the bridge does not credit what the depositor could take back. */
  readonly refundKey?: Hex
}

/** Tells the node of a payment to an address that was derived offline. @throws DEPOSIT_NOT_FOUND, BTC_HASH_INVALID, REFUND_KEY_UNSUPPORTED */
export async function claimDeposit(client: HawserClient, parameters: ClaimDepositParameters): Promise<Deposit[]> {
  const { txid, refundKey } = parameters
  refuseRefundKey(refundKey)
  btcHashFromDisplay(txid)
  const account = address(parameters.account)
  const found = await callNode<Deposit[]>(client, 'bridge_claim', [txid, account])
  if (found.length === 0)
    throw sdkError(
      'DEPOSIT_NOT_FOUND',
      'user',
      `transaction ${txid} has no output to a deposit address of ${account}; check txid and account`,
    )
  return found
}
