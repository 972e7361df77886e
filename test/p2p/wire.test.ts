import { RLP } from '@ethereumjs/rlp'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { blockRef, encodeSealedBlock, type Protocol, type Topic } from '@hawser/chain'
import {
  encodeCatchUpRequest,
  encodeCommit,
  encodeEvidence,
  encodeNeighbour,
  encodeVote,
  type Evidence,
} from '@hawser/consensus'
import { MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES, protocolId, type Libp2pTransport } from '@hawser/p2p'
import { fromHex, hash32, uintBE, utf8, type Hash32 } from '@hawser/primitives'
import { TestChain, TEST_SPEC } from '../kit/index.ts'
import { commitFor, signedVote, voters } from './sync-world.ts'
import { chainClock, WireWorld } from './wire-world.ts'

const OTHER_CHAIN = hash32(`0x${'ee'.repeat(32)}`)
const HASH = hash32(`0x${'ab'.repeat(32)}`)
const list = (...items: Uint8Array[]) => RLP.encode(items)

let world: WireWorld
let source: TestChain
let genesis: Hash32
beforeAll(async () => {
  world = await WireWorld.start()
  genesis = world.node.genesisHash
  source = await TestChain.create()
  expect(source.genesisHash).toBe(genesis)
})
afterEach(() => world.leave())
afterAll(async () => {
  source.dispose()
  await world.stop()
})

const statusOf = (genesisHash: Hash32) =>
  RLP.encode([
    uintBE(TEST_SPEC.chainId, 8),
    fromHex(genesisHash),
    ...[0, 1].flatMap(() => [uintBE(0, 8), fromHex(genesisHash)]),
    uintBE(1, 8),
    uintBE(Math.floor(chainClock.nowMs()), 8),
    [],
  ])
const position = () => encodeNeighbour({ setId: 0n, round: 1n, finalizedNumber: 0n, stuck: false, have: [] })

interface Request {
  /** What an honest peer may send, again and again. */
  readonly valid: () => Uint8Array
  /** Bytes that are no message; undefined where there is none to decode. */
  readonly malformed: Uint8Array | undefined
}

/** Every protocol of docs/wire.md. */
const REQUESTS: Record<Protocol, Request> = {
  status: { valid: () => statusOf(genesis), malformed: list(Uint8Array.of(1)) },
  'blocks-by-range': { valid: () => list(uintBE(0, 8), uintBE(2, 2)), malformed: list(uintBE(0, 8)) },
  'blocks-by-hash': { valid: () => list(fromHex(genesis)), malformed: list(Uint8Array.of(1)) },
  transactions: { valid: () => list(), malformed: list(new Uint8Array()) },
  'transaction-hashes': {
    valid: () => RLP.encode([new Uint8Array(), [], []]),
    malformed: RLP.encode([Uint8Array.of(2), [], []]),
  },
  'pooled-transactions': { valid: () => list(fromHex(HASH)), malformed: list(Uint8Array.of(1)) },
  neighbour: { valid: position, malformed: list(Uint8Array.of(1)) },
  'catch-up': { valid: () => encodeCatchUpRequest({ setId: 0n, round: 1n }), malformed: list(Uint8Array.of(1)) },
  'missing-votes': { valid: position, malformed: utf8('votes?') },
  handovers: { valid: () => uintBE(0, 8), malformed: uintBE(0, 7) },
  justification: { valid: () => uintBE(0, 8), malformed: uintBE(0, 7) },
  peers: { valid: () => new Uint8Array(), malformed: undefined },
  'state-range': {
    valid: () =>
      list(uintBE(0, 8), fromHex(genesis), new Uint8Array(), new Uint8Array(32), new Uint8Array(32).fill(255)),
    malformed: list(uintBE(0, 8)),
  },
  'state-code': { valid: () => fromHex(HASH), malformed: new Uint8Array(31) },
  // Why a batch is not signed, anybody may ask.
  signing: { valid: () => list(Uint8Array.of(4), uintBE(1, 8)), malformed: list(Uint8Array.of(9)) },
}
const requests = Object.entries(REQUESTS) as [Protocol, Request][]

