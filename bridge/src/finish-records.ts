import type { HeaderChain } from '@hawser/bitcoin'
import { BatchStatus, CoinStatus } from '@hawser/contracts'
import type { ContractReader } from './contract-reader.ts'
import type { CustodyRecords } from './custody-records.ts'
import type { CustodyPayment, CustodySpend } from './scan-block.ts'

/** Records of a kind that one final block's state is asked about. */
const MAX_FINISH_CHECKS = 64
/** Inputs of a spend that are asked about in one go. */
const MAX_INPUTS = 256
/** A spend of what was not credited within a day concerns nobody; if it is credited later, it counts again. */
export const NEVER_CREDITED_BLOCKS = 144

/** At most `count` of the items, others in each round, so that none waits for ever. */
export function windowOf<T>(items: readonly T[], count: number, round: number): T[] {
  if (items.length <= count) return [...items]
  const start = (round * count) % items.length
  return [...items.slice(start), ...items.slice(0, start)].slice(0, count)
}

/** Compares unfinished records with the final state, so that blocks to come need not look at them. */
export async function finishRecords(
  reader: ContractReader,
  records: CustodyRecords,
  chain: Pick<HeaderChain, 'best'>,
  options: { readonly isFailing: (payment: CustodyPayment) => boolean; readonly round: number },
): Promise<void> {
  const { isFailing, round } = options
  const waiting = records.unfinishedPayments().filter((payment) => !isFailing(payment))
  for (const payment of windowOf(waiting, MAX_FINISH_CHECKS, round)) {
    const coin = await reader.coin(payment.txid, payment.vout)
    if (coin.status !== CoinStatus.None && coin.bitcoinBlock === payment.blockHash) await records.finishPayment(payment)
  }
  for (const spend of windowOf(records.unfinishedSpends(), MAX_FINISH_CHECKS, round))
    if (await isDone(reader, spend, chain.best.height)) await records.finishSpend(spend)
}

/** Whether nothing is left to report of any input. */
async function isDone(reader: ContractReader, spend: CustodySpend, bestHeight: number): Promise<boolean> {
  for (const { outpoint } of spend.spent.slice(0, MAX_INPUTS)) {
    const coin = await reader.coin(outpoint.txid, outpoint.vout)
    if (coin.status === CoinStatus.Lost) continue
    if (coin.status === CoinStatus.None) {
      if (spend.height + NEVER_CREDITED_BLOCKS > bestHeight) return false
      continue
    }
    if (coin.batchId === 0n) return false
    const batch = await reader.batch(coin.batchId)
    // One settled batch is all that a transaction can be.
    if (batch.status !== BatchStatus.Settled || batch.bitcoinBlock !== spend.blockHash) return false
  }
  return true
}
