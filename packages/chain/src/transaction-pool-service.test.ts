import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keccak256, silentLogger, utf8, type Address, type Hash32 } from '@hawser/primitives'
import type { ImporterEvents } from './block-importer.ts'
import { createCommon } from './common.ts'
import { PoolJournal } from './pool-journal.ts'
import { decodeTransaction, senderOf, transactionHash } from './transaction.ts'
import { TransactionPool } from './transaction-pool.ts'
import { TransactionPoolService } from './transaction-pool-service.ts'

const common = createCommon(18443)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hawser-pool-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const raw = (from: string, nonce: number) =>
  createFeeMarket1559Tx(
    { nonce: BigInt(nonce), gasLimit: 21_000n, to: `0x${'bb'.repeat(20)}`, maxFeePerGas: 9n },
    { common },
  )
    .sign(keccak256(utf8(from)))
    .serialize()
const hashOf = (bytes: Uint8Array) => transactionHash(decodeTransaction(bytes, common))

/** A service over a chain that is only a head, bodies and nonces. */
async function start() {
  const chain = { head: 'h0' as Hash32, nonces: new Map<Address, bigint>(), bodies: new Map<Hash32, Uint8Array[]>() }
  let events: ImporterEvents = {}
  const pool = new TransactionPool({ sessionKeys: [], minFeePerGas: 1n })
  const service = new TransactionPoolService({
    common,
    pool,
    store: {
      pointers: () => ({ head: { number: 0n, hash: chain.head }, finalized: { number: 0n, hash: chain.head } }),
      block: (hash: Hash32) => ({
        block: {
          header: { gasLimit: 30_000_000n },
          transactions: (chain.bodies.get(hash) ?? []).map((bytes) => decodeTransaction(bytes, common)),
        },
      }),
    } as never,
    engine: {
      stateAt: () => ({
        account: (address: Address) => ({
          nonce: chain.nonces.get(address) ?? 0n,
          balance: 10n ** 18n,
          codeHash: keccakOfNothing,
        }),
      }),
    } as never,
    importer: {
      listen(listener) {
        events = listener
        return () => undefined
      },
    },
    logger: silentLogger,
    journal: new PoolJournal(join(folder, 'pool-journal'), silentLogger),
  })
  await service.start()
  const move = (head: string, change: { added?: string[]; removed?: string[] }) => {
    chain.head = head as Hash32
    const refs = (hashes: string[] = []) => hashes.map((hash) => ({ number: 1n, hash: hash as Hash32 }))
    events.onHead?.({
      head: { number: 1n, hash: chain.head },
      added: refs(change.added),
      removed: refs(change.removed),
    })
  }
  return { chain, pool, service, move }
}
const keccakOfNothing = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'

describe('TransactionPoolService', () => {
  it('takes transactions that come together, in their order', async () => {
    const { service, pool } = await start()
    const raws = Array.from({ length: 100 }, (_, nonce) => raw('a', nonce))
    expect(await Promise.all(raws.map((bytes) => service.submit(bytes)))).toEqual(raws.map(hashOf))
    expect(pool.counts()).toEqual({ pending: 100, queued: 0 })
  })

  it('answers each of a batch by itself', async () => {
    const { service } = await start()
    const [good, again, bad] = await service.submitMany([raw('a', 0), raw('a', 0), Uint8Array.of(1)])
    expect(good).toBe(hashOf(raw('a', 0)))
    expect((again as Error).message).toBe('already known')
    expect((bad as Error).message).toContain('malformed')
  })

  it('has a user’s transactions again after a restart, but not those of peers nor those in blocks', async () => {
    const first = await start()
    for (const nonce of [0, 1]) await first.service.submit(raw('a', nonce))
    expect(await first.service.receive([raw('peer', 0)])).toEqual(['accept'])
    await first.service.stop()
    const second = await start()
    expect([...second.pool.all()].map(transactionHash)).toEqual([hashOf(raw('a', 0)), hashOf(raw('a', 1))])
    second.chain.bodies.set('h1' as Hash32, [raw('a', 0)])
    second.chain.nonces.set(senderOf(decodeTransaction(raw('a', 0), common)), 1n)
    second.move('h1', { added: ['h1'] })
    expect(second.pool.size).toBe(1)
    await second.service.stop()
  })

  it('puts back what a reorganisation took out of the chain', async () => {
    const { chain, pool, service, move } = await start()
    for (const nonce of [0, 1, 2]) await service.submit(raw('a', nonce))
    const sender = senderOf(decodeTransaction(raw('a', 0), common))
    chain.bodies.set('h1' as Hash32, [raw('a', 0), raw('a', 1)])
    chain.nonces.set(sender, 2n)
    move('h1', { added: ['h1'] })
    expect(pool.size).toBe(1)
    chain.nonces.set(sender, 0n)
    move('h2', { added: ['h2'], removed: ['h1'] })
    expect(pool.counts()).toEqual({ pending: 3, queued: 0 })
  })

  it('says of what peers send whether it is garbage', async () => {
    const { service } = await start()
    expect(await service.receive([raw('a', 0), raw('a', 0), Uint8Array.of(0xde, 0xad)])).toEqual([
      'accept',
      'ignore',
      'reject',
    ])
  })
})
