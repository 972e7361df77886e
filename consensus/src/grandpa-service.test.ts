import { BlockTree, type BlockRef } from '@hawser/chain'
import { RLP } from '@ethereumjs/rlp'
import { delay, fromHex, keccak256, silentLogger, systemClock, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { MemoryStore, type KeyValueStore } from '@hawser/storage'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decodeNeighbour, encodeVote } from './codec.ts'
import { voteDigest, voteKindOf } from './digests.ts'
import { GrandpaService, MAX_QUEUED_EVENTS } from './grandpa-service.ts'
import { testHash } from './testing/fixtures.ts'
import { MemoryHub, type MemoryTransport } from './testing/memory-transport.ts'
import type { HeaderRef } from './types.ts'
import { verifyJustification } from './justification.ts'
import { VoterSet } from './voter-set.ts'

const GOSSIP_MS = 40
const network = { chainId: 18443n, genesisHash: testHash(1) }
const genesis = { number: 0n, hash: network.genesisHash, parent: testHash(0), slot: 0n }
const keys = [21, 22, 23, 24].map((n) => uintBE(n, 32))
const addressOf = (key: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(key, false))
const voters = new VoterSet(
  1n,
  keys.map((key) => ({ id: addressOf(key), weight: 1 })),
)

class TestNode {
  readonly id: string
  readonly key: Uint8Array | undefined
  readonly transport: MemoryTransport
  readonly store: KeyValueStore
  readonly headers: Map<Hash32, { rlp: Uint8Array; ref: HeaderRef }>
  readonly tree: BlockTree
  readonly service: GrandpaService
  readonly signed: string[] = []
  halted: string | undefined
  /** Holds up what makes a block final on disk. */
  beforeFinal: (() => Promise<void>) | undefined
  #waiting: { number: bigint; resolve: () => void }[] = []

  constructor(hub: MemoryHub, id: string, key: Uint8Array | undefined, earlier?: TestNode) {
    this.id = id
    this.key = key
    this.transport = hub.join(id)
    this.store = earlier?.store ?? new MemoryStore()
    this.headers = earlier?.headers ?? new Map()
    const final = earlier === undefined ? undefined : this.headers.get(earlier.tree.finalized().hash)?.ref
    const root = final === undefined ? genesis : { ...final, parent: final.parentHash, slot: final.number }
    this.tree = new BlockTree(root, (hash) => this.headers.get(hash)?.rlp)
    this.service = new GrandpaService({
      network,
      voters,
      base: { number: 0n, hash: genesis.hash },
      gossipMs: GOSSIP_MS,
      tree: this.tree,
      storedHeader: (hash) => this.headers.get(hash)?.ref,
      store: this.store,
      transport: this.transport,
      clock: systemClock,
      logger: silentLogger,
      signer: key && {
        address: addressOf(key),
        sign: async (request) => {
          if (request.kind !== 'vote') throw new Error('votes only')
          const { setId, round, voteKind, target } = request
          const kind = voteKindOf(voteKind)!
          this.signed.push(`${round}/${kind}/${target.hash}`)
          return secp256k1.sign(voteDigest(network, { setId, round, kind, ...target }), key)
        },
      },
      finalize: async (block, justification) => {
        await this.beforeFinal?.()
        expect(verifyJustification({ justification, voters, network, block }).ok).toBe(true)
        this.tree.finalize(block.hash)
        this.#waiting = this.#waiting.filter(({ number, resolve }) => {
          if (block.number >= number) resolve()
          return block.number < number
        })
      },
      onHalt: (reason) => (this.halted = reason),
    })
  }

  add(block: { rlp: Uint8Array; ref: HeaderRef }): void {
    this.headers.set(block.ref.hash, block)
    this.tree.add({ ...block.ref, parent: block.ref.parentHash, slot: block.ref.number })
    this.service.onBlock(block.ref)
  }

  final(number: bigint): Promise<void> {
    if (this.tree.finalized().number >= number) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ number, resolve }))
  }
}

function childOf(parent: BlockRef, salt = 0): { rlp: Uint8Array; ref: HeaderRef } {
  const fields: Uint8Array[] = Array.from({ length: 21 }, () => new Uint8Array())
  fields[0] = fromHex(parent.hash)
  fields[8] = uintBE(parent.number + 1n, 2)
  fields[12] = uintBE(salt, 4)
  const rlp = RLP.encode(fields)
  return { rlp, ref: { number: parent.number + 1n, hash: toHex(keccak256(rlp)) as Hash32, parentHash: parent.hash } }
}

