import { NETWORKS, type HeaderChain } from '@hawser/bitcoin'
import type { BitcoinSource } from '@hawser/chain'
import { AppError, type BtcHash, type Clock } from '@hawser/primitives'
import { expect, it } from 'vitest'
import { BitcoinViews, MAX_PROOFS_AT_A_TIME } from './bitcoin-views.ts'

const hash = `0x${'11'.repeat(32)}` as BtcHash

function viewsOf(source: Partial<BitcoinSource>) {
  let nowMs = 0
  const views = new BitcoinViews({
    source: source as BitcoinSource,
    chain: { parameters: NETWORKS.regtest } as HeaderChain,
    status: () => ({}),
    readerAtHead: () => {
      throw new Error('not asked')
    },
    clock: { nowMs: () => nowMs } as Clock,
  })
  return { views, wait: (ms: number) => (nowMs += ms) }
}

it('asks for a fee rate anew only when the last one is old', async () => {
  let asked = 0
  const { views, wait } = viewsOf({ feeRate: async () => ++asked })
  expect([await views.feeRate(2), await views.feeRate(2), await views.feeRate(3)]).toEqual([1, 1, 2])
  wait(10_000)
  expect(await views.feeRate(2)).toBe(3)
})

it('tells a transaction that is not there from a Bitcoin node that does not answer', async () => {
  const failing = (code: string) => ({
    transactionProof: () => Promise.reject(new AppError({ code, fault: 'local' }, code)),
  })
  const answer = (code: string) => viewsOf(failing(code)).views.proveTransaction(hash, hash)
  await expect(answer('BITCOIND_RPC')).rejects.toMatchObject({ code: 'BITCOIN_TX_NOT_FOUND' })
  await expect(answer('BITCOIND_UNREACHABLE')).rejects.toMatchObject({ code: 'BITCOIN_SOURCE_DOWN' })
})

it('asks for a few proofs at a time and refuses more', async () => {
  const waiting: (() => void)[] = []
  const { views } = viewsOf({
    transactionProof: () => new Promise((_, reject) => waiting.push(() => reject(new Error('gone')))),
  })
  const asked = Array.from({ length: MAX_PROOFS_AT_A_TIME }, () => views.proveTransaction(hash, hash).catch(() => 'no'))
  await expect(views.proveTransaction(hash, hash)).rejects.toThrow(/too many proofs/)
  for (const end of waiting.splice(0)) end()
  expect(await Promise.all(asked)).toEqual(asked.map(() => 'no'))
  const again = views.proveTransaction(hash, hash)
  waiting[0]?.()
  await expect(again).rejects.toThrow(/gone/)
})
