import { bridgeAbi, CoinStatus, systemContracts } from '@hawser/contracts'
import { displayBtcHash, type BtcHash } from '@hawser/primitives'
import { readContract } from 'viem/actions'
import { explained, type HawserClient } from './hawser-client.ts'

/** @internal More coins than a chain has in years of devnets; an audit of more should index the events. */
export const MAX_COINS = 20_000
const CHUNK = 25

/** An output on Bitcoin that the bridge counts as its own. */
export interface CustodyCoin {
  readonly id: bigint
  /** As explorers show it. */
  readonly txid: string
  readonly vout: number
  readonly sats: bigint
  /** A coin in a batch may be spent on Bitcoin already. */
  readonly status: 'available' | 'in-batch'
}

/** The coins that make up the custody at a block: an auditor looks for each of them on Bitcoin. */
export async function getCustodyCoins(
  client: HawserClient,
  { blockNumber }: { readonly blockNumber?: bigint } = {},
): Promise<CustodyCoin[]> {
  const coins: CustodyCoin[] = []
  for (let first = 1; first <= MAX_COINS; first += CHUNK) {
    const chunk = await explained(() =>
      Promise.all(
        Array.from({ length: CHUNK }, (_, i) =>
          readContract(client, {
            abi: bridgeAbi,
            address: systemContracts.bridge,
            functionName: 'coinById',
            args: [BigInt(first + i)],
            ...(blockNumber === undefined ? {} : { blockNumber }),
          }),
        ),
      ),
    )
    for (const { id, txid, vout, sats, status } of chunk) {
      if (status !== CoinStatus.Available && status !== CoinStatus.InBatch) continue
      const inBatch = status === CoinStatus.InBatch
      coins.push({ id, txid: displayBtcHash(txid as BtcHash), vout, sats, status: inBatch ? 'in-batch' : 'available' })
    }
    if (chunk.some((coin) => coin.status === CoinStatus.None)) break
  }
  return coins
}
