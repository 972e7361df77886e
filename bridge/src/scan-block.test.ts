import type { Block, Transaction } from '@hawser/bitcoin'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import { address, concatBytes } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { describe, expect, it } from 'vitest'
import { CustodyRecords } from './custody-records.ts'
import { MAX_PAYMENTS_PER_TRANSACTION, MAX_REFUSED_PER_BLOCK, outpointKey, scanBlock } from './scan-block.ts'

const account = address(`0x${'ab'.repeat(20)}`)
const script = concatBytes(Uint8Array.of(0x51, 0x20), new Uint8Array(32).fill(3))
const isDust = ({ sats }: { readonly sats: bigint }) => sats < 10_000n

/** A block whose one transaction pays a registered address with each of these amounts. */
function scan(amounts: readonly bigint[]) {
  const block = new EmbeddedChain().mine(1, script)[0] as Block
  const [coinbase] = block.transactions as [Transaction]
  const transactions = [{ ...coinbase, outputs: amounts.map((sats) => ({ sats, script })) }]
  return scanBlock({ ...block, transactions }, 1, {
    chainId: 1n,
    plainScript: new Uint8Array(34),
    addressOf: () => ({ account, address: '', scriptPubKey: script, qy: new Uint8Array(32) }),
    isCustody: () => false,
    refusalOf: (payment) => (isDust(payment) ? 'too small' : undefined),
  })
}

describe('a transaction with very many payments', () => {
  it('has one proof, in memory and on disk, over a restart too', async () => {
    const found = scan(Array.from({ length: 3_000 }, () => 10_000n))
    expect(found.payments).toHaveLength(MAX_PAYMENTS_PER_TRANSACTION)
    expect(found.dropped).toBe(3_000 - MAX_PAYMENTS_PER_TRANSACTION)
    expect(new Set(found.payments.map(({ proof }) => proof)).size).toBe(1)
    const db = new MemoryStore()
    await new CustodyRecords(db, isDust).take(found)
    const again = new CustodyRecords(db, isDust)
    await again.load()
    expect(again.unfinishedPayments().map(outpointKey).sort()).toEqual(found.payments.map(outpointKey).sort())
    expect(again.unfinishedPayments()[0]?.proof?.transaction.length).toBe(found.payments[0]?.proof?.transaction.length)
    expect(new Set(again.unfinishedPayments().map(({ proof }) => proof)).size).toBe(1)
  })

  it('has no proof for what lies below the minimum, which is shown for a while and never stored', async () => {
    const found = scan(Array.from({ length: 3_000 }, () => 9_999n))
    expect(found).toMatchObject({ payments: [], dropped: 3_000 - MAX_REFUSED_PER_BLOCK })
    expect(found.refused.every(({ proof }) => proof === undefined)).toBe(true)
    const db = new MemoryStore()
    const records = new CustodyRecords(db, isDust)
    await records.take(found)
    expect(records.paymentsTo(account)).toHaveLength(MAX_REFUSED_PER_BLOCK)
    const again = new CustodyRecords(db, isDust)
    await again.load()
    expect(again.paymentsTo(account)).toEqual([])
  })
})
