import { toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { isAncestorOrSelf } from '../chain-view.ts'
import { checkCommit } from '../commit.ts'
import { HeaderTree, type TreeHeader } from '../header-tree.ts'
import type { BlockRef, SignedVote, UnsignedVote, VoteKind } from '../types.ts'
import type { VoteRecord } from '../vote-records.ts'
import type { VoterEffect, VoterEvent } from '../voter-events.ts'
import { Voter } from '../voter.ts'
import type { VoterSet } from '../voter-set.ts'
import { testHash, testVoters } from './fixtures.ts'

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function prng(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export type Fault = 'none' | 'silent' | 'equivocate'

export interface SimulationOptions {
  readonly seed: number
  readonly voters: number
  /** Faults by voter index; the rest are honest. */
  readonly faults?: Readonly<Record<number, Fault>>
  /** Followers without a key, after the voters. */
  readonly followers?: number
  /** Until then messages are lost and late, and nodes crash. */
  readonly gstMs?: number
  readonly dropBeforeGst?: number
  readonly crashes?: boolean
  readonly slotMs?: number
  readonly gossipMs?: number
}

interface Task {
  readonly atMs: number
  readonly seq: number
  readonly run: () => void
}

/** A virtual time line: tasks in the order of time, then of creation. */
class Timeline {
  nowMs = 0
  readonly #heap: Task[] = []
  #seq = 0

  at(atMs: number, run: () => void): void {
    const task = { atMs, seq: this.#seq++, run }
    const heap = this.#heap
    let i = heap.push(task) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (before(heap[parent] as Task, task)) break
      heap[i] = heap[parent] as Task
      i = parent
    }
    heap[i] = task
  }

  runUntil(endMs: number): void {
    for (let task = this.#heap[0]; task !== undefined && task.atMs <= endMs; task = this.#heap[0]) {
      this.#pop()
      this.nowMs = task.atMs
      task.run()
    }
    this.nowMs = endMs
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Task
    if (heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Task, heap[child] as Task)) child++
      if (before(last, heap[child] as Task)) break
      heap[i] = heap[child] as Task
      i = child
    }
    heap[i] = last
  }
}

function before(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq)
}

/** A stand-in for a signature: a tag of the voter and the vote, which the simulation gives to the voter alone. */
function tag(voter: number, vote: UnsignedVote): Uint8Array {
  const text = `${voter}|${vote.setId}|${vote.round}|${vote.kind}|${vote.number}|${vote.hash}`
  let h = 2166136261
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619)
  const bytes = new Uint8Array(65)
  bytes.set(uintBE(h >>> 0, 4))
  return bytes
}

function signAs(voter: number, vote: UnsignedVote): SignedVote {
  return { ...vote, voter, signature: tag(voter, vote) }
}

const ROOT: TreeHeader = { number: 0n, hash: testHash(1), parentHash: testHash(0), slot: 0n }
const BASE: BlockRef = { number: ROOT.number, hash: ROOT.hash }

/** One simulated node: the production voter over a tree, a disk that a crash tears, and the network. */
class SimulatedNode {
  readonly index: number
  readonly sim: Simulation
  readonly local: number | undefined
  tree = new HeaderTree(ROOT)
  up = true
  voter: Voter
  finalized: BlockRef = BASE
  readonly disk = new Map<string, Uint8Array>()
  #unsynced: (() => void)[] = []
  #life = 0

  constructor(sim: Simulation, index: number, local: number | undefined) {
    this.sim = sim
    this.index = index
    this.local = local
    this.voter = this.#newVoter()
  }

  start(): void {
    this.feed({ type: 'start' })
  }

