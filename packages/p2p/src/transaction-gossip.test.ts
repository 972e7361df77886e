import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createCommon,
  decodeTransaction,
  senderOf,
  TransactionPool,
  transactionHash,
  type Verdict,
} from '@hawser/chain'
import { hash32, isAppError, keccak256, silentLogger, systemClock, utf8, type Hash32 } from '@hawser/primitives'
import { Libp2pTransport } from './libp2p-transport.ts'
import { MAX_PUSHED } from './limits.ts'
import { TransactionGossip } from './transaction-gossip.ts'
import { encodeAnnouncement, encodeTransactions } from './transaction-messages.ts'

const common = createCommon(18443)
const GENESIS = hash32(`0x${'aa'.repeat(32)}`)
const RICH = { nonce: 0n, balance: 10n ** 30n }
const stops: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const raw = (from: string, nonce: number, bytes = 0) =>
  createFeeMarket1559Tx(
    {
      nonce: BigInt(nonce),
      gasLimit: 5_000_000n,
      to: `0x${'bb'.repeat(20)}`,
      data: new Uint8Array(bytes),
      maxFeePerGas: 9n,
    },
    { common },
  )
    .sign(keccak256(utf8(from)))
    .serialize()
const hashOf = (bytes: Uint8Array) => transactionHash(decodeTransaction(bytes, common))

/** A node with a transport, a pool and its gossip, and no chain. */
async function start(name: string, bootnodes: readonly string[] = []) {
  const transport = await Libp2pTransport.start({
    chainId: 18443n,
    genesisHash: GENESIS,
    nodeKey: keccak256(utf8(name)),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootnodes,
    status: () => ({ head: { number: 0n, hash: GENESIS }, finalized: { number: 0n, hash: GENESIS }, first: 1n }),
    clock: systemClock,
    logger: silentLogger,
  })
  stops.push(() => transport.stop())
  const pool = new TransactionPool({ sessionKeys: [], minFeePerGas: 1n })
  const listeners = new Set<(tx: ReturnType<typeof decodeTransaction>) => void>()
  const add = (bytes: Uint8Array): Verdict => {
    try {
      const tx = decodeTransaction(bytes, common)
      senderOf(tx)
      pool.add(tx, RICH, 30_000_000n)
      for (const listener of listeners) listener(tx)
      return 'accept'
    } catch (error) {
      return isAppError(error, 'TX_MALFORMED') ? 'reject' : 'ignore'
    }
  }
  const service = {
    onPending(listener: (tx: ReturnType<typeof decodeTransaction>) => void) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    receive: async (raws: readonly Uint8Array[]): Promise<readonly Verdict[]> => raws.map(add),
  }
  const gossip = new TransactionGossip({ transport, pool, service, clock: systemClock, logger: silentLogger })
  gossip.start()
  stops.push(() => gossip.stop())
  const has = (hash: Hash32) =>
    new Promise<void>((resolve) => {
      if (pool.has(hash)) return resolve()
      listeners.add((tx) => transactionHash(tx) === hash && resolve())
    })
  return { transport, pool, service, add, has }
}

type Node = Awaited<ReturnType<typeof start>>

function joined(a: Node, b: Node): Promise<void> {
  return new Promise((resolve) => {
    a.transport.onPeer((id, event) => id === b.transport.self && event === 'joined' && resolve())
  })
}

async function pair() {
  const a = await start('a')
  const b = await start('b', a.transport.addresses())
  await Promise.all([joined(a, b), joined(b, a)])
  return { a, b }
}

describe('TransactionGossip', () => {
  it('brings many transactions to another node, and large ones by announcement', async () => {
    const { a, b } = await pair()
    const all = Array.from({ length: 300 }, (_, nonce) => raw('user', nonce))
    const large = raw('other', 0, 20_000)
    for (const bytes of [...all, large]) expect(a.add(bytes)).toBe('accept')
    await Promise.all([...all, large].map((bytes) => b.has(hashOf(bytes))))
    expect(b.pool.size).toBe(301)
    expect(b.transport.peers()[0]?.score).toBe(0)
  })

  it('reaches every one of three nodes, also over one in the middle', async () => {
    const a = await start('a')
    const b = await start('b', a.transport.addresses())
    const c = await start('c', b.transport.addresses())
    await Promise.all([joined(a, b), joined(b, a), joined(b, c), joined(c, b)])
    for (const [i, from] of [a, b, c].entries()) {
      const bytes = raw(`user ${i}`, 0)
      from.add(bytes)
      await Promise.all([a, b, c].map((node) => node.has(hashOf(bytes))))
    }
    expect([a, b, c].map((node) => node.pool.size)).toEqual([3, 3, 3])
  })

  it('tells a node that joins later what waits already', async () => {
    const a = await start('a')
    const bytes = raw('user', 0)
    a.add(bytes)
    const b = await start('b', a.transport.addresses())
    await b.has(hashOf(bytes))
  })

  it('takes score from a peer that sends garbage', async () => {
    const { a, b } = await pair()
    await b.transport.request(a.transport.self, 'transactions', encodeTransactions([Uint8Array.of(0xde, 0xad)]))
    expect(a.transport.peers()[0]?.score).toBeLessThanOrEqual(-100)
  })

  it('does not look into a message of more transactions than can be real', async () => {
    const { a, b } = await pair()
    let looked = 0
    a.service.receive = async (raws) => {
      looked += raws.length
      return raws.map(() => 'ignore' as const)
    }
    const crumbs = Array.from({ length: MAX_PUSHED + 1 }, () => Uint8Array.of(1))
    await b.transport.request(a.transport.self, 'transactions', encodeTransactions(crumbs)).catch(() => undefined)
    expect(looked).toBe(0)
    expect(a.transport.peers()[0]?.score).toBeLessThanOrEqual(-100)
  })

  it('takes score from a peer that announces what it does not have', async () => {
    const { a, b } = await pair()
    const lost = new Promise<void>((resolve) => {
      const report = a.transport.report.bind(a.transport)
      a.transport.report = (...parts) => {
        report(...parts)
        resolve()
      }
    })
    const announcement = encodeAnnouncement([{ hash: hash32(`0x${'11'.repeat(32)}`), type: 2, size: 110 }])
    await b.transport.request(a.transport.self, 'transaction-hashes', announcement)
    await lost
    expect(a.transport.peers()[0]?.score).toBeLessThan(0)
  })
})
