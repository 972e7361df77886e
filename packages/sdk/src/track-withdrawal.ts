import { isAppError } from '@hawser/primitives'
import { sdkError } from './errors.ts'
import { getWithdrawal } from './get-withdrawal.ts'
import { getWithdrawalState, type WithdrawalState } from './get-withdrawal-state.ts'
import type { HawserClient } from './hawser-client.ts'
import { poll, type WaitOptions } from './poll.ts'

export interface TrackWithdrawalParameters extends WaitOptions {
  readonly id: bigint
}

/**
 * Gives every state of a withdrawal in which something changed (status, reason, Bitcoin transaction, confirmations), until it is
 * settled in a final block, cancelled or failed: `for await (const state of client.trackWithdrawal({ id }))`. `timeoutMs` is the longest time without a change.
 * @throws WITHDRAWAL_NOT_FOUND, WAIT_TIMEOUT
 */
export async function* trackWithdrawal(
  client: HawserClient,
  parameters: TrackWithdrawalParameters,
): AsyncGenerator<WithdrawalState, void, undefined> {
  const { id } = parameters
  let told = ''
  for (;;) {
    const state = await poll(
      () => `withdrawal ${id} is still ${told.split('|', 1)[0]}`,
      async () => {
        const seen = await getWithdrawalState(client, { id })
        if (!seen) throw sdkError('WITHDRAWAL_NOT_FOUND', 'user', `there is no withdrawal ${id}`)
        if (fingerprint(seen) === told) return undefined
        // What is settled in the best block alone may be undone.
        return seen.status === 'settled' && !(await isSettledForGood(client, id)) ? undefined : seen
      },
      parameters,
    )
    told = fingerprint(state)
    yield state
    if (state.status === 'settled' || state.status === 'cancelled' || state.status === 'failed') return
  }
}

function fingerprint({ status, reason, batch }: WithdrawalState): string {
  return [status, reason, batch?.txid, batch?.feeRateSatPerVb, batch?.inMempool, batch?.confirmations].join('|')
}

async function isSettledForGood(client: HawserClient, id: bigint): Promise<boolean> {
  try {
    return (await getWithdrawal(client, { id, blockTag: 'finalized' })).status === 'settled'
  } catch (error) {
    if (isAppError(error, 'WITHDRAWAL_NOT_FOUND')) return false
    throw error
  }
}
