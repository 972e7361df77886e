import { bridgeAbi, systemContracts } from '@hawser/contracts'
import { address, btcHashFromDisplay } from '@hawser/primitives'
import { readContract } from 'viem/actions'
import { sdkError } from './errors.ts'
import { getDeposits, type Deposit } from './get-deposits.ts'
import { explained, type HawserClient } from './hawser-client.ts'
import { poll, type WaitOptions } from './poll.ts'

export type DepositPhase = 'waiting' | Deposit['status'] | 'final'

export interface WaitForDepositParameters extends WaitOptions {
  readonly account: string
  /** As explorers show it; without it the newest payment counts. */
  readonly txid?: string
  /** Hears of each change. */
  readonly onProgress?: (phase: DepositPhase, deposit?: Deposit) => void
}

/** Waits until a payment is credited in a final block. @throws DEPOSIT_REFUSED, WAIT_TIMEOUT */
export async function waitForDeposit(client: HawserClient, parameters: WaitForDepositParameters): Promise<Deposit> {
  const account = address(parameters.account)
  const { txid, onProgress } = parameters
  let last = ''
  let phase: DepositPhase = 'waiting'
  const report = (next: DepositPhase, deposit?: Deposit) => {
    phase = next
    const key = `${next} ${deposit?.txid ?? ''} ${deposit?.confirmations ?? ''}`
    if (key !== last) onProgress?.(next, deposit)
    last = key
  }
  return poll(
    () => `the deposit is still ${phase === 'waiting' ? 'not seen by the node' : phase}`,
    async () => {
      const deposit = (await getDeposits(client, { account })).findLast((item) => !txid || item.txid === txid)
      if (deposit?.status === 'refused')
        throw sdkError('DEPOSIT_REFUSED', 'user', `the deposit ${deposit.txid} cannot be credited: ${deposit.reason}`)
      if (deposit?.status === 'credited' && (await isCreditFinal(client, deposit))) {
        report('final', deposit)
        return deposit
      }
      report(deposit?.status ?? 'waiting', deposit)
      return undefined
    },
    parameters,
  )
}

function isCreditFinal(client: HawserClient, { txid, vout }: Deposit): Promise<boolean> {
  return explained(() =>
    readContract(client, {
      abi: bridgeAbi,
      address: systemContracts.bridge,
      functionName: 'isCredited',
      args: [btcHashFromDisplay(txid), vout],
      blockTag: 'finalized',
    }),
  )
}
