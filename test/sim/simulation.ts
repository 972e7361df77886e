import { toHex, type Address, type Hash32 } from '@hawser/primitives'
import { checkAccountability } from './accountability.ts'
import { Byzantine } from './byzantine.ts'
import { Checks, Violation } from './checks.ts'
import { faultyOf, type Fault, type SimConfig } from './config.ts'
import type { NetworkId, VoteEquivocation, VoterSet } from './cores.ts'
import type { DiskState } from './disk.ts'
import type { SimEnv } from './env.ts'
import { realKeys, tagKeys, type Keys } from './keys.ts'
import { checkLightClient } from './light-client.ts'
import type { Message } from './messages.ts'
import { prng, sample, type Draw } from './prng.ts'
import { SimNode } from './sim-node.ts'
import { Timeline } from './timeline.ts'
import { World, type SimBlock } from './world.ts'

export const NETWORK: NetworkId = { chainId: 7001n, genesisHash: toHex(new Uint8Array(32).fill(7)) as Hash32 }

/** Twins change the half of the network that each of them sees. */
const TWIN_TURN_MS = 2500
/** Slots that a run goes on after its liveness is shown. */
const SLOTS_AFTER = 2
/** Blocks that may be unfinalised at the end of a run (L2). */
const MAX_LAG = 12n
/** Rounds for a block in a healthy run (L3). */
const MAX_ROUNDS_PER_BLOCK = 3

/** What a run came to; two runs of one config give the same. */
export interface SimResult {
  readonly trace: string
  readonly events: number
  readonly violation: Violation | undefined
  /** Milliseconds from the settling until all live honest nodes had finalised a block born after it. */
  readonly liveAfterMs: number | undefined
  /** Whether two conflicting blocks became final (with more than f faulty). */
  readonly conflicts: boolean
  readonly finalNumber: bigint
  readonly rounds: bigint
  /** From each block's arrival at an honest node until it was final there. */
  readonly delaysMs: readonly number[]
}

type Window = Extract<Fault, { from: number; to: number }>

/** A network on a virtual clock: one thread, one config, one course of events. */
export class Simulation implements SimEnv {
  readonly config: SimConfig
  readonly network = NETWORK
  readonly timeline = new Timeline()
  readonly keys: Keys
  readonly world: World
  readonly checks: Checks
  readonly honest: SimNode[] = []
  readonly everybody: number[] = []
  readonly delaysMs: number[] = []
  readonly offenders = new Set<Address>()
  readonly nodes: (SimNode | Byzantine)[] = []
  readonly #net: Draw
  readonly #byzantine: Byzantine[] = []
  readonly #windows: readonly Window[]
  readonly #duplicates: number
  readonly #isolate: (Fault & { type: 'isolate' }) | undefined
  readonly #twins = new Map<number, number>()
  readonly #copies = new Map<Fault, DiskState>()
  readonly #finals = new Map<number, bigint>()
  readonly #live = new Set<number>()
  /** Honest nodes that do not die for good. */
  #lasting: readonly SimNode[] = []
  #isolatedAt: bigint | undefined
  #trace = 0x811c9dc5
  #liveAfterMs: number | undefined
  #conflicts = false

