import { bridgeAbi, systemContracts } from '@hawser/contracts'
import { MAX_SATS, satsToWei, sats, WEI_PER_SAT, type Hash32 } from '@hawser/primitives'
import { getBalance, getBlock, readContract } from 'viem/actions'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'

/** Reserves against liabilities at one block, recomputed here; sats unless the name ends in Wei. */
export interface Reserves {
  readonly block: { readonly number: bigint; readonly hash: Hash32 }
  /** What the bridge controls on Bitcoin. */
  readonly custodySats: bigint
  /** 21,000,000 BTC less the bridge's balance. */
  readonly circulatingWei: bigint
  /** Amounts of unsettled withdrawals, and their max fees. */
  readonly pendingSats: bigint
  readonly maxFeeSats: bigint
  readonly claimableWei: bigint
  /** ceil((circulating + pending + maxFee + claimable) / 10^10). */
  readonly liabilitySats: bigint
  readonly shortfallSats: bigint
  readonly paused: boolean
  /** Pauses begun so far: the number of the present one while it is paused. */
  readonly pauseId: bigint
  /** custody >= liability. */
  readonly covered: boolean
  /** custody - liability. */
  readonly surplusSats: bigint
}

export interface GetReservesParameters {
  readonly blockTag?: 'latest' | 'finalized'
}

const SUPPLY_WEI = satsToWei(sats(MAX_SATS))

/** ceil((circulating + pending + maxFee + claimable) / 10^10): what is owed, in sats. */
export function liabilitySats(parts: {
  readonly circulatingWei: bigint
  readonly pendingSats: bigint
  readonly maxFeeSats: bigint
  readonly claimableWei: bigint
}): bigint {
  const wei = parts.circulatingWei + (parts.pendingSats + parts.maxFeeSats) * WEI_PER_SAT + parts.claimableWei
  return (wei + WEI_PER_SAT - 1n) / WEI_PER_SAT
}

/**
 * Reads Bridge.reserves() at a block (the last final one unless told otherwise) and computes circulation from the
 * bridge's balance at that very block.
 * @throws NODE_REFUSED when the contract's own figure differs
 */
export async function getReserves(client: HawserClient, parameters: GetReservesParameters = {}): Promise<Reserves> {
  const block = await explained(() => getBlock(client, { blockTag: parameters.blockTag ?? 'finalized' }))
  const at = { blockNumber: block.number as bigint }
  const [stored, balance] = await explained(() =>
    Promise.all([
      readContract(client, { abi: bridgeAbi, address: systemContracts.bridge, functionName: 'reserves', ...at }),
      getBalance(client, { address: systemContracts.bridge, ...at }),
    ]),
  )
  const circulatingWei = SUPPLY_WEI - balance
  if (stored.circulatingWei !== circulatingWei)
    throw sdkError(
      'NODE_REFUSED',
      'peer',
      `the bridge says ${stored.circulatingWei} wei circulate, its balance gives ${circulatingWei}; ask another node`,
    )
  const { custodySats, pendingSats, maxFeeSats, claimableWei, shortfallSats, paused, pauseId } = stored
  const owed = liabilitySats({ circulatingWei, pendingSats, maxFeeSats, claimableWei })
  return {
    block: { number: block.number as bigint, hash: block.hash as Hash32 },
    custodySats,
    circulatingWei,
    pendingSats,
    maxFeeSats,
    claimableWei,
    liabilitySats: owed,
    shortfallSats,
    paused,
    pauseId,
    covered: custodySats >= owed,
    surplusSats: custodySats - owed,
  }
}
