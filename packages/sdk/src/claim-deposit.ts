import { address, btcHashFromDisplay, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'
import type { Deposit } from './get-deposits.ts'
import { callNode, type HawserClient } from './hawser-client.ts'

export interface ClaimDepositParameters {
  /** As explorers show it. */
  readonly txid: string
  /** Whose deposit address it paid. */
  readonly account: string
  readonly refundKey?: Hex
}

/** Tells the node of a payment to an address that was derived offline. @throws DEPOSIT_NOT_FOUND, BTC_HASH_INVALID */
export async function claimDeposit(client: HawserClient, parameters: ClaimDepositParameters): Promise<Deposit[]> {
  const { txid, refundKey } = parameters
  btcHashFromDisplay(txid)
  const account = address(parameters.account)
  const found = await callNode<Deposit[]>(client, 'bridge_claim', [txid, account, ...(refundKey ? [refundKey] : [])])
  if (found.length === 0)
    throw sdkError(
      'DEPOSIT_NOT_FOUND',
      'user',
      `transaction ${txid} has no output to a deposit address of ${account}; check txid, account and refund key`,
    )
  return found
}