describe('a request', () => {
  it('of every protocol is here', () => {
    expect(Object.keys(REQUESTS).sort()).toEqual(Object.keys(MAX_MESSAGE_BYTES).sort())
  })

  it.each(requests)(
    'to %s that is garbage, or too long, costs 100, and the tenth the connection',
    async (protocol, { malformed }) => {
      const peer = await world.peer()
      const tooLong = new Uint8Array(MAX_MESSAGE_BYTES[protocol].request + 1)
      for (let sent = 0; sent < 10; sent++) {
        expect(world.transport.peers().map(({ id }) => id)).toContain(peer.self)
        const message = malformed && sent % 2 === 0 ? malformed : tooLong
        await expect(peer.request(world.transport.self, protocol, message)).rejects.toThrow()
        await expect.poll(() => world.costs(peer)).toEqual(Array(sent + 1).fill(-100))
      }
      await expect.poll(() => world.transport.peers().map(({ id }) => id)).not.toContain(peer.self)
    },
  )

  it.each(requests)('to %s that is true costs nothing, repeated or not', async (protocol, { valid }) => {
    const peer = await world.peer()
    for (let sent = 0; sent < 3; sent++)
      await peer.request(world.transport.self, protocol, valid()).catch((error: unknown) => {
        // What is asked for may not be here.
        expect(error).toMatchObject({ code: 'PEER_REFUSED' })
      })
    expect(world.costs(peer)).toEqual([])
  })

  it('to sign with it, from one who is no validator, costs 100', async () => {
    const peer = await world.peer()
    const signed = RLP.encode([Uint8Array.of(3), uintBE(1, 8), [Uint8Array.of(1)]])
    await expect(peer.request(world.transport.self, 'signing', signed)).rejects.toMatchObject({ code: 'PEER_REFUSED' })
    expect(world.costs(peer)).toEqual([-100])
  })

  it('that says to be of another chain ends the connection', async () => {
    const peer = await world.peer()
    await expect(peer.request(world.transport.self, 'status', statusOf(OTHER_CHAIN))).rejects.toThrow()
    await expect.poll(() => world.costs(peer)).toEqual([-100])
    await expect.poll(() => world.transport.peers().map(({ id }) => id)).not.toContain(peer.self)
  })

  it('that is given up half way costs nothing', async () => {
    const peer = await world.peer()
    const { libp2p } = peer.inspect()
    const [to] = libp2p.getPeers()
    for (const [protocol, { valid }] of requests) {
      const stream = await libp2p.dialProtocol(to as never, protocolId(genesis, protocol))
      stream.send(valid().subarray(0, 2))
      stream.abort(new Error('changed our mind'))
    }
    await peer.request(world.transport.self, 'blocks-by-hash', list(fromHex(genesis)))
    expect(world.costs(peer)).toEqual([])
  })
})

/** Publishes when gossip has its way to the node: before, it drops what it is given. */
async function publish(peer: Libp2pTransport, topic: Topic, message: Uint8Array): Promise<void> {
  const { pubsub } = peer.inspect().libp2p.services
  const { streamsOutbound } = pubsub as unknown as { readonly streamsOutbound: ReadonlyMap<string, unknown> }
  const node = world.transport.self
  const isOpen = () =>
    streamsOutbound.has(node) && pubsub.getSubscribers(protocolId(genesis, topic)).some((id) => id.toString() === node)
  await expect.poll(isOpen, { timeout: 20_000 }).toBe(true)
  await peer.publish(topic, message)
}

/** Every topic of docs/wire.md: what a message costs that is none. */
const GARBAGE_COSTS: Record<Topic, number> = {
  blocks: -100,
  votes: -1_000,
  commits: -1_000,
  evidence: -1_000,
  'deposit-addresses': -100,
}
const topics = Object.entries(GARBAGE_COSTS) as [Topic, number][]
const vote = { setId: 0n, round: 1n, kind: 'prevote', number: 1n, hash: HASH, voter: 1 } as const

/** What a true-looking message costs, by what is wrong with it. */
const FALSE: [string, Topic, () => Promise<Uint8Array> | Uint8Array, number[]][] = [
  ['a vote of another chain', 'votes', () => encodeVote(signedVote(OTHER_CHAIN, vote)), [-100]],
  ['a vote of nobody in the set', 'votes', () => encodeVote({ ...signedVote(genesis, vote), voter: 9 }), [-150]],
  ['a vote of another set', 'votes', () => encodeVote(signedVote(genesis, { ...vote, setId: 7n })), []],
  ['a vote of a round far ahead', 'votes', () => encodeVote(signedVote(genesis, { ...vote, round: 99n })), []],
  [
    'a commit of another set',
    'commits',
    () => encodeCommit({ ...commitFor(genesis, { number: 1n, hash: HASH }), setId: 7n }),
    [],
  ],
  [
    'evidence of another chain',
    'evidence',
    () => {
      const [first, second] = [HASH, genesis].map((hash) => signedVote(OTHER_CHAIN, { ...vote, hash }))
      return encodeEvidence({ kind: 'votes', offender: voters.voters[1]?.id, first, second } as Evidence)
    },
    [-200],
  ],
  [
    'evidence against one who is no validator',
    'evidence',
    () => {
      const [first, second] = [HASH, genesis].map((hash) => signedVote(genesis, { ...vote, hash }))
      return encodeEvidence({ kind: 'votes', offender: `0x${'99'.repeat(20)}`, first, second } as Evidence)
    },
    [],
  ],
  ['a deposit address with a refund key', 'deposit-addresses', () => new Uint8Array(52).fill(3), []],
]

