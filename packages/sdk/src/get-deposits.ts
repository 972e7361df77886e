import { address, type Address } from '@hawser/primitives'
import { callNode, type HawserClient } from './hawser-client.ts'

/** Where a payment to a deposit address stands. */
export interface Deposit {
  /** As explorers show it. */
  readonly txid: string
  readonly vout: number
  readonly account: Address
  /** Decimal satoshis. */
  readonly sats: string
  /** `refused` never turns into credit; `reason` says why. */
  readonly status: 'unconfirmed' | 'confirming' | 'creditable' | 'credited' | 'refused'
  readonly confirmations: number
  readonly required: number
  readonly reason?: string
}

/** The payments to an account's deposit addresses that the node knows of. */
export function getDeposits(client: HawserClient, { account }: { readonly account: string }): Promise<Deposit[]> {
  return callNode<Deposit[]>(client, 'bridge_getDeposits', [address(account)])
}