  constructor(config: SimConfig) {
    this.config = config
    const { seed, faults } = config
    this.#net = prng(seed, 'net')
    const total = config.validators + config.followers
    this.keys = config.crypto === 'real' ? realKeys(NETWORK, total) : tagKeys(NETWORK, total)
    this.world = new World(config, this.keys)
    this.checks = new Checks(config, this.world, this.keys)
    this.#windows = faults.filter(
      (fault): fault is Window => fault.type === 'drop' || fault.type === 'slow' || fault.type === 'partition',
    )
    this.#duplicates = faults.reduce((share, fault) => (fault.type === 'duplicate' ? fault.share : share), 0)
    this.#isolate = faults.find((fault) => fault.type === 'isolate')
    this.#createNodes()
    this.#schedule()
  }

  #createNodes(): void {
    const { config } = this
    const { faults, seed, validators, followers } = config
    const faulty = new Set(faultyOf(faults))
    const twins: number[] = []
    for (let i = 0; i < validators + followers; i++) {
      const fault = faults.find((f) => (f.type === 'byzantine' || f.type === 'twin') && f.node === i)
      if (fault?.type === 'byzantine') {
        const byzantine = new Byzantine(this, i, fault.acts, prng(seed, `byzantine${i}`))
        this.nodes.push(byzantine)
        this.#byzantine.push(byzantine)
        continue
      }
      const node = new SimNode(this, i, i, i < validators, faulty.has(i) ? undefined : this.checks)
      this.nodes.push(node)
      if (fault?.type === 'twin') twins.push(i)
      else this.honest.push(node)
    }
    for (const key of twins) {
      const index = this.nodes.length
      this.#twins.set(key, 0)
      this.#twins.set(index, 1)
      this.nodes.push(new SimNode(this, index, key, true, undefined))
    }
    this.everybody.push(...this.nodes.keys())
    this.#lasting = this.honest.filter(
      ({ index }) => !faults.some((f) => f.type === 'crash' && f.node === index && f.downMs >= config.endMs),
    )
  }

  #schedule(): void {
    const { config, timeline } = this
    const joins = new Map<number, number>()
    for (const fault of config.faults) {
      const node = 'node' in fault ? this.nodes[fault.node] : undefined
      if (!(node instanceof SimNode)) continue
      switch (fault.type) {
        case 'join':
          joins.set(node.index, fault.at)
          break
        case 'clock':
          node.offsetMs = fault.offsetMs
          break
        case 'slow-disk':
          node.fsyncMs = fault.fsyncMs
          break
        case 'crash':
          timeline.at(fault.at, () => {
            if (node.up) node.dying ??= { effects: fault.effects, downMs: fault.downMs, kept: fault.kept }
          })
          break
        case 'rollback':
          timeline.at(fault.takenAt, () => this.#copies.set(fault, node.disk.copy()))
          timeline.at(fault.at, () => {
            const copy = this.#copies.get(fault)
            if (!node.up || copy === undefined) return
            node.crash(0)
            node.restore(copy)
          })
          break
        case 'byzantine':
        case 'twin':
        case 'drop':
        case 'duplicate':
        case 'slow':
        case 'partition':
        case 'isolate':
        case 'no-pull':
          break
      }
    }
    for (const node of this.nodes)
      if (node instanceof SimNode) timeline.at(joins.get(node.index) ?? 0, () => node.boot())
    if (this.#byzantine.length > 0) this.#byzantineSlot(1n)
  }

  #byzantineSlot(slot: bigint): void {
    this.timeline.at(Number(slot) * this.config.slotSeconds * 1000 + 10, () => {
      for (const byzantine of this.#byzantine) byzantine.onSlot(slot)
      this.#byzantineSlot(slot + 1n)
    })
  }

  // ---------------------------------------------------------------- the course of a run

  run(): SimResult {
    const { config, timeline } = this
    let violation: Violation | undefined
    let endMs = config.endMs
    try {
      while (timeline.step(endMs)) {
        if (this.#liveAfterMs === undefined || endMs < config.endMs) continue
        endMs = Math.min(config.endMs, timeline.nowMs + SLOTS_AFTER * config.slotSeconds * 1000)
      }
      this.#atTheEnd()
    } catch (error) {
      violation =
        error instanceof Violation
          ? error
          : new Violation('error', error instanceof Error ? `${error.stack}` : String(error))
    }
    const rounds = this.honest.reduce(
      (high, { voter }) => ((voter?.round ?? 0n) > high ? (voter?.round ?? 0n) : high),
      0n,
    )
    return {
      trace: `${(this.#trace >>> 0).toString(16).padStart(8, '0')}/${timeline.done}/${this.checks.tip.number}`,
      events: timeline.done,
      violation,
      liveAfterMs: this.#liveAfterMs,
      conflicts: this.#conflicts,
      finalNumber: this.checks.tip.number,
      rounds,
      delaysMs: this.delaysMs,
    }
  }

  #atTheEnd(): void {
    const { config, honest } = this
    for (const node of honest) this.checks.genuine(node)
    if (config.profile === 'accountability') {
      this.#conflicts = checkAccountability(this)
      return
    }
    if (this.#liveAfterMs === undefined) {
      const late = this.#lasting.filter(({ index }) => !this.#live.has(index))
      const where = late.map(
        (node) =>
          `${node.name}: final ${node.up ? node.final.number : '(down)'}, set ${node.voters?.setId}, round ${node.voter?.round}`,
      )
      throw new Violation(
        'L1',
        `no block born after ${config.gstMs} is final by ${config.endMs} at ${where.join('; ')}`,
      )
    }
    const allowed = MAX_PARKED_PER_FAULTY * faultyOf(config.faults).length + MAX_PARKED_IN_FLIGHT
    for (const node of honest) {
      if (!node.up) continue
      const lag = node.tree.best().number - node.final.number
      if (lag > MAX_LAG) throw new Violation('L2', `node ${node.name} has ${lag} blocks that are not final`)
      const parked = node.voter?.parked ?? 0
      if (parked > allowed) throw new Violation('L4', `node ${node.name} has ${parked} messages parked`)
    }
    const healthy = config.faults.length === 0
    const rounds = Math.max(...honest.map(({ voter }) => Number(voter?.round ?? 0n)))
    if (healthy && config.epochBlocks > 100 && rounds > MAX_ROUNDS_PER_BLOCK * Number(this.checks.tip.number) + 4)
      throw new Violation('L3', `${rounds} rounds for ${this.checks.tip.number} blocks`)
    checkLightClient(this)
  }

  /** A node has made a block final. */
  onFinal(node: SimNode, block: SimBlock): void {
    const { timeline, config } = this
    const arrivedMs = node.arrivedMs.get(block.hash)
    if (arrivedMs !== undefined) this.delaysMs.push(timeline.nowMs - arrivedMs)
    this.#finals.set(node.index, block.number)
    if (this.#liveAfterMs !== undefined || block.bornMs < config.gstMs) return
    if (this.#lasting.includes(node)) this.#live.add(node.index)
    if (this.#live.size === this.#lasting.length) this.#liveAfterMs = timeline.nowMs - config.gstMs
  }

  setOf(setId: bigint): VoterSet | undefined {
    return this.honest.find(({ up, voters }) => up && voters.setId === setId)?.voters
  }

  // ---------------------------------------------------------------- faults of nodes

  die(node: SimNode): void {
    const { dying } = node
    if (dying === undefined) return
    node.crash(dying.kept)
    this.timeline.after(dying.downMs, () => node.boot())
  }

  onVoteEquivocation(_node: SimNode, { offender }: VoteEquivocation): void {
    this.#offends(offender)
  }

  onSealEquivocation(_node: SimNode, offender: Address): void {
    this.#offends(offender)
  }

  #offends(offender: Address): void {
    this.offenders.add(offender)
    const faulty = faultyOf(this.config.faults)
    if (!faulty.some((index) => this.keys.addressOf(index) === offender))
      throw new Violation('S3', `honest ${offender} is shown to have signed twice`)
  }

  // ---------------------------------------------------------------- network

  peersOf(node: SimNode, count: number): number[] {
    const others = this.everybody.filter((index) => index !== node.index)
    return sample(this.#net, others, count)
  }

  broadcast(from: SimNode, message: Message): void {
    for (const to of this.everybody) if (to !== from.index) this.transmit(from.index, to, message)
  }

  announce(from: SimNode, block: SimBlock): void {
    this.broadcast(from, { type: 'block', block })
  }

  send(from: SimNode, to: number, message: Message): void {
    this.transmit(from.index, to, message)
  }

  transmit(from: number, to: number, message: Message, lateMs = 0): void {
    const { config, timeline } = this
    const { nowMs } = timeline
    if (this.#twins.size > 0 && !this.#twinsAllow(from, to)) return
    let delay = config.minMs + (config.maxMs - config.minMs) * this.#net()
    if (nowMs < config.gstMs) {
      if (this.#isolate !== undefined && this.#isolated(this.#isolate, from, to, message)) return
      for (const window of this.#windows) {
        if (nowMs < window.from || nowMs >= window.to) continue
        if (window.type === 'drop' && this.#net() < window.share) return
        if (window.type === 'partition' && window.senders.includes(from) && window.receivers.includes(to)) return
        if (window.type === 'slow') delay -= window.meanMs * Math.log(1 - this.#net())
      }
      // What was sent before the settling arrives soon after it.
      delay = Math.min(delay, config.gstMs + config.maxMs - nowMs)
      if (this.#duplicates > 0 && this.#net() < this.#duplicates)
        timeline.after(delay * (1 + this.#net()), () => this.#deliver(from, to, message))
    }
    timeline.after(delay + lateMs, () => this.#deliver(from, to, message))
  }

  #deliver(from: number, to: number, message: Message): void {
    const node = this.nodes[to]
    if (node === undefined) return
    const { nowMs } = this.timeline
    this.#trace = Math.imul(this.#trace ^ Math.floor(nowMs * 64), 0x01000193)
    this.#trace = Math.imul(this.#trace ^ (from * 64 + to), 0x01000193)
    this.#trace = Math.imul(this.#trace ^ message.type.length, 0x01000193)
    if (node instanceof Byzantine) return node.receive(from, message)
    if (!node.up) {
      // A stream to a dead process breaks: what asked for an answer hears of it.
      if (message.type === 'event' && message.event.type === 'catchUpRequested')
        this.transmit(to, from, { type: 'event', event: { type: 'catchUpFailed', peer: String(to) } })
      return
    }
    node.receive(from, message)
  }

  /** Each of two twins hears and speaks to half of the others; they never speak to one another. */
  #twinsAllow(from: number, to: number): boolean {
    const sides = [from, to].map((index) => this.#twins.get(index))
    const turn = Math.floor(this.timeline.nowMs / TWIN_TURN_MS)
    const half = (index: number): number =>
      (this.config.profile === 'accountability' ? index : index + turn * (index + 3)) & 1
    const [a, b] = sides
    if (a === undefined && b === undefined) return true
    if (a !== undefined && b !== undefined) return a === b
    return a !== undefined ? half(to) === a : half(from) === b
  }

  /** Precommits reach one node alone; when that has let it finalise, it is cut off. */
  #isolated({ node, from: since }: Fault & { type: 'isolate' }, from: number, to: number, message: Message): boolean {
    if (this.timeline.nowMs < since) return false
    const final = this.#finals.get(node) ?? 0n
    this.#isolatedAt ??= final
    if (final > this.#isolatedAt) return from === node || to === node
    const precommits =
      message.type === 'event' && message.event.type === 'voteReceived' && message.event.vote.kind === 'precommit'
    return precommits && to !== node
  }
}

/** Two votes of each of three kinds and six rounds may wait of a faulty voter for blocks that nobody has. */
const MAX_PARKED_PER_FAULTY = 36
/** What waits for blocks on their way. */
const MAX_PARKED_IN_FLIGHT = 40
