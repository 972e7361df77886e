import { address, btcHashFromDisplay, type Address } from '@hawser/primitives'
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

/** A payment to a deposit address by its outpoint; undefined when the node knows of none. @throws BTC_HASH_INVALID */
export async function getDeposit(
  client: HawserClient,
  { txid, vout }: { readonly txid: string; readonly vout: number },
): Promise<Deposit | undefined> {
  btcHashFromDisplay(txid)
  return (await callNode<Deposit | null>(client, 'bridge_getDeposit', [`${txid}:${vout}`])) ?? undefined
}
