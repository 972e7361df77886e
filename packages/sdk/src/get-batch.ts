import type { Address, Hex } from '@hawser/primitives'
import { callNode, type HawserClient } from './hawser-client.ts'

/** A committee member's part in signing a batch, as the asked node sees it. */
export interface SigningMember {
  readonly session: Address
  readonly bitcoinKey: Hex
  /** `ready` would sign; `missing` is not connected or does not answer; `refused` gave a reason; `excluded` sent what is invalid. */
  readonly state: 'ready' | 'missing' | 'refused' | 'excluded'
  readonly reason?: string
}

/** How far the asked node has come with a batch's Bitcoin transaction. */
export interface BatchProgress {
  readonly id: string
  readonly status:
    'unknown' | 'waiting-for-finality' | 'signing' | 'signed' | 'broadcast' | 'confirmed' | 'settled' | 'failed'
  /** The requests that it pays. */
  readonly withdrawals: readonly string[]
  /** As explorers show it; the version that was broadcast last. */
  readonly txid?: string
  readonly feeRateSatPerVb?: number
  /** key-path, or the leaf that was used. */
  readonly path?: 'key-path' | 'subset' | 'checksigadd'
  /** While it is broadcast: whether the node's Bitcoin has it in its mempool. */
  readonly inMempool?: boolean
  /** In the light client's view once it is mined, and what settling needs. */
  readonly confirmations?: number
  readonly required: number
  /** While it is being signed. */
  readonly members?: readonly SigningMember[]
  /** Why members did not sign, newest last. */
  readonly refusals: readonly string[]
}

/** A batch's Bitcoin transaction as the node sees it. */
export function getBatch(client: HawserClient, { id }: { readonly id: bigint }): Promise<BatchProgress> {
  return callNode<BatchProgress>(client, 'bridge_getBatch', [`0x${id.toString(16)}`])
}