  #newVoter(): Voter {
    const records: VoteRecord[] = [...this.disk].map(([key, value]) => ({ key, value }))
    return new Voter({
      voters: this.sim.voters,
      local: this.local,
      gossipMs: this.sim.gossipMs,
      base: BASE,
      verifyVote: (vote) => toHex(tag(vote.voter, vote)) === toHex(vote.signature),
      chain: this.tree,
      records,
    })
  }

  crash(): void {
    this.up = false
    this.#life++
    // A torn tail: of what was not synced, the first part may have reached the disk.
    const kept = Math.floor(this.sim.random() * (this.#unsynced.length + 1))
    for (const write of this.#unsynced.slice(0, kept)) write()
    this.#unsynced = []
  }

  /** What a block store gives back: the finalised chain and what descends from its end; pruned branches are gone. */
  #storedTree(): HeaderTree {
    const tree = new HeaderTree(ROOT)
    const kept = [...this.sim.blocks.values()].filter(
      (block) =>
        this.tree.header(block.hash) !== undefined &&
        (isAncestorOrSelf(this.tree, block, this.finalized.hash) ||
          isAncestorOrSelf(this.tree, this.finalized, block.hash)),
    )
    for (const header of kept) tree.add(header)
    tree.finalize(this.finalized)
    return tree
  }

  restart(): void {
    if (this.up) return
    this.up = true
    this.tree = this.#storedTree()
    this.voter = this.#newVoter()
    this.feed({ type: 'start' })
    this.sim.sync(this)
  }

  feed(event: VoterEvent): void {
    const queue: VoterEvent[] = [event]
    for (let next = queue.shift(); next !== undefined && this.up; next = queue.shift())
      for (const effect of this.voter.handle(next, this.sim.now)) {
        if (!this.up) return
        this.#carryOut(effect, queue)
        if (this.sim.mayCrash(this)) return
      }
  }

  import(hash: Hash32): void {
    const path: TreeHeader[] = []
    for (let at = this.sim.blocks.get(hash); at !== undefined && this.tree.header(at.hash) === undefined;) {
      path.push(at)
      at = this.sim.blocks.get(at.parentHash)
    }
    for (const header of path.reverse())
      if (this.tree.add(header)) this.feed({ type: 'blockImported', hash: header.hash })
  }

  #carryOut(effect: VoterEffect, queue: VoterEvent[]): void {
    const { sim } = this
    switch (effect.type) {
      case 'persist': {
        const { key, value } = effect.record
        this.#unsynced.push(() => this.disk.set(key, value))
        if (effect.sync) this.#flush()
        return
      }
      case 'forget': {
        const { prefix } = effect
        this.#unsynced.push(() => {
          for (const key of this.disk.keys()) if (key.startsWith(prefix)) this.disk.delete(key)
        })
        return
      }
      case 'signAndSendVote': {
        const signed = signAs(this.local as number, effect.vote)
        sim.noteSignature(this.index, signed)
        sim.broadcast(this, { type: 'voteReceived', peer: String(this.index), vote: signed })
        queue.push({ type: 'voteSigned', vote: signed })
        return
      }
      case 'sendVote':
        return sim.broadcast(this, { type: 'voteReceived', peer: String(this.index), vote: effect.vote })
      case 'sendCommit':
        return sim.broadcast(this, { type: 'commitReceived', peer: String(this.index), commit: effect.commit })
      case 'sendNeighbour': {
        const event: VoterEvent = { type: 'neighbour', peer: String(this.index), packet: effect.packet }
        if (effect.peer === undefined) return sim.broadcast(this, event)
        return sim.send(Number(effect.peer), event)
      }
      case 'pullVotes':
        return sim.send(Number(effect.peer), {
          type: 'missingVotesRequested',
          peer: String(this.index),
          packet: effect.packet,
        })
      case 'answerVotes':
        for (const vote of effect.votes)
          sim.send(Number(effect.peer), { type: 'voteReceived', peer: String(this.index), vote })
        return
      case 'requestCatchUp':
        return sim.send(Number(effect.peer), {
          type: 'catchUpRequested',
          peer: String(this.index),
          request: effect.request,
        })
      case 'answerCatchUp': {
        const peer = String(this.index)
        return sim.send(
          Number(effect.peer),
          effect.response === undefined
            ? { type: 'catchUpFailed', peer }
            : { type: 'catchUpReceived', peer, response: effect.response },
        )
      }
      case 'setTimer': {
        const life = this.#life
        sim.timeline.at(sim.now + effect.delayMs, () => {
          if (this.up && life === this.#life) this.feed({ type: 'timer', id: effect.id })
        })
        return
      }
      case 'finalize': {
        this.#flush()
        const { block, commit } = effect
        if (!isAncestorOrSelf(this.tree, this.finalized, block.hash))
          throw new Error(`seed ${sim.seed}: node ${this.index} reverts what it finalised`)
        const checked = checkCommit(commit, sim.voters, (hash) => sim.blocks.get(hash), this.sim.verify)
        if (!checked.ok) throw new Error(`seed ${sim.seed}: a commit does not verify: ${checked.error}`)
        if (checked.value.ancestry.size !== effect.ancestry.length) throw new Error(`seed ${sim.seed}: wrong ancestry`)
        this.finalized = block
        this.tree.finalize(block)
        sim.noteFinal(this.index, block)
        return
      }
      case 'reportPeer':
        sim.blamed.add(Number(effect.peer))
        return
      case 'requestBlock':
        sim.timeline.at(sim.now + 50, () => this.up && this.import(effect.hash))
        return
      case 'equivocation':
        sim.offenders.add(effect.evidence.first.voter)
        return
      case 'verdict':
        return
      case 'halt':
        throw new Error(`seed ${sim.seed}: node ${this.index} halts: ${effect.reason}`)
    }
  }

  #flush(): void {
    for (const write of this.#unsynced) write()
    this.#unsynced = []
  }
}

