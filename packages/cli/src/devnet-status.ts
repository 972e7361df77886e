import type { Devnet } from '@hawser/node'
import { formatBtc } from '@hawser/primitives'
import type { BitcoinStatus, FinalityStatus } from './commands/status-command.ts'

interface ReservesAnswer {
  readonly custodySats: string
  readonly liabilitySats: string
  readonly covered: boolean
  readonly paused: boolean
}

/** The devnet in one calm line: block, final block, Bitcoin height, reserves. */
export async function devnetStatusLine(devnet: Devnet): Promise<string> {
  const [finality, bitcoin, reserves] = await Promise.all([
    devnet.rpc<FinalityStatus>('finality_getStatus'),
    devnet.rpc<BitcoinStatus>('btc_getStatus'),
    devnet.rpc<ReservesAnswer>('bridge_getReserves'),
  ])
  const running = devnet.validators.filter((validator) => validator.running).length
  return statusLine({ finality, bitcoin, reserves, running, validators: devnet.validators.length })
}

/** @internal The line for what the node answered. */
export function statusLine(state: {
  readonly finality: FinalityStatus
  readonly bitcoin: BitcoinStatus
  readonly reserves: ReservesAnswer
  readonly running: number
  readonly validators: number
}): string {
  const { finality, bitcoin, reserves, running, validators } = state
  const parts = [
    `block ${BigInt(finality.head.number)}`,
    `final ${BigInt(finality.finalized.number)}${finality.stalled ? ' (stalled)' : ''}`,
    `Bitcoin ${bitcoin.lightClient.height}`,
    `reserves ${formatBtc(BigInt(reserves.custodySats))} BTC`,
    `owed ${formatBtc(BigInt(reserves.liabilitySats))} BTC${reserves.covered ? '' : ' NOT COVERED'}`,
  ]
  if (reserves.paused) parts.push('bridge PAUSED')
  if (running < validators) parts.push(`${running} of ${validators} validators`)
  return parts.join(' | ')
}
