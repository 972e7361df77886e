import { describe, expect, it } from 'vitest'
import type { PeerId } from '@hawser/chain'
import { hash32, silentLogger, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { AGAIN_MS, FORGET_MS, MAX_ASKED_FOR_ONE, MAX_WANTED, WantedBlocks } from './wanted-blocks.ts'

const hash = (n: number): Hash32 => hash32(toHex(uintBE(n, 32)))

const flush = () => new Promise((resolve) => setImmediate(resolve))

/** Peers that are asked, and who of them has what; answers come when the test says so. */
class World {
  nowMs = 1_000
  readonly here = new Set<Hash32>()
  readonly asked: { peer: PeerId; hash: Hash32 }[] = []
  readonly stopping = new AbortController()
  readonly wanted: WantedBlocks
  #open: { peer: PeerId; answer: () => void }[] = []

  peers: readonly PeerId[]

  constructor(peers: readonly PeerId[], has: (peer: PeerId, hash: Hash32) => boolean = () => false) {
    this.peers = peers
    this.wanted = new WantedBlocks({
      peers: () => this.peers,
      has: (hash) => this.here.has(hash),
      fetch: (peer, hash) => {
        this.asked.push({ peer, hash })
        return new Promise((resolve) => {
          const answer = () => {
            if (has(peer, hash)) this.here.add(hash)
            resolve(has(peer, hash))
          }
          this.#open.push({ peer, answer })
        })
      },
      signal: this.stopping.signal,
      clock: { nowMs: () => this.nowMs, after: () => () => undefined },
      logger: silentLogger,
    })
  }

  /** All peers but the silent ones answer what they are asked, and what they are asked then, until nobody is asked any more. */
  async settle(isSilent: (peer: PeerId) => boolean = () => false): Promise<void> {
    for (;;) {
      await flush()
      const ready = this.#open.filter(({ peer }) => !isSilent(peer))
      if (ready.length === 0) return
      this.#open = this.#open.filter(({ peer }) => isSilent(peer))
      for (const { answer } of ready) answer()
    }
  }

  /** What a voter does at each of its ticks. */
  async tick(hashes: readonly Hash32[], isSilent?: (peer: PeerId) => boolean): Promise<void> {
    this.nowMs += AGAIN_MS
    for (const one of hashes) this.wanted.want(one)
    await this.settle(isSilent)
  }

  askedFor(one: Hash32): PeerId[] {
    return this.asked.filter(({ hash }) => hash === one).map(({ peer }) => peer)
  }
}

const peersUpTo = (n: number) => Array.from({ length: n }, (_, i) => `p${i + 1}`)

describe('WantedBlocks', () => {
  it('asks every peer in turn, some at the same time, until one has it', async () => {
    const world = new World(peersUpTo(10), (peer) => peer === 'p10')
    world.wanted.want(hash(1))
    await flush()
    expect(world.askedFor(hash(1))).toEqual(peersUpTo(MAX_ASKED_FOR_ONE))
    await world.settle()
    expect(world.askedFor(hash(1))).toEqual(peersUpTo(10))
    await world.tick([hash(1)])
    expect(world.asked).toHaveLength(10)
  })

  it('lets no block that does not exist hide one that does, whichever comes first', async () => {
    for (const [real, false_] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const world = new World(peersUpTo(5), (peer, one) => peer === 'p5' && one === hash(real))
      // The faulty vote is there first, and stands as long as the round does.
      await world.tick([hash(false_)])
      await world.tick([hash(false_), hash(real)])
      expect(world.here).toEqual(new Set([hash(real)]))
    }
  })

  it('goes round peers that are slow to say that they do not have it', async () => {
    const silent = (peer: PeerId) => ['p1', 'p2', 'p3', 'p4'].includes(peer)
    const world = new World(peersUpTo(6), (peer) => peer === 'p6')
    for (let i = 0; i < 3; i++) await world.tick([hash(1)], silent)
    expect(world.here.has(hash(1))).toBe(true)
  })

  it('asks one peer for one branch at a time, and for the same block again only after a while', async () => {
    const world = new World(['p1'])
    for (const n of [1, 2, 3]) {
      world.wanted.want(hash(n))
      await flush()
    }
    expect(world.asked).toHaveLength(1)
    await world.settle()
    expect(world.asked.map((one) => one.hash)).toEqual([hash(1), hash(2), hash(3)])
    world.nowMs += AGAIN_MS - 1
    world.wanted.want(hash(1))
    await world.settle()
    expect(world.asked).toHaveLength(3)
    world.nowMs += 1
    world.wanted.want(hash(1))
    await world.settle()
    expect(world.askedFor(hash(1))).toHaveLength(2)
  })

  it('asks for what was asked for longest ago first, however slow the answers are', async () => {
    const world = new World(['p1'])
    world.wanted.want(hash(1))
    world.wanted.want(hash(2))
    await flush()
    world.nowMs += AGAIN_MS
    await world.settle()
    expect(world.asked.map((one) => one.hash)).toEqual([1, 2, 1].map(hash))
  })

  it('asks who was asked longest ago: for the block, and of those for anything', async () => {
    const world = new World([])
    const ask = async (peers: readonly PeerId[], n: number, laterMs: number) => {
      world.nowMs += laterMs
      world.peers = peers
      world.wanted.want(hash(n))
      await world.settle()
    }
    await ask(['p1'], 1, 0)
    await ask(['p2'], 1, AGAIN_MS / 4)
    await ask(['p1'], 2, AGAIN_MS / 4)
    world.here.add(hash(2))
    world.asked.length = 0
    await ask(['p2', 'p1'], 1, 2 * AGAIN_MS)
    expect(world.askedFor(hash(1))).toEqual(['p1', 'p2'])
    world.here.add(hash(1))
    await ask(['p2', 'p1', 'p3'], 3, 0)
    expect(world.askedFor(hash(3))).toEqual(['p3', 'p1', 'p2'])
  })

  it('holds no more than it may, and only what was asked for makes room', async () => {
    const world = new World([])
    const flood = Array.from({ length: MAX_WANTED }, (_, n) => hash(n))
    await world.tick([...flood, hash(90_000)])
    world.peers = ['p1']
    await world.tick(flood.slice(0, 1))
    expect(world.asked.map((one) => one.hash)).toEqual(flood)
    await world.tick([hash(90_000)])
    expect(world.asked.slice(MAX_WANTED).map((one) => one.hash)).toEqual([...flood.slice(1), hash(90_000)])
  })

  it('forgets what nobody wants any more', async () => {
    const world = new World([])
    world.wanted.want(hash(1))
    world.nowMs += FORGET_MS + 1
    world.peers = ['p1']
    world.wanted.want(hash(2))
    await world.settle()
    expect(world.asked).toEqual([{ peer: 'p1', hash: hash(2) }])
  })

  it('asks nobody once the node stops', async () => {
    const world = new World(['p1', 'p2'])
    world.wanted.want(hash(1))
    world.stopping.abort()
    world.wanted.want(hash(2))
    await world.settle()
    expect(world.asked).toEqual([])
  })
})