/** A network of voters on a virtual clock; whatever breaks safety throws with the seed in the message. */
export class Simulation {
  readonly seed: number
  readonly voters: VoterSet
  readonly gossipMs: number
  readonly timeline = new Timeline()
  readonly blocks = new Map<Hash32, TreeHeader>([[ROOT.hash, ROOT]])
  readonly bornAtMs = new Map<Hash32, number>()
  readonly nodes: SimulatedNode[] = []
  readonly random: () => number
  readonly blamed = new Set<number>()
  readonly offenders = new Set<number>()
  readonly finalityDelaysMs: number[] = []
  readonly #options: Required<SimulationOptions>
  readonly #net: () => number
  readonly #fault: () => number
  readonly #signed = new Map<string, Hash32>()
  readonly #acted = new Set<string>()
  #final: BlockRef = BASE
  #blockCount = 1

  constructor(options: SimulationOptions) {
    this.#options = {
      faults: {},
      followers: 0,
      gstMs: 0,
      dropBeforeGst: 0.3,
      crashes: false,
      slotMs: 1000,
      gossipMs: 300,
      ...options,
    }
    this.seed = options.seed
    this.random = prng(options.seed)
    this.#net = prng(options.seed ^ 0x5bd1e995)
    this.#fault = prng(options.seed ^ 0x27d4eb2d)
    this.gossipMs = this.#options.gossipMs
    this.voters = testVoters(options.voters)
    for (let i = 0; i < options.voters + this.#options.followers; i++)
      this.nodes.push(new SimulatedNode(this, i, i < options.voters ? i : undefined))
    for (const node of this.honest()) node.start()
    this.#slot(1n)
    this.#syncRound()
  }

  get now(): number {
    return this.timeline.nowMs
  }

  readonly verify = (vote: SignedVote): boolean => toHex(tag(vote.voter, vote)) === toHex(vote.signature)

  faultOf(index: number): Fault {
    return this.#options.faults[index] ?? 'none'
  }

  honest(): SimulatedNode[] {
    return this.nodes.filter((node) => this.faultOf(node.index) === 'none')
  }

  run(ms: number): void {
    this.timeline.runUntil(this.now + ms)
  }

  /** The lowest finalised number among the honest nodes that are up. */
  lowestFinal(): bigint {
    return this.honest()
      .filter((node) => node.up)
      .reduce((low, node) => (node.finalized.number < low ? node.finalized.number : low), 1n << 60n)
  }

  /** When the oldest of the honest nodes' last finalised blocks was made, in milliseconds. */
  oldestFinalBirthMs(): number {
    return Math.min(...this.honest().map((node) => this.bornAtMs.get(node.finalized.hash) ?? 0))
  }

  /** A line that two runs of one seed must have in common. */
  trace(): string {
    return this.nodes.map((node) => `${node.finalized.hash}/${node.voter.round}`).join(',')
  }

  // ---------------------------------------------------------------- network

  broadcast(from: SimulatedNode, event: VoterEvent): void {
    for (const node of this.nodes) if (node !== from) this.send(node.index, event)
  }

