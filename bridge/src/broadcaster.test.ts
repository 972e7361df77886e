import { decodeTransaction, encodeTransaction, txid, type HeaderChain, type Transaction } from '@hawser/bitcoin'
import type { BitcoinSource } from '@hawser/chain'
import { silentLogger } from '@hawser/primitives'
import { beforeEach, describe, expect, it } from 'vitest'
import { Broadcaster } from './broadcaster.ts'
import type { CustodyRecords } from './custody-records.ts'
import { testMaterial, testMembers } from './testing/batch-fixture.ts'

const { committee } = testMembers(1)
const material = testMaterial(committee)
const signed = material.transactions.map((tx) => encodeTransaction(tx))
const idOf = (rung: number) => txid(material.transactions[rung] as Transaction)

describe('broadcasting a signed batch', () => {
  let height: number
  let rate: number
  let isMined: boolean
  let refuse: boolean
  let sent: string[]
  let broadcaster: Broadcaster

  beforeEach(() => {
    height = 100
    rate = 1
    isMined = false
    refuse = false
    sent = []
    const source = {
      feeRate: async () => rate,
      broadcast: async (raw: Uint8Array) => {
        if (refuse) throw new Error('the source is down')
        sent.push(txid(decodeTransaction(raw)))
        return 'accepted'
      },
    } as unknown as BitcoinSource
    const chain = {
      get best() {
        return { height }
      },
      isOnMainChain: () => true,
    } as unknown as HeaderChain
    const records = { spendOf: () => (isMined ? { blockHash: '0x' } : undefined) } as unknown as CustodyRecords
    broadcaster = new Broadcaster({ source, chain, records, logger: silentLogger })
  })

  const broadcast = async () => {
    broadcaster.broadcast(material, signed)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  it('takes the first rung that pays what is needed, or the highest there is', async () => {
    await broadcast()
    expect(sent).toEqual([idOf(0)])
    expect(broadcaster.last(material.batchId)).toMatchObject({ rate: 2 })
    rate = 3
    await broadcast()
    rate = 1000
    await broadcast()
    expect(sent.slice(1)).toEqual([idOf(1), idOf(1)])
  })

  it('goes one rung up when the transaction lingers for two Bitcoin blocks, and never down again', async () => {
    await broadcast()
    height = 101
    await broadcast()
    height = 102
    await broadcast()
    height = 103
    await broadcast()
    expect(sent).toEqual([idOf(0), idOf(0), idOf(1), idOf(1)])
  })

  it('is silent once the batch is mined', async () => {
    isMined = true
    await broadcast()
    expect(sent).toEqual([])
  })

  it('tries again after the source failed', async () => {
    refuse = true
    await broadcast()
    expect(broadcaster.last(material.batchId)).toBeUndefined()
    refuse = false
    await broadcast()
    expect(sent).toEqual([idOf(0)])
  })
})
