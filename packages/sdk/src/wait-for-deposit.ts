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
  /** As explorers show it; without it the payments that are not final when the waiting begins, and at least one. */
  readonly txid?: string
  /** Hears of each change. */
  readonly onProgress?: (phase: DepositPhase, deposit?: Deposit) => void
}

/** Waits until a payment is credited in a final block, and gives it (the newest of several). @throws DEPOSIT_REFUSED, WAIT_TIMEOUT */
export async function waitForDeposit(client: HawserClient, parameters: WaitForDepositParameters): Promise<Deposit> {
  const account = address(parameters.account)
  const { txid, onProgress } = parameters
  const final = new Set<string>()
  // Somebody who waits has just paid: what was final before is another payment.
  let old: ReadonlySet<string> | undefined = txid === undefined ? undefined : new Set()
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
      const deposits = (await getDeposits(client, { account })).filter((item) => !txid || item.txid === txid)
      const refused = deposits.at(-1)
      if (refused !== undefined && deposits.every((item) => item.status === 'refused'))
        throw sdkError('DEPOSIT_REFUSED', 'user', `the deposit ${refused.txid} cannot be credited: ${refused.reason}`)
      old ??= await finalOnes(client, deposits)
      const payments = deposits.filter((item) => item.status !== 'refused' && !old?.has(outpointOf(item)))
      for (const deposit of payments) {
        const outpoint = outpointOf(deposit)
        if (final.has(outpoint)) continue
        if (deposit.status !== 'credited' || !(await isCreditFinal(client, deposit))) {
          report(deposit.status, deposit)
          return undefined
        }
        final.add(outpoint)
      }
      report(payments.length > 0 ? 'final' : 'waiting', payments.at(-1))
      return payments.at(-1)
    },
    parameters,
  )
}

function outpointOf({ txid, vout }: Deposit): string {
  return `${txid}:${vout}`
}

async function finalOnes(client: HawserClient, deposits: readonly Deposit[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const deposit of deposits)
    if (deposit.status === 'credited' && (await isCreditFinal(client, deposit))) found.add(outpointOf(deposit))
  return found
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
