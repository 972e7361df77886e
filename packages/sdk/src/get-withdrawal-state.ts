import type { Address, Hex } from '@hawser/primitives'
import type { BatchProgress } from './get-batch.ts'
import { callNode, type HawserClient } from './hawser-client.ts'

/** Where a withdrawal stands in the asked node's view: its request in the state, its batch on the way to Bitcoin. */
export interface WithdrawalState {
  readonly id: string
  readonly account: Address
  /** `requested`: not in a final block yet. `queued`: waits for a batch. `batched`: in one that the node knows nothing more of. Others as the batch's. */
  readonly status: 'requested' | 'queued' | 'cancelled' | 'batched' | Exclude<BatchProgress['status'], 'unknown'>
  /** Why it stands there, in words. */
  readonly reason?: string
  /** Decimal satoshis. */
  readonly amountSats: string
  readonly maxFeeSats: string
  /** Paid of maxFee; 0 until settled. */
  readonly feeSats: string
  /** The receiver. */
  readonly to: string
  readonly scriptPubKey: Hex
  readonly requestedAtBlock: string
  readonly batch?: BatchProgress
  /** As explorers show it, once settled. */
  readonly txid?: string
  readonly vout?: number
}

/** One withdrawal with every state and reason; undefined when there is none. */
export async function getWithdrawalState(
  client: HawserClient,
  { id }: { readonly id: bigint },
): Promise<WithdrawalState | undefined> {
  return (await callNode<WithdrawalState | null>(client, 'bridge_getWithdrawal', [`0x${id.toString(16)}`])) ?? undefined
}
