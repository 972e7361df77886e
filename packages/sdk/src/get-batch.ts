import { callNode, type HawserClient } from './hawser-client.ts'

/** How far the asked node has come with a batch's Bitcoin transaction. */
export interface BatchProgress {
  readonly id: string
  readonly status: 'unknown' | 'waiting-for-finality' | 'signing' | 'signed' | 'broadcast' | 'confirmed' | 'settled'
  /** As explorers show it; the version that was broadcast last. */
  readonly txid?: string
  readonly feeRateSatPerVb?: number
  /** key-path, or the leaf that was used. */
  readonly path?: 'key-path' | 'subset' | 'checksigadd'
  /** Why members did not sign, newest last. */
  readonly refusals: readonly string[]
}

/** A batch's Bitcoin transaction as the node sees it. */
export function getBatch(client: HawserClient, { id }: { readonly id: bigint }): Promise<BatchProgress> {
  return callNode<BatchProgress>(client, 'bridge_getBatch', [`0x${id.toString(16)}`])
}
