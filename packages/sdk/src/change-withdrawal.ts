import { sats, satsToWei } from '@hawser/primitives'
import type { HawserClient } from './hawser-client.ts'
import { sendToBridge, type SentToBridge } from './send-to-bridge.ts'

/** Adds satoshis to a request's max fee until it is settled. @throws CONTRACT_REVERTED */
export function raiseMaxFee(
  client: HawserClient,
  { id, bySats }: { readonly id: bigint; readonly bySats: bigint },
): Promise<SentToBridge> {
  return sendToBridge(client, { functionName: 'raiseMaxFee', args: [id], value: satsToWei(sats(bySats)) })
}

/** Takes a queued request back, the whole of it. @throws CONTRACT_REVERTED */
export function cancelWithdrawal(client: HawserClient, { id }: { readonly id: bigint }): Promise<SentToBridge> {
  return sendToBridge(client, { functionName: 'cancel', args: [id] })
}
