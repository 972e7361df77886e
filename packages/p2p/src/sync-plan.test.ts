import { describe, expect, it } from 'vitest'
import { hash32, keccak256, toHex, utf8, type Hash32 } from '@hawser/primitives'
import { BAN_SCORE, MAX_RANGE_BLOCKS } from './limits.ts'
import { MAX_AHEAD, MAX_ASKED, SyncPlan, type PlannedBlock, type SyncEffect, type SyncEvent } from './sync-plan.ts'

const EPOCH = 100
const hashes = new Map<string, Hash32>()
function hashOf(chain: string, number: bigint): Hash32 {
  const name = number === 0n ? 'genesis' : `${chain} ${number}`
  const hash = hashes.get(name) ?? hash32(toHex(keccak256(utf8(name))))
  hashes.set(name, hash)
  return hash
}

interface TestBlock extends PlannedBlock {
  readonly genuine: boolean
}

/** A block of a chain; `proof` says whether a justification comes with it, and whether that proves anything. */
function block(chain: string, number: bigint, proof: 'none' | 'true' | 'false', bytes = 700): TestBlock {
  return {
    number,
    hash: hashOf(chain, number),
    parent: hashOf(chain, number - 1n),
    justified: proof !== 'none',
    genuine: proof === 'true',
    bytes,
  }
}

type Answer = (from: bigint, count: number) => readonly TestBlock[] | 'slow' | 'refused' | 'bad'

interface World {
  /** `claims`: its last final block and its best one, where they are not the world's. */
  readonly peers: ReadonlyMap<string, { answer: Answer; delayMs: number; claims: bigint | undefined }>
  readonly final: bigint
  readonly head: bigint
}

/** Justifications stand at every seventh block, at the last one of each epoch, and at the last final one. */
const honest =
  (final: bigint, head: bigint): Answer =>
  (from, count) => {
    const blocks: TestBlock[] = []
    for (let n = from; n < from + BigInt(count) && n <= head; n++)
      blocks.push(
        block('true', n, n <= final && (n % 7n === 0n || n % BigInt(EPOCH) === 0n || n === final) ? 'true' : 'none'),
      )
    return blocks
  }

/** Runs a plan among peers in virtual time; whatever it imports is checked against the true chain. */
class PlanWorld {
  readonly scores = new Map<string, number>()
  readonly asked: { peer: string; from: bigint; atMs: number }[] = []
  head = 0n
  finalized = 0n
  nowMs = 0
  mostAsked = 0
  mostAhead = 0n
  unprovenExecuted = 0
  readonly proven = new Set<bigint>()
  readonly plan: SyncPlan<TestBlock>
  readonly #world: World
  readonly #events: { atMs: number; order: number; event: SyncEvent<TestBlock> }[] = []
  #order = 0
  #open = 0

  constructor(world: World) {
    this.#world = world
    this.plan = new SyncPlan(EPOCH, () => ({
      head: { number: this.head, hash: hashOf('true', this.head) },
      finalized: { number: this.finalized, hash: hashOf('true', this.finalized) },
    }))
  }

  run(untilMs: number): this {
    for (const peer of this.#world.peers.keys()) this.#at(0, this.#claim(peer))
    for (let at = 500; at < untilMs; at += 500) this.#at(at, { type: 'tick' })
    for (let at = 2000; at < untilMs; at += 2000)
      for (const peer of this.#world.peers.keys()) this.#at(at, this.#claim(peer))
    while (this.head < this.#world.head || this.finalized < this.#world.final) {
      const next = this.#next()
      if (!next) break
      this.nowMs = next.atMs
      const { event } = next
      if (event.type === 'answered' || event.type === 'failed') this.#open--
      if ('peer' in event && event.type !== 'left' && this.#isBanned(event.peer)) continue
      for (const effect of this.plan.handle(event, this.nowMs)) this.#carryOut(effect)
    }
    return this
  }

  #next(): { readonly atMs: number; readonly event: SyncEvent<TestBlock> } | undefined {
    let first = 0
    for (const [i, { atMs, order }] of this.#events.entries()) {
      const best = this.#events[first] as { atMs: number; order: number }
      if (atMs < best.atMs || (atMs === best.atMs && order < best.order)) first = i
    }
    return this.#events.splice(first, 1)[0]
  }

  #claim(peer: string): SyncEvent<TestBlock> {
    const { head, final, peers } = this.#world
    const claims = peers.get(peer)?.claims
    return { type: 'claimed', peer, head: claims ?? head, finalized: claims ?? final, first: 1n }
  }

  #isBanned(peer: string): boolean {
    return (this.scores.get(peer) ?? 0) <= BAN_SCORE
  }

