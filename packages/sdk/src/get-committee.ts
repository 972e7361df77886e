import type { Address, Hex } from '@hawser/primitives'
import { callNode, type HawserClient } from './hawser-client.ts'

/** The committee that takes deposits and signs withdrawals, as the asked node tells it. */
export interface CommitteeInfo {
  readonly id: number
  /** P, R and Q, 32 bytes each (protocol.md, section 8). */
  readonly internalKey: Hex
  readonly treeRoot: Hex
  readonly outputKey: Hex
  readonly members: number
  readonly threshold: number
  /** In the order of the sorted keys. */
  readonly keys: readonly { readonly session: Address; readonly bitcoinKey: Hex; readonly managementKey: Hex }[]
  /** The plain address, where change goes. */
  readonly address: string
}

/** The committee at the last final block. */
export function getCommittee(client: HawserClient): Promise<CommitteeInfo> {
  return callNode<CommitteeInfo>(client, 'bridge_getCommittee')
}
