import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { afterEach, describe, expect, it } from 'vitest'
import {
  createCommon,
  decodeTransaction,
  senderOf,
  TransactionPool,
  transactionHash,
  type PeerId,
  type Protocol,
  type Transport,
  type Verdict,
} from '@hawser/chain'
import {
  AppError,
  hash32,
  isAppError,
  keccak256,
  silentLogger,
  systemClock,
  utf8,
  type Hash32,
} from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { Libp2pTransport } from './libp2p-transport.ts'
import { MAX_PUSHED } from './limits.ts'
import { TransactionGossip } from './transaction-gossip.ts'
import { decodeHashes, encodeAnnouncement, encodeTransactions } from './transaction-messages.ts'

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

/** A node of which the test plays the peers, the pool and the clock. */
function alone() {
  const handlers = new Map<Protocol, (message: Uint8Array, from: PeerId) => Promise<Uint8Array>>()
  const asked: string[] = []
  const reports: number[] = []
  const timers: { ms: number; callback: () => void }[] = []
  let tell: (peer: PeerId, event: 'joined' | 'left') => void = () => undefined
  const world = {
    asked,
    reports,
    timers,
    answer: async (): Promise<Uint8Array> => encodeTransactions([]),
    receive: async (raws: readonly Uint8Array[]): Promise<readonly Verdict[]> => raws.map(() => 'accept'),
    tell: (peer: PeerId, event: 'joined' | 'left') => tell(peer, event),
    /** Has a peer announce a transaction, and waits until what follows is done. */
    announce: async (from: PeerId, bytes: Uint8Array) => {
      const message = encodeAnnouncement([{ hash: hashOf(bytes), type: 2, size: bytes.length }])
      await handlers.get('transaction-hashes')?.(message, from)
      await settled()
    },
    wake: async () => {
      timers.shift()?.callback()
      await settled()
    },
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve))
  const transport: Pick<Transport, 'serve' | 'onPeer' | 'request' | 'report'> = {
    serve: (protocol, handler) => {
      handlers.set(protocol, handler)
      return () => undefined
    },
    onPeer: (listener) => {
      tell = listener
      return () => undefined
    },
    request: async (peer, _, message) => {
      asked.push(`${peer} ${decodeHashes(message, 256).length}`)
      return world.answer()
    },
    report: (_, delta) => void reports.push(delta),
  }
  const pool = new TransactionPool({ sessionKeys: [], minFeePerGas: 1n })
  const gossip = new TransactionGossip({
    transport: transport as Transport,
    pool,
    service: { onPending: () => () => undefined, receive: (raws) => world.receive(raws) },
    clock: {
      nowMs: () => 0,
      after: (ms, callback) => {
        const timer = { ms, callback }
        timers.push(timer)
        return () => void timers.splice(timers.indexOf(timer), 1)
      },
    },
    logger: silentLogger,
  })
  gossip.start()
  stops.push(() => gossip.stop())
  return { ...world, gossip, set: (changes: Partial<typeof world>) => Object.assign(world, changes) }
}

describe('TransactionGossip with a peer that does not deliver', () => {
  it.each(['PEER_TIMEOUT', 'PEER_REFUSED', 'PEER_UNREACHABLE'] as const)(
    'lets it rest after %s, ever longer, blames nobody, and asks again',
    async (code) => {
      const node = alone()
      node.tell('busy', 'joined')
      node.set({
        answer: async () => {
          throw new AppError<P2pError>({ code, fault: 'peer', retry: true }, 'not now')
        },
      })
      const [first, second] = [raw('user', 0), raw('user', 1)]
      await node.announce('busy', first)
      await node.announce('busy', second)
      expect(node.asked).toEqual(['busy 1'])
      // Others are asked meanwhile.
      node.tell('other', 'joined')
      await node.announce('other', first)
      expect(node.asked).toEqual(['busy 1', 'other 1'])
      expect(node.timers.map(({ ms }) => ms)).toEqual([5_000, 5_000])
      await node.wake()
      expect(node.asked).toEqual(['busy 1', 'other 1', 'busy 2'])
      expect(node.timers.map(({ ms }) => ms)).toEqual([5_000, 10_000])
      node.tell('other', 'left')
      expect(node.timers.map(({ ms }) => ms)).toEqual([10_000])
      const received: Uint8Array[] = []
      node.set({
        answer: async () => encodeTransactions([first, second]),
        receive: async (raws) => {
          received.push(...raws)
          return raws.map(() => 'accept' as const)
        },
      })
      await node.wake()
      expect(received).toEqual([first, second])
      expect(node.reports).toEqual([])
      expect(node.timers).toEqual([])
    },
  )

  it('rests nobody for what this node cannot do itself', async () => {
    const node = alone()
    node.tell('peer', 'joined')
    const bytes = raw('user', 0)
    node.set({
      answer: async () => encodeTransactions([bytes]),
      receive: async () => {
        throw new Error('the disk is full')
      },
    })
    await node.announce('peer', bytes)
    await node.announce('peer', bytes)
    expect(node.asked).toEqual(['peer 1', 'peer 1'])
    expect([node.reports, node.timers]).toEqual([[], []])
  })

  it('takes score for an answer that is none, once, and asks on', async () => {
    const node = alone()
    node.tell('peer', 'joined')
    node.set({ answer: async () => Uint8Array.of(1, 2, 3) })
    await node.announce('peer', raw('user', 0))
    expect(node.reports).toEqual([-100])
    await node.announce('peer', raw('user', 1))
    expect(node.asked).toHaveLength(2)
  })

  it('waits for nobody once it is stopped', async () => {
    const node = alone()
    node.tell('peer', 'joined')
    node.set({
      answer: async () => {
        throw new AppError<P2pError>({ code: 'PEER_TIMEOUT', fault: 'peer', retry: true }, 'too slow')
      },
    })
    await node.announce('peer', raw('user', 0))
    node.gossip.stop()
    expect(node.timers).toEqual([])
  })
})