  #at(atMs: number, event: SyncEvent<TestBlock>): void {
    this.#events.push({ atMs, order: this.#order++, event })
  }

  #carryOut(effect: SyncEffect<TestBlock>): void {
    switch (effect.type) {
      case 'report': {
        this.scores.set(effect.peer, (this.scores.get(effect.peer) ?? 0) + effect.delta)
        if (this.#isBanned(effect.peer)) this.#at(this.nowMs, { type: 'left', peer: effect.peer })
        return
      }
      case 'request': {
        const { peer, from, count } = effect
        this.asked.push({ peer, from, atMs: this.nowMs })
        this.mostAsked = Math.max(this.mostAsked, ++this.#open)
        const ahead = from + BigInt(count) - 1n - this.head
        if (ahead > this.mostAhead) this.mostAhead = ahead
        expect(count).toBeLessThanOrEqual(MAX_RANGE_BLOCKS)
        const { answer, delayMs } = this.#world.peers.get(peer) as { answer: Answer; delayMs: number }
        const blocks = answer(from, count)
        if (blocks === 'slow') this.#at(this.nowMs + 10_000, { type: 'failed', peer, from, why: 'slow' })
        else if (blocks === 'bad' || blocks === 'refused')
          this.#at(this.nowMs + delayMs, { type: 'failed', peer, from, why: blocks })
        else this.#at(this.nowMs + delayMs, { type: 'answered', peer, from, blocks })
        return
      }
      case 'import': {
        const { blocks, justified } = effect
        const last = blocks.at(-1) as TestBlock
        if (justified && !(last.genuine && last.hash === hashOf('true', last.number))) {
          this.#at(this.nowMs + 1, { type: 'refused', block: last, bad: true, reason: 'false justification' })
          return
        }
        for (const one of blocks) {
          expect(one.number).toBeLessThanOrEqual(this.head + 1n)
          // What a true proof covers is linked to it: nothing false can be among it.
          if (justified) expect(one.hash).toBe(hashOf('true', one.number))
          else this.unprovenExecuted++
          if (one.hash !== hashOf('true', one.number)) {
            this.#at(this.nowMs + 1, { type: 'refused', block: one, bad: true, reason: 'false block' })
            return
          }
          if (one.number > this.head) this.head = one.number
        }
        if (justified) this.proven.add(last.number)
        if (justified) this.finalized = last.number > this.finalized ? last.number : this.finalized
        this.#at(this.nowMs + blocks.length * 2, { type: 'imported' })
      }
    }
  }
}

const world = (
  final: bigint,
  head: bigint,
  peers: Record<string, Answer>,
  delayMs = 20,
  claims: Record<string, bigint> = {},
): PlanWorld =>
  new PlanWorld({
    final,
    head,
    peers: new Map(Object.entries(peers).map(([name, answer]) => [name, { answer, delayMs, claims: claims[name] }])),
  })