  send(to: number, event: VoterEvent, extraMs = 0): void {
    const early = this.now < this.#options.gstMs
    if (early && this.#net() < this.#options.dropBeforeGst) return
    const delay = early ? 20 + 3000 * this.#net() ** 3 : 20 + 130 * this.#net()
    this.timeline.at(this.now + delay + extraMs, () => {
      const node = this.nodes[to]
      if (node === undefined || !node.up) return
      if (this.faultOf(to) !== 'none') return this.#misbehave(to, event)
      node.feed(event)
    })
  }

  mayCrash(node: SimulatedNode): boolean {
    if (!this.#options.crashes || this.now > this.#options.gstMs || this.#fault() > 0.002) return false
    node.crash()
    this.timeline.at(this.now + 200 + 3000 * this.#fault(), () => node.restart())
    return true
  }

  /** Stands in for block sync: what others have comes, whatever gossip lost. */
  sync(node: SimulatedNode): void {
    const other = this.honest()[Math.floor(this.random() * this.honest().length)]
    if (other === undefined || !other.up || !node.up) return
    const { hash } = other.tree.best()
    this.timeline.at(this.now + 100, () => node.up && node.import(hash))
  }

  #syncRound(): void {
    for (const node of this.honest()) this.sync(node)
    this.timeline.at(this.now + 700, () => this.#syncRound())
  }

  // ---------------------------------------------------------------- blocks and faults

  #slot(slot: bigint): void {
    this.timeline.at(Number(slot) * this.#options.slotMs, () => {
      const author = Number(slot % BigInt(this.#options.voters))
      const node = this.nodes[author] as SimulatedNode
      const fault = this.faultOf(author)
      if (fault === 'none' && node.up) this.#produce(node.tree.best().hash, slot, node)
      if (fault === 'equivocate') {
        const heads = this.honest().map((other) => other.tree.best().hash)
        for (let i = 0; i < 2; i++)
          this.#produce(heads[Math.floor(this.#fault() * heads.length)] ?? ROOT.hash, slot, node)
      }
      this.#slot(slot + 1n)
    })
  }

  #produce(parentHash: Hash32, slot: bigint, by: SimulatedNode): void {
    const parent = this.blocks.get(parentHash) as TreeHeader
    const hash = testHash(++this.#blockCount)
    this.blocks.set(hash, { number: parent.number + 1n, hash, parentHash, slot })
    this.bornAtMs.set(hash, this.now)
    if (this.faultOf(by.index) === 'none') by.import(hash)
    for (const node of this.nodes) {
      const early = this.now < this.#options.gstMs
      if (node === by || (early && this.#net() < this.#options.dropBeforeGst)) continue
      const delay = 20 + (early ? 2000 : 150) * this.#net()
      this.timeline.at(this.now + delay, () => node.up && this.faultOf(node.index) === 'none' && node.import(hash))
    }
  }

  /** An equivocator answers each (round, kind) it hears of with two votes for blocks of late or of old, to some, at any time. */
  #misbehave(index: number, event: VoterEvent): void {
    if (this.faultOf(index) !== 'equivocate') return
    if (event.type === 'catchUpRequested')
      return this.send(Number(event.peer), { type: 'catchUpFailed', peer: String(index) })
    if (event.type === 'neighbour' && this.#fault() < 0.05)
      return this.send(Number(event.peer), {
        type: 'neighbour',
        peer: String(index),
        packet: { ...event.packet, round: event.packet.round + 50n },
      })
    if (event.type !== 'voteReceived') return
    const { setId, round } = event.vote
    const all = [...this.blocks.values()]
    for (const kind of ['prevote', 'precommit', 'primary'] as const) {
      const key = `${index}/${round}/${kind}`
      if (this.#acted.has(key) || (kind === 'precommit' && event.vote.kind !== 'precommit')) continue
      this.#acted.add(key)
      for (let i = 0; i < 2; i++) {
        const back = 1 + Math.floor(this.#fault() ** 2 * Math.min(all.length, 8))
        const { number, hash } = all[all.length - back] as TreeHeader
        const vote = signAs(index, { setId, round, kind: kind as VoteKind, number, hash })
        const late = this.#fault() < 0.3 ? 2000 * this.#fault() : 0
        for (const node of this.nodes)
          if (this.#fault() < 0.5) this.send(node.index, { type: 'voteReceived', peer: String(index), vote }, late)
      }
    }
  }

  // ---------------------------------------------------------------- what must hold

  noteSignature(node: number, vote: SignedVote): void {
    const key = `${node}/${vote.round}/${vote.kind}`
    const known = this.#signed.get(key)
    if (known !== undefined && known !== vote.hash) throw new Error(`seed ${this.seed}: node ${key} signs twice`)
    this.#signed.set(key, vote.hash)
  }

  noteFinal(_node: number, block: BlockRef): void {
    const [low, high] = block.number < this.#final.number ? [block, this.#final] : [this.#final, block]
    const headers = { header: (hash: Hash32) => this.blocks.get(hash) }
    if (!isAncestorOrSelf(headers, low, high.hash)) throw new Error(`seed ${this.seed}: conflicting blocks are final`)
    this.#final = high
    const born = this.bornAtMs.get(block.hash)
    if (born !== undefined) this.finalityDelaysMs.push(this.now - born)
  }
}
