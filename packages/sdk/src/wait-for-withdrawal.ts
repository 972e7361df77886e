import { getBatch, type BatchProgress } from './get-batch.ts'
import { sdkError } from './errors.ts'
import { getWithdrawal, type Withdrawal } from './get-withdrawal.ts'
import type { HawserClient } from './hawser-client.ts'
import { poll, type WaitOptions } from './poll.ts'

/** The stations of a withdrawal, in order. */
export const WITHDRAWAL_PHASES = [
  'queued',
  'batched',
  'final',
  'signing',
  'signed',
  'broadcast',
  'confirmed',
  'settled',
] as const
export type WithdrawalPhase = (typeof WITHDRAWAL_PHASES)[number]

export interface WithdrawalProgress {
  readonly phase: WithdrawalPhase
  readonly withdrawal: Withdrawal
  readonly batch?: BatchProgress
}

export interface WaitForWithdrawalParameters extends WaitOptions {
  readonly id: bigint
  /** Hears of each phase once, in order; several at once when they passed between two looks. */
  readonly onProgress?: (progress: WithdrawalProgress) => void
}

export interface SettledWithdrawal {
  readonly withdrawal: Withdrawal
  /** As the node saw the batch last: how it was signed, at which rate. */
  readonly batch?: BatchProgress
}

const PHASE_OF_BATCH: Readonly<Record<BatchProgress['status'], WithdrawalPhase>> = {
  unknown: 'batched',
  'waiting-for-finality': 'batched',
  signing: 'signing',
  signed: 'signed',
  broadcast: 'broadcast',
  confirmed: 'confirmed',
  // The node may be ahead of the final state that we wait for.
  settled: 'confirmed',
  failed: 'batched',
}

/** @internal Which station a request has reached. */
export function withdrawalPhase(withdrawal: Withdrawal, batch: BatchProgress | undefined): WithdrawalPhase {
  if (withdrawal.status === 'settled') return 'settled'
  if (withdrawal.status !== 'batched') return 'queued'
  return batch ? PHASE_OF_BATCH[batch.status] : 'batched'
}

/** Waits until a request is settled in a final block. @throws WITHDRAWAL_CANCELLED, WITHDRAWAL_NOT_FOUND, WAIT_TIMEOUT */
export async function waitForWithdrawal(
  client: HawserClient,
  parameters: WaitForWithdrawalParameters,
): Promise<SettledWithdrawal> {
  const { id, onProgress } = parameters
  let reached = -1
  let batch: BatchProgress | undefined
  let latest: Withdrawal | undefined
  const report = (phase: WithdrawalPhase, withdrawal: Withdrawal) => {
    const station = WITHDRAWAL_PHASES.indexOf(phase)
    const first = phase === 'queued' ? 0 : Math.max(reached + 1, 1)
    for (const passed of reached < station ? WITHDRAWAL_PHASES.slice(first, station + 1) : [])
      onProgress?.({ phase: passed, withdrawal, batch })
    reached = Math.max(reached, station)
  }
  return poll(
    () =>
      `withdrawal ${id} is still ${WITHDRAWAL_PHASES[Math.max(reached, 0)]}${latest?.reason ? ` (${latest.reason})` : ''}`,
    async () => {
      const withdrawal = (latest = await getWithdrawal(client, { id }))
      if (withdrawal.status === 'cancelled')
        throw sdkError('WITHDRAWAL_CANCELLED', 'user', `withdrawal ${id} was cancelled; its amount has returned`)
      // A node that has settled a batch may have forgotten how it was signed.
      if (withdrawal.batchId > 0n) batch = { ...batch, ...(await getBatch(client, { id: withdrawal.batchId })) }
      const phase = withdrawalPhase(withdrawal, batch)
      if (phase !== 'settled') {
        report(phase, withdrawal)
        return undefined
      }
      const final = await getWithdrawal(client, { id, blockTag: 'finalized' }).catch(() => undefined)
      if (final?.status !== 'settled') return undefined
      report('settled', final)
      return { withdrawal: final, batch }
    },
    parameters,
  )
}