describe('SyncPlan', () => {
  it('fetches from all peers at once, within its window, and imports in order', () => {
    const peer = honest(6000n, 6010n)
    const sim = world(6000n, 6010n, { a: peer, b: peer, c: peer }).run(60_000)
    expect([sim.head, sim.finalized]).toEqual([6010n, 6000n])
    for (const name of ['a', 'b', 'c']) expect(sim.asked.filter((one) => one.peer === name).length).toBeGreaterThan(5)
    expect(sim.mostAsked).toBeGreaterThan(3)
    expect(sim.mostAsked).toBeLessThanOrEqual(MAX_ASKED)
    expect(sim.mostAhead).toBeLessThanOrEqual(BigInt(MAX_AHEAD + MAX_RANGE_BLOCKS))
    // The importer needs 2 ms a block; all else is hidden behind it, but for the first answer and the last few blocks.
    expect(sim.nowMs).toBeLessThan(6010 * 2 + 1000)
    expect(sim.unprovenExecuted).toBeLessThanOrEqual(10)
  })

  it('drops who delivers blocks of another chain, and fetches them from others', () => {
    const peer = honest(2000n, 2000n)
    const liar: Answer = (from, count) =>
      Array.from({ length: count }, (_, i) => block('false', from + BigInt(i), 'none'))
    const sim = world(2000n, 2000n, { a: peer, b: peer, liar }).run(120_000)
    expect(sim.finalized).toBe(2000n)
    expect(sim.unprovenExecuted).toBe(0)
    expect(sim.scores.get('a') ?? 0).toBeGreaterThan(BAN_SCORE)
    expect(sim.scores.get('b') ?? 0).toBeGreaterThan(BAN_SCORE)
    expect(sim.scores.get('liar') ?? 0).toBeLessThan(0)
  })

  it('never executes what a false justification is said to prove', () => {
    const peer = honest(1000n, 1000n)
    const liar: Answer = (from, count) =>
      Array.from({ length: count }, (_, i) => block('false', from + BigInt(i), i === count - 1 ? 'false' : 'none'))
    const sim = world(1000n, 1000n, { liar, a: peer }).run(120_000)
    expect(sim.finalized).toBe(1000n)
    expect(sim.unprovenExecuted).toBe(0)
    expect(sim.scores.get('liar')).toBeLessThanOrEqual(BAN_SCORE)
    expect(sim.scores.get('a') ?? 0).toBeGreaterThanOrEqual(0)
  })

  it('bans nobody whose best chain finality passes by while it is imported', () => {
    for (const [beside, delta] of [
      [true, -50],
      [false, -1_000],
    ] as const) {
      const genesis = { number: 0n, hash: hashOf('true', 0n) }
      const plan = new SyncPlan<TestBlock>(20, () => ({ head: genesis, finalized: genesis }))
      plan.handle({ type: 'claimed', peer: 'a', head: 3n, finalized: 0n, first: 0n }, 0)
      const blocks = honest(0n, 3n)(1n, 3) as TestBlock[]
      expect(plan.handle({ type: 'answered', peer: 'a', from: 1n, blocks }, 1)).toMatchObject([{ type: 'import' }])
      const block = blocks[0] as TestBlock
      expect(plan.handle({ type: 'refused', block, bad: true, beside, reason: 'why' }, 2)).toContainEqual({
        type: 'report',
        peer: 'a',
        delta,
        reason: 'why',
      })
    }
  })

  it('lets a slow peer rest without blaming it, and goes on with others', () => {
    const peer = honest(3000n, 3000n)
    const sim = world(3000n, 3000n, { slow: () => 'slow', a: peer }).run(120_000)
    expect(sim.finalized).toBe(3000n)
    expect(sim.scores.get('slow') ?? 0).toBe(0)
    expect(sim.nowMs).toBeLessThan(3000 * 2 + 4000)
  })

  it.each([
    ['refuses', 'refused', -50],
    ['does not answer', 'slow', 0],
  ] as const)('is not held up by a peer that claims what nobody has and %s', (_, answer, cost) => {
    for (const final of [50n, 1_000n]) {
      const liar = () => answer
      const sim = world(final, final, { liar, a: honest(final, final) }, 20, { liar: 10n ** 12n }).run(120_000)
      expect(sim.finalized).toBe(final)
      // Beside what importing takes: the time after which what all wait for is asked of another, or the pause after a run.
      expect(sim.nowMs).toBeLessThan(Number(final) * 2 + 4_000)
      expect(sim.scores.get('a') ?? 0).toBeGreaterThanOrEqual(0)
      expect(sim.scores.get('liar') ?? 0).toBe(cost)
    }
  })

  it('takes score from who refuses what he claims, each time, and asks him ever more seldom', () => {
    const final = 40_000n
    const sim = world(final, final, { liar: () => 'refused', a: honest(final, final) }).run(900_000)
    expect(sim.finalized).toBe(final)
    const asked = sim.asked.filter(({ peer }) => peer === 'liar').map(({ atMs }) => atMs)
    expect(sim.scores.get('liar')).toBe(-50 * asked.length)
    const pauses = asked.slice(1).map((atMs, i) => atMs - (asked[i] ?? 0))
    expect(pauses.map((ms, i) => ms >= 5_000 * 2 ** i)).toEqual(pauses.map(() => true))
    expect(pauses.length).toBeGreaterThan(1)
  })

  it('asks who refused no more until he claims anew, and has rested', () => {
    const genesis = { number: 0n, hash: hashOf('true', 0n) }
    const plan = new SyncPlan<TestBlock>(EPOCH, () => ({ head: genesis, finalized: genesis }))
    const claim = { type: 'claimed', peer: 'a', head: 9n, finalized: 9n, first: 1n } as const
    const request = { type: 'request', peer: 'a', from: 1n, count: 9 }
    expect(plan.handle(claim, 0)).toEqual([request])
    plan.handle({ type: 'failed', peer: 'a', from: 1n, why: 'refused' }, 0)
    expect(plan.handle(claim, 4_000)).toEqual([])
    expect(plan.handle({ type: 'tick' }, 6_000)).toEqual([request])
    plan.handle({ type: 'failed', peer: 'a', from: 1n, why: 'refused' }, 6_000)
    expect(plan.handle({ type: 'tick' }, 60_000)).toEqual([])
    expect(plan.handle(claim, 60_000)).toEqual([request])
  })

  it('asks who has the whole of a range before who has a part of it', () => {
    const genesis = { number: 0n, hash: hashOf('true', 0n) }
    const plan = new SyncPlan<TestBlock>(EPOCH, () => ({ head: genesis, finalized: genesis }))
    const claim = (peer: string, final: bigint) =>
      plan.handle({ type: 'claimed', peer, head: final, finalized: final, first: 1n }, 0)
    // After a run that failed nothing is asked for a while, and the two come to be known together.
    claim('passing by', 64n)
    plan.handle({ type: 'left', peer: 'passing by' }, 0)
    expect([...claim('a', 40n), ...claim('b', 64n)]).toEqual([])
    expect(plan.handle({ type: 'tick' }, 1_000)).toEqual([{ type: 'request', peer: 'b', from: 1n, count: 64 }])
    expect(plan.handle({ type: 'tick' }, 3_000)).toEqual([{ type: 'request', peer: 'a', from: 1n, count: 40 }])
    const blocks = honest(40n, 40n)(1n, 40) as TestBlock[]
    expect(plan.handle({ type: 'answered', peer: 'a', from: 1n, blocks }, 3_000)).toMatchObject([{ type: 'import' }])
  })

  it('waits for a peer that is slow but alone', () => {
    let calls = 0
    const answer = honest(500n, 500n)
    const sim = world(500n, 500n, { a: (from, count) => (++calls <= 2 ? 'slow' : answer(from, count)) }).run(300_000)
    expect(sim.finalized).toBe(500n)
  })

  it('drops garbage at once and empty promises by and by', () => {
    const peer = honest(1500n, 1500n)
    const sim = world(1500n, 1500n, { garbage: () => 'bad', empty: () => [], a: peer }).run(120_000)
    expect(sim.finalized).toBe(1500n)
    expect(sim.scores.get('garbage')).toBeLessThanOrEqual(BAN_SCORE)
    expect(sim.scores.get('empty')).toBeLessThan(0)
    expect(sim.scores.get('a') ?? 0).toBeGreaterThanOrEqual(0)
  })

  it('imports every justification of an epoch, whatever comes after it', () => {
    const imports: bigint[] = []
    const sim = new SyncPlan<TestBlock>(EPOCH, () => ({
      head: { number: 90n, hash: hashOf('true', 90n) },
      finalized: { number: 90n, hash: hashOf('true', 90n) },
    }))
    const run = (event: SyncEvent<TestBlock>): void => {
      for (const effect of sim.handle(event, 1000))
        if (effect.type === 'import') {
          imports.push((effect.blocks.at(-1) as TestBlock).number)
          run({ type: 'imported' })
        }
    }
    run({ type: 'claimed', peer: 'a', head: 120n, finalized: 120n, first: 1n })
    const blocks = Array.from({ length: 30 }, (_, i) => block('true', 91n + BigInt(i), 'true'))
    run({ type: 'answered', peer: 'a', from: 91n, blocks })
    expect(imports.slice(0, 2)).toEqual([100n, 120n])
  })

  it('asks others for the proof of an epoch’s last block that one withholds', () => {
    const peer = honest(1000n, 1000n)
    const withholds: Answer = (from, count) =>
      (peer(from, count) as TestBlock[]).map((one) => (one.number % 100n === 0n ? { ...one, justified: false } : one))
    const sim = world(1000n, 1000n, { withholds, a: peer }).run(120_000)
    expect(sim.finalized).toBe(1000n)
    for (let number = 100n; number <= 1000n; number += 100n) expect(sim.proven.has(number)).toBe(true)
    expect(sim.scores.get('withholds')).toBeLessThan(0)
    expect(sim.scores.get('a') ?? 0).toBeGreaterThan(0)
  })

  it('asks nobody for blocks from before it began', () => {
    const asked: string[] = []
    let finalized = 90n
    const plan = new SyncPlan<TestBlock>(EPOCH, () => ({
      head: { number: finalized, hash: hashOf('true', finalized) },
      finalized: { number: finalized, hash: hashOf('true', finalized) },
    }))
    const run = (event: SyncEvent<TestBlock>, nowMs: number): void => {
      for (const effect of plan.handle(event, nowMs)) if (effect.type === 'request') asked.push(effect.peer)
    }
    run({ type: 'claimed', peer: 'young', head: 120n, finalized: 120n, first: 92n }, 1_000)
    expect(asked).toEqual([])
    run({ type: 'claimed', peer: 'old', head: 120n, finalized: 120n, first: 1n }, 2_000)
    expect(asked).toEqual(['old'])
    asked.length = 0
    finalized = 91n
    const other = new SyncPlan<TestBlock>(EPOCH, () => ({
      head: { number: finalized, hash: hashOf('true', finalized) },
      finalized: { number: finalized, hash: hashOf('true', finalized) },
    }))
    for (const effect of other.handle(
      { type: 'claimed', peer: 'young', head: 120n, finalized: 120n, first: 92n },
      1_000,
    ))
      if (effect.type === 'request') asked.push(effect.peer)
    expect(asked).toEqual(['young'])
  })

  it('holds no more bytes than it may, however large blocks are', () => {
    const large: Answer = (from, count) =>
      Array.from({ length: Math.min(count, 1) }, () => block('true', from, 'true', 8 * 1024 * 1024))
    const sim = world(200n, 200n, { a: large, b: large, c: large, d: large }, 5).run(200_000)
    expect(sim.finalized).toBe(200n)
    expect(sim.mostAsked).toBeLessThanOrEqual(9)
  })

  it('reaches the end among any mixture of peers that has an honest one', () => {
    for (let seed = 1; seed <= 60; seed++) {
      let state = seed
      const random = (n: number) => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return (state >>> 8) % n
      }
      const final = BigInt(300 + random(2500))
      const head = final + BigInt(random(20))
      const good = honest(final, head)
      const kinds: Answer[] = [
        (from, count) => Array.from({ length: count }, (_, i) => block('false', from + BigInt(i), 'none')),
        (from, count) => Array.from({ length: count }, (_, i) => block('false', from + BigInt(i), 'false')),
        (from, count) => good(from, count).slice(0, 1 + random(count)) as TestBlock[],
        (from, count) => (random(3) === 0 ? 'slow' : good(from, count)),
        () => [],
        () => 'bad',
        (from, count) => [...(good(from, count) as TestBlock[])].reverse(),
        // True blocks, but never a proof.
        (from, count) => (good(from, count) as TestBlock[]).map((one) => ({ ...one, justified: false })),
      ]
      const peers: Record<string, Answer> = { honest: good }
      for (let i = 0; i < 1 + random(4); i++) peers[`p${i}`] = kinds[random(kinds.length)] as Answer
      const sim = world(final, head, peers, 1 + random(200)).run(900_000)
      expect([sim.head, sim.finalized], `seed ${seed}`).toEqual([head, final])
      expect(sim.scores.get('honest') ?? 0, `seed ${seed}`).toBeGreaterThan(BAN_SCORE)
    }
  })
})