describe('a message of gossip', () => {
  it('of every topic is here', () => {
    expect(Object.keys(GARBAGE_COSTS).sort()).toEqual(Object.keys(MAX_GOSSIP_BYTES).sort())
  })

  it.each(topics)('of %s costs 100 when it is too long', async (topic) => {
    const peer = await world.peer()
    await publish(peer, topic, new Uint8Array(MAX_GOSSIP_BYTES[topic] + 1).fill(1))
    await expect.poll(() => world.costs(peer), { timeout: 20_000 }).toEqual([-100])
  })

  it.each(topics)('of %s that is none, and as long as may be, costs %i', async (topic, cost) => {
    const peer = await world.peer()
    await publish(peer, topic, new Uint8Array(MAX_GOSSIP_BYTES[topic]).fill(2))
    await expect.poll(() => world.costs(peer), { timeout: 20_000 }).toEqual([cost])
    if (cost <= -1_000) await expect.poll(() => world.transport.peers().map(({ id }) => id)).not.toContain(peer.self)
  })

  it.each(FALSE)('%s: %s', async (_, topic, message, costs) => {
    const peer = await world.peer()
    await publish(peer, topic, await message())
    // Garbage comes last: when that is charged, all is.
    await publish(peer, topic, uintBE(Date.now(), 8))
    await expect.poll(() => world.costs(peer), { timeout: 20_000 }).toEqual([...costs, GARBAGE_COSTS[topic]])
  })

  it('that comes again, from whomever, costs nothing', async () => {
    const { sealed } = await mined()
    const ref = blockRef(sealed.block)
    const messages: [Topic, Uint8Array][] = [
      ['blocks', encodeSealedBlock(sealed)],
      ['votes', encodeVote(signedVote(genesis, { ...vote, hash: ref.hash, voter: 2 }))],
      ['commits', encodeCommit(commitFor(genesis, ref))],
      ['deposit-addresses', new Uint8Array(20).fill(7)],
    ]
    const [first, second] = [await world.peer(), await world.peer()]
    for (const peer of [first, second, first])
      for (const [topic, message] of messages) await publish(peer, topic, message)
    await expect.poll(() => world.node.status().finalized, { timeout: 20_000 }).toEqual(ref)
    for (const peer of [first, second]) expect(world.costs(peer)).toEqual([])
  })

  it('of a commit with other signatures than the validators’ is the end of its sender', async () => {
    const { sealed } = await mined()
    const peer = await world.peer()
    const ref = blockRef(sealed.block)
    await publish(peer, 'blocks', encodeSealedBlock(sealed))
    await expect.poll(() => world.node.status().head, { timeout: 20_000 }).toEqual(ref)
    await publish(peer, 'commits', encodeCommit(commitFor(OTHER_CHAIN, ref)))
    await expect.poll(() => world.costs(peer), { timeout: 20_000 }).toEqual([-5_000])
    expect(world.node.status().finalized.number).toBeLessThan(ref.number)
  })

  it('of a commit of another chain is the end of its sender, though nobody here knows its block', async () => {
    const peer = await world.peer()
    await publish(peer, 'commits', encodeCommit(commitFor(OTHER_CHAIN, { number: 1_000n, hash: HASH })))
    await expect.poll(() => world.costs(peer), { timeout: 20_000 }).toEqual([-5_000])
    await expect.poll(() => world.transport.peers().map(({ id }) => id)).not.toContain(peer.self)
  })

  it('of a block with another’s seal, or of another chain, costs its sender 100', async () => {
    const { sealed } = await mined()
    const peer = await world.peer()
    await publish(peer, 'blocks', encodeSealedBlock({ ...sealed, seal: new Uint8Array(65).fill(1) }))
    await expect.poll(() => world.costs(peer), { timeout: 20_000 }).toEqual([-100])
  })

  it('beyond its rate costs 10', async () => {
    const peer = await world.peer()
    await publish(peer, 'deposit-addresses', new Uint8Array(20).fill(8))
    for (let i = 0; i < 400; i++) await peer.publish('deposit-addresses', uintBE(i + 1, 20))
    await expect.poll(() => world.costs(peer).length, { timeout: 20_000 }).toBeGreaterThan(20)
    expect(new Set(world.costs(peer))).toEqual(new Set([-10]))
  })
})

/** The next block of the chain that the node follows. */
async function mined() {
  const { block } = await source.mine()
  const sealed = source.store.block(blockRef(block).hash)
  if (!sealed) throw new Error('it was mined')
  return { sealed }
}