const running: TestNode[] = []
async function network4(followers = 0): Promise<{ hub: MemoryHub; nodes: TestNode[] }> {
  const hub = new MemoryHub()
  const nodes = keys.map((key, i) => new TestNode(hub, `v${i}`, key))
  for (let i = 0; i < followers; i++) nodes.push(new TestNode(hub, `f${i}`, undefined))
  for (const node of nodes) await node.service.start()
  running.push(...nodes)
  return { hub, nodes }
}
afterEach(async () => {
  for (const node of running.splice(0)) await node.service.stop()
})

describe('the finality service', () => {
  it('finalises a chain with four validators and a follower, with real signatures', async () => {
    const { nodes } = await network4(1)
    let tip: BlockRef = genesis
    for (let i = 0; i < 5; i++) {
      const block = childOf(tip)
      for (const node of nodes) node.add(block)
      await Promise.all(nodes.map((node) => node.final(block.ref.number)))
      tip = block.ref
    }
    expect(nodes.map((node) => node.halted)).toEqual(nodes.map(() => undefined))
    expect(nodes.every((node) => node.transport.reports.length === 0)).toBe(true)
    expect(new Set(nodes.map((node) => node.tree.finalized().hash))).toEqual(new Set([tip.hash]))
    for (const { service } of nodes) {
      const { round, voters: seen, ...view } = service.round()
      expect(view).toMatchObject({ setId: 1n, threshold: 3, totalWeight: 4, base: { number: expect.any(BigInt) } })
      expect(round).toBe(service.status().round)
      expect(seen.map(({ validator }) => validator)).toEqual(voters.voters.map(({ id }) => id))
    }
  })

  it('brings a node that was away back to the others, and never signs a second vote after its restart', async () => {
    const { hub, nodes } = await network4()
    const [, , , away] = nodes as [TestNode, TestNode, TestNode, TestNode]
    let tip: BlockRef = genesis
    const blocks = []
    for (let i = 0; i < 12; i++) {
      const block = childOf(tip)
      blocks.push(block)
      if (i === 3) {
        away.transport.connected = false
        await away.service.stop()
      }
      const present = i < 3 ? nodes : nodes.slice(0, 3)
      for (const node of present) node.add(block)
      await Promise.all(present.map((node) => node.final(block.ref.number)))
      tip = block.ref
    }
    const back = new TestNode(hub, 'v3', keys[3], away)
    running.push(back)
    await back.service.start()
    for (const block of blocks.slice(3)) back.add(block)
    const last = childOf(tip)
    for (const node of [...nodes.slice(0, 3), back]) node.add(last)
    await back.final(last.ref.number)
    const targets = new Map<string, string>()
    for (const vote of [...away.signed, ...back.signed]) {
      const [round, kind, target] = vote.split('/') as [string, string, string]
      expect(targets.get(`${round}/${kind}`) ?? target).toBe(target)
      targets.set(`${round}/${kind}`, target)
    }
    expect(back.halted).toBeUndefined()
  })

  it('takes a justification from sync, and refuses a forged one', async () => {
    const { nodes } = await network4()
    const block = childOf(genesis)
    const justified = new Promise<Uint8Array>((resolve) => {
      nodes[0]!.service.onFinalized(({ justification }) => resolve(justification))
    })
    for (const node of nodes) node.add(block)
    const justification = await justified
    const late = new TestNode(new MemoryHub(), 'alone', undefined)
    running.push(late)
    await late.service.start()
    late.add(block)
    const forged = Uint8Array.from(justification)
    forged[forged.length - 10]! ^= 1
    await expect(late.service.importJustification(forged, block.ref)).rejects.toMatchObject({
      name: 'JUSTIFICATION_INVALID',
    })
    // A true proof beside another block: refused at once, and nothing waits for a block that never comes.
    await expect(late.service.importJustification(justification, genesis)).rejects.toMatchObject({
      name: 'JUSTIFICATION_INVALID',
    })
    await late.service.importJustification(justification, block.ref)
    expect(late.tree.finalized().hash).toBe(block.ref.hash)
  })

  it('sends a vote when the decision is on disk and the guard has let it pass, which it waits for at the same time', async () => {
    const hub = new MemoryHub()
    const node = new TestNode(hub, 'v0', keys[0])
    let free!: () => void
    const synced = new Promise<void>((resolve) => (free = resolve))
    const write = node.store.write.bind(node.store)
    vi.spyOn(node.store, 'write').mockImplementation(async (writes, options) => {
      if (options?.sync) await synced
      return write(writes, options)
    })
    const heard: string[] = []
    const arrived = new Promise<void>((resolve) =>
      hub.join('stranger').subscribe('votes', () => {
        heard.push('vote')
        resolve()
        return 'accept'
      }),
    )
    running.push(node)
    await node.service.start()
    node.add(childOf(genesis))
    await vi.waitFor(() => expect(node.signed).toHaveLength(1))
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toEqual([])
    free()
    await arrived
  })

  it('tells no block to be final before it is on disk', async () => {
    const hub = new MemoryHub()
    const nodes = keys.map((key, i) => new TestNode(hub, `v${i}`, key))
    const [node] = nodes as [TestNode]
    let join!: (peer: string, event: 'joined') => void
    vi.spyOn(node.transport, 'onPeer').mockImplementation(((listener: typeof join) => {
      join = listener
      return () => undefined
    }) as never)
    let free!: () => void
    let writing!: () => void
    const slow = new Promise<void>((resolve) => (free = resolve))
    const reached = new Promise<void>((resolve) => (writing = resolve))
    node.beforeFinal = () => {
      writing()
      return slow
    }
    running.push(...nodes)
    for (const one of nodes) await one.service.start()
    /** What a peer that joins now is told. */
    const told = (peer: string) =>
      new Promise<bigint>((resolve) => {
        hub.join(peer).serve('neighbour', async (packet) => {
          resolve(decodeNeighbour(packet).finalizedNumber)
          return packet
        })
        join(peer, 'joined')
      })
    const block = childOf(genesis)
    for (const one of nodes) one.add(block)
    await reached
    expect(await told('early')).toBe(0n)
    free()
    await node.final(1n)
    await new Promise((resolve) => setImmediate(resolve))
    expect(await told('late')).toBe(1n)
  })

  it('keeps its own timers and blocks while a flood of votes fills the queue behind a slow disk', async () => {
    const { hub, nodes } = await network4()
    const [node, ...others] = nodes as [TestNode, TestNode, TestNode, TestNode]
    let free!: () => void
    let writing!: () => void
    const slow = new Promise<void>((resolve) => (free = resolve))
    const reached = new Promise<void>((resolve) => (writing = resolve))
    const write = node.store.write.bind(node.store)
    const stop = vi.spyOn(node.store, 'write').mockImplementation(async (writes, options) => {
      writing()
      await slow
      return write(writes, options)
    })
    const block = childOf(genesis)
    for (const one of nodes) one.add(block)
    await reached
    const stranger = hub.join('stranger')
    const vote = { setId: 1n, round: 99n, kind: 'prevote' as const, number: 1n, hash: block.ref.hash, voter: 0 }
    const message = encodeVote({ ...vote, signature: new Uint8Array(65) })
    for (let i = 0; i <= MAX_QUEUED_EVENTS; i++) await stranger.publish('votes', message)
    // It comes while the queue is full, and so do some of the clock's ticks.
    const next = childOf(block.ref)
    for (const one of nodes) one.add(next)
    await delay(3 * GOSSIP_MS)
    stop.mockRestore()
    free()
    await Promise.all([node, ...others].map((one) => one.final(2n)))
    // Without two of the others it is needed: its timers must still run.
    await others[0]?.service.stop()
    const last = childOf(next.ref)
    for (const one of [node, ...others.slice(1)]) one.add(last)
    await node.final(3n)
    // Its clock goes on too: it tells where it is, though there is no news.
    for (let packets = 0; packets < 3; packets++)
      await new Promise<void>((resolve) =>
        stranger.serve('neighbour', async (packet, from) => {
          if (from === node.id) resolve()
          return packet
        }),
      )
    expect(node.halted).toBeUndefined()
  })

  it('blames whoever passes on what is no vote or commit', async () => {
    const { hub, nodes } = await network4()
    const sender = hub.join('sender')
    for (const topic of ['votes', 'commits'] as const) await sender.publish(topic, Uint8Array.of(1, 2, 3))
    const { reports } = (nodes[0] as TestNode).transport
    expect(reports.map(({ peer, delta }) => ({ peer, delta }))).toEqual([
      { peer: 'sender', delta: -1000 },
      { peer: 'sender', delta: -1000 },
    ])
  })

  it('blames whoever answers garbage, and nobody who does not answer', async () => {
    const { hub, nodes } = await network4()
    hub.join('silent')
    const liar = hub.join('liar')
    for (const protocol of ['neighbour', 'missing-votes', 'catch-up'] as const)
      liar.serve(protocol, async () => Uint8Array.of(0xc1, 1))
    const [node] = nodes as [TestNode]
    const block = childOf(genesis)
    for (const one of nodes) one.add(block)
    await node.final(block.ref.number)
    const blamed = () => node.transport.reports.map(({ peer, delta }) => `${peer} ${delta}`)
    await expect.poll(blamed).toContain('liar -1000')
    expect(new Set(blamed())).toEqual(new Set(['liar -1000']))
  })
})
