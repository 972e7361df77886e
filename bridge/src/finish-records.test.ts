import type { HeaderChain } from '@hawser/bitcoin'
import { BatchStatus, CoinStatus } from '@hawser/contracts'
import type { ChainSpec } from '@hawser/chain'
import { silentLogger, toHex, uintBE, ZERO_HASH, type BtcHash } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { beforeEach, describe, expect, it } from 'vitest'
import { BridgeInherents } from './bridge-inherents.ts'
import type { ContractReader } from './contract-reader.ts'
import { CustodyRecords } from './custody-records.ts'
import { finishRecords, NEVER_CREDITED_BLOCKS } from './finish-records.ts'
import type { CustodySpend, Outpoint } from './scan-block.ts'

const hash = (i: number) => toHex(new Uint8Array([...new Uint8Array(28), ...uintBE(i, 4)])) as BtcHash
const none = new Uint8Array()
const proof = { header: none, index: 1, coinbase: none, coinbaseBranch: [], transaction: none, branch: [] }
const spendOf = (i: number, spent: Outpoint[]): CustodySpend => ({
  txid: hash(i),
  blockHash: hash(9),
  height: 10,
  spent: spent.map((outpoint, index) => ({ index, outpoint })),
  proof,
})

describe('spends of custody against the final state', () => {
  let records: CustodyRecords
  let coins: Map<BtcHash, { status: number; batchId: bigint }>
  let simulated: number
  let readCoins: number
  let nowMs: number
  const reader = {
    header: { gasLimit: 60_000_000n, number: 1n },
    bestBitcoinBlock: async () => ({ hash: hash(9), height: 10, chainWork: 1n }),
    isReorganising: async () => false,
    batchesInFlight: async () => [7n],
    formBatchStatus: async () => -1,
    coin: async (txid: BtcHash) => {
      readCoins++
      nowMs += 10
      return { bitcoinBlock: ZERO_HASH, ...(coins.get(txid) ?? { status: CoinStatus.None, batchId: 0n }) }
    },
    batch: async () => ({
      status: BatchStatus.InFlight,
      bitcoinBlock: ZERO_HASH,
      inputs: [{ txid: hash(5000), vout: 0 }],
    }),
    simulate: async () => {
      simulated++
      return { ok: false, reason: 'Refused()' }
    },
  } as unknown as ContractReader
  const chain = { best: { hash: hash(9), chainWork: 1n, height: 10 }, isOnMainChain: () => true }
  const finish = (height: number) =>
    finishRecords(reader, records, { best: { height } } as HeaderChain, { isFailing: () => false, round: 0 })
  const inherents = () =>
    new BridgeInherents({
      spec: { bridge: { depositConfirmations: 1, minDepositSats: 10_000 } } as unknown as ChainSpec,
      chain: chain as unknown as HeaderChain,
      records,
      clock: { nowMs: () => nowMs, after: () => () => undefined },
      logger: silentLogger,
    })
  const take = (spends: CustodySpend[]) => records.take({ payments: [], spends, refused: [] })

  beforeEach(() => {
    records = new CustodyRecords(new MemoryStore(), () => false)
    coins = new Map()
    simulated = 0
    readCoins = 0
    nowMs = 0
  })

  it('are done when nothing they spend was ever credited and they are deep', async () => {
    await take([spendOf(1, [{ txid: hash(2), vout: 0 }])])
    await finish(10 + NEVER_CREDITED_BLOCKS - 1)
    expect(records.unfinishedSpends()).toHaveLength(1)
    await finish(10 + NEVER_CREDITED_BLOCKS)
    expect(records.unfinishedSpends()).toEqual([])
  })

  it('wait for every input, not the first alone', async () => {
    coins.set(hash(2), { status: CoinStatus.Lost, batchId: 0n })
    coins.set(hash(3), { status: CoinStatus.Available, batchId: 0n })
    await take([
      spendOf(
        1,
        [2, 3].map((i) => ({ txid: hash(i), vout: 0 })),
      ),
    ])
    await finish(5_000)
    expect(records.unfinishedSpends()).toHaveLength(1)
  })

  it('of a batch in flight come before any number of others', async () => {
    coins.set(hash(5000), { status: CoinStatus.InBatch, batchId: 7n })
    await take(Array.from({ length: 300 }, (_, i) => spendOf(100 + i, [{ txid: hash(1000 + i), vout: 0 }])))
    await take([spendOf(4000, [{ txid: hash(5000), vout: 0 }])])
    await inherents().gather(reader)
    expect(simulated).toBe(1)
  })

  it('of many inputs keep to the time budget', async () => {
    const outpoints = Array.from({ length: 500 }, (_, vout) => ({ txid: hash(2), vout }))
    await take([spendOf(1, outpoints)])
    await inherents().gather(reader)
    expect(readCoins).toBeLessThanOrEqual(61)
  })

  it('are not tried again in the next block when the trial failed', async () => {
    coins.set(hash(2), { status: CoinStatus.Available, batchId: 0n })
    await take([spendOf(1, [{ txid: hash(2), vout: 0 }])])
    const gatherer = inherents()
    await gatherer.gather(reader)
    await gatherer.gather(reader)
    expect(simulated).toBe(1)
  })
})
