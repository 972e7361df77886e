import type { Act } from './config.ts'
import {
  Round,
  type Commit,
  type Phase,
  type SignedVote,
  type UnsignedVote,
  type VoterEvent,
  type VoterSet,
} from './cores.ts'
import type { Message } from './messages.ts'
import { between, pick, type Draw } from './prng.ts'
import type { Simulation } from './simulation.ts'
import type { SimNode } from './sim-node.ts'
import type { SimBlock } from './world.ts'

/** Blocks of late among which a faulty voter chooses. */
const CHOICE = 8
/** The longest that it holds something back, in milliseconds. */
const WITHHELD_MS = 4000
/** Commits and votes kept to be sent again when they are stale. */
const MAX_KEPT = 16
/** Targets that the trap tries on every node. */
const TRIED = 5

/** A validator that keeps no rule; it sees all state, and signs with its own key alone. */
export class Byzantine {
  readonly index: number
  readonly #sim: Simulation
  readonly #acts: ReadonlySet<Act>
  readonly #draw: Draw
  readonly #done = new Set<string>()
  readonly #commits: Commit[] = []
  readonly #votes: SignedVote[] = []
  /** Rounds that it stays silent in, after a trap was laid. */
  #silentUntilMs = 0

  constructor(sim: Simulation, index: number, acts: readonly Act[], draw: Draw) {
    this.#sim = sim
    this.index = index
    this.#acts = new Set(acts)
    this.#draw = draw
  }

  // ---------------------------------------------------------------- blocks

  onSlot(slot: bigint): void {
    const { world, honest } = this.#sim
    const heads = honest.filter(({ up }) => up).map((node) => node.tree.best())
    if (heads.length === 0) return
    const draw = this.#draw
    if (this.#acts.has('blocks') && draw() < 0.15) {
      // Out of turn, or far ahead of the clock: both must be refused.
      const ahead = draw() < 0.5 ? slot + BigInt(between(draw, 3, 12)) : slot
      this.#release(world.make(pick(draw, heads), ahead, this.index, this.#sim.timeline.nowMs), 0.8)
    }
    const parent = pick(draw, heads)
    const { after } = world.get(parent.hash)
    if (after.at(Number(slot % BigInt(after.size)))?.id !== this.#sim.keys.addressOf(this.index)) return
    if (world.get(parent.hash).slot >= slot) return
    if (this.#acts.has('blocks')) {
      const back = world.get(parent.hash)
      const lower = back.number > 0n && draw() < 0.5 ? world.get(back.parentHash) : back
      for (const on of [back, lower]) this.#release(world.make(on, slot, this.index, this.#sim.timeline.nowMs), 0.5)
      return
    }
    if (this.#acts.has('withhold') && draw() < 0.7)
      return this.#release(world.make(parent, slot, this.index, this.#sim.timeline.nowMs), 0.3, WITHHELD_MS * draw())
    if (draw() < 0.5) this.#release(world.make(parent, slot, this.index, this.#sim.timeline.nowMs), 1)
  }

  #release(block: SimBlock, share: number, lateMs = 0): void {
    for (const node of this.#sim.everybody)
      if (node !== this.index && this.#draw() < share) this.#send(node, { type: 'block', block }, lateMs)
  }

  // ---------------------------------------------------------------- messages

  receive(from: number, message: Message): void {
    const acts = this.#acts
    if (message.type === 'position') return this.#answerPosition(from, message)
    if (message.type === 'block-request') {
      const block = this.#sim.world.header(message.hash)
      if (block && this.#draw() < 0.5) this.#send(from, { type: 'blocks', blocks: [block] })
      return
    }
    if (message.type !== 'event') return
    const { event } = message
    if (event.type === 'catchUpRequested')
      return this.#send(from, {
        type: 'event',
        event:
          acts.has('forge') && this.#draw() < 0.7
            ? this.#forgedCatchUp(event)
            : { type: 'catchUpFailed', peer: String(this.index) },
      })
    if (event.type === 'commitReceived') return this.#onCommit(event.commit)
    if (event.type !== 'voteReceived') return
    this.#keep(event.vote)
    if (this.#sim.timeline.nowMs < this.#silentUntilMs) return
    this.#onVote(event.vote)
  }

  #onVote(vote: SignedVote): void {
    const { setId, round, kind } = vote
    const acts = this.#acts
    const set = this.#sim.setOf(setId)
    const voter = set?.indexOf(this.#sim.keys.addressOf(this.index))
    if (set === undefined || voter === undefined) return
    if (acts.has('forge') && this.#draw() < 0.05) this.#forgeVote(set, vote)
    if (acts.has('trap') && kind !== 'primary') return this.#trap(set, voter, round, kind)
    for (const own of ['prevote', 'precommit', 'primary'] as const) {
      if (own === 'precommit' && kind !== 'precommit') continue
      if (!this.#first(`${setId}/${round}/${own}`)) continue
      const place = { setId, round, kind: own }
      if (acts.has('equivocate'))
        for (let i = 0; i < 2; i++) {
          const sent = this.#signed(voter, { ...place, ...this.#someBlock() })
          const late = this.#draw() < 0.3 ? 2000 * this.#draw() : 0
          for (const node of this.#sim.everybody) if (this.#draw() < 0.5) this.#sendVote(node, sent, late)
        }
      else if (acts.has('amnesia')) this.#broadcastVote(this.#signed(voter, { ...place, ...this.#someBlock() }))
      else if (acts.has('withhold')) {
        const sent = this.#signed(voter, { ...place, number: vote.number, hash: vote.hash })
        const only = pick(this.#draw, this.#sim.everybody)
        const late = WITHHELD_MS * this.#draw()
        if (this.#draw() < 0.5) this.#sendVote(only, sent, late)
        else this.#broadcastVote(sent, late)
      }
    }
  }

  /** Blocks of late are likelier than old ones; out of some nodes' bases, and beside them, are among them. */
  #someBlock(): { number: bigint; hash: SimBlock['hash'] } {
    const { list } = this.#sim.world
    const back = 1 + Math.floor(this.#draw() ** 2 * Math.min(list.length, CHOICE))
    const { number, hash } = list[list.length - back] as SimBlock
    return { number, hash }
  }

  #signed(voter: number, vote: UnsignedVote): SignedVote {
    const { setId, round, kind, number, hash } = vote
    const plain = { setId, round, kind, number, hash }
    return { ...plain, voter, signature: this.#sim.keys.vote(this.index, plain) }
  }

  #sendVote(to: number, vote: SignedVote, lateMs = 0): void {
    this.#send(to, { type: 'event', event: { type: 'voteReceived', peer: String(this.index), vote } }, lateMs)
  }

  #broadcastVote(vote: SignedVote, lateMs = 0): void {
    for (const node of this.#sim.everybody) if (node !== this.index) this.#sendVote(node, vote, lateMs)
  }

  #first(place: string): boolean {
    if (this.#done.has(place)) return false
    this.#done.add(place)
    return true
  }

  // ---------------------------------------------------------------- the trap

  /**
   * Once all honest votes but the deciding ones are in, tries targets on a copy of every node's round: the one that gets
   * furthest goes to one node, the one that holds up most to each of the others (consensus.md, 1).
   */
  #trap(set: VoterSet, voter: number, round: bigint, phase: Phase): void {
    const place = `${set.setId}/${round}/${phase}`
    if (this.#done.has(place)) return
    const nodes = this.#sim.honest.filter(
      ({ up, voter: core, voters }) => up && voters.setId === set.setId && core?.currentRound?.round === round,
    )
    const ready = nodes.filter(
      ({ voter: core }) => (core?.currentRound?.participation(phase) ?? 0) >= set.threshold - 1,
    )
    if (nodes.length < 2 || ready.length < nodes.length) return
    this.#done.add(place)
    const targets = this.#targets(nodes, round, phase)
    const victim = pick(this.#draw, nodes)
    for (const node of nodes) {
      const ranked = targets
        .map((target) => ({ target, rank: this.#rank(node, voter, phase, target) }))
        .sort((a, b) => a.rank - b.rank)
      const chosen = ranked[node === victim ? ranked.length - 1 : 0]
      if (chosen === undefined) continue
      const vote = this.#signed(voter, { setId: set.setId, round, kind: phase, ...chosen.target })
      this.#sendVote(node.index, vote)
    }
    // What it leaves behind must not be healed by its own next votes.
    if (phase === 'precommit' && this.#draw() < 0.7) this.#silentUntilMs = Number.POSITIVE_INFINITY
  }

  #targets(nodes: readonly SimNode[], round: bigint, phase: Phase): { number: bigint; hash: SimBlock['hash'] }[] {
    const seen = new Map<string, { number: bigint; hash: SimBlock['hash'] }>()
    for (const { voter } of nodes)
      for (const { number, hash, kind } of voter?.historyOf(round)?.votes ?? [])
        if (kind === phase && seen.size < TRIED) seen.set(hash, { number, hash })
    for (let i = 0; i < TRIED; i++) {
      const block = this.#someBlock()
      seen.set(block.hash, block)
    }
    return [...seen.values()]
  }

  /** How far a vote takes a node's round: completable counts most, then the height of G. */
  #rank(
    { voter: core }: SimNode,
    voter: number,
    phase: Phase,
    target: { number: bigint; hash: SimBlock['hash'] },
  ): number {
    const present = core?.currentRound as Round
    const copy = new Round(present.round, present.voters, present.base, this.#sim.world)
    for (const vote of present.history) copy.import(vote.kind as Phase, vote)
    const { setId } = present.voters
    copy.import(phase, { setId, round: present.round, kind: phase, ...target, voter, signature: new Uint8Array(65) })
    const { completable, prevoteGhost } = copy.state
    return (completable ? 1e6 : 0) + Number(prevoteGhost?.number ?? 0n)
  }

  // ---------------------------------------------------------------- forgeries

  #keep(vote: SignedVote): void {
    if (this.#votes.length < MAX_KEPT) this.#votes.push(vote)
    else this.#votes[Math.floor(this.#draw() * MAX_KEPT)] = vote
  }

  /** Another's vote with another target, another's vote of long ago, a wrong number, or a vote for no block. */
  #forgeVote(set: VoterSet, vote: SignedVote): void {
    const old = pick(this.#draw, this.#votes)
    const own = set.indexOf(this.#sim.keys.addressOf(this.index)) as number
    const { setId, round, kind, number, hash } = vote
    const forged: SignedVote[] = [
      { ...vote, ...this.#someBlock() },
      old,
      this.#signed(own, { setId, round, kind, number: number + 1n, hash }),
      { ...vote, voter: set.size + 3 },
    ]
    this.#sendVote(pick(this.#draw, this.#sim.everybody), pick(this.#draw, forged))
  }

  #onCommit(commit: Commit): void {
    if (this.#commits.length < MAX_KEPT) this.#commits.push(commit)
    if (!this.#acts.has('forge') || this.#draw() > 0.3) return
    const real = pick(this.#draw, this.#commits)
    const target = this.#someBlock()
    const forged: Commit[] = [
      real,
      // True signatures, moved to another block; then too few of them.
      { ...real, target, targets: real.targets.map(() => target) },
      { ...real, precommits: real.precommits.slice(1) },
      { ...real, round: real.round + 1n },
      ...this.#ownCommit(real),
    ]
    const to = pick(this.#draw, this.#sim.everybody)
    this.#send(to, {
      type: 'event',
      event: { type: 'commitReceived', peer: String(this.index), commit: pick(this.#draw, forged) },
    })
  }

  /** Its own precommit alone, for any block. */
  #ownCommit({ setId, round }: Commit): Commit[] {
    const voter = this.#sim.setOf(setId)?.indexOf(this.#sim.keys.addressOf(this.index))
    if (voter === undefined) return []
    const target = this.#someBlock()
    const { signature } = this.#signed(voter, { setId, round, kind: 'precommit', ...target })
    return [{ setId, round, target, targets: [target], precommits: [{ target: 0, voter, signature }] }]
  }

  /** Every member's vote for one block, none of them signed but its own. */
  #forgedCatchUp(event: VoterEvent & { type: 'catchUpRequested' }): VoterEvent {
    const { setId, round } = event.request
    const peer = String(this.index)
    const set = this.#sim.setOf(setId)
    if (set === undefined) return { type: 'catchUpFailed', peer }
    const target = this.#someBlock()
    const votes = set.voters.map((_, voter) => ({ target: 0, voter, signature: new Uint8Array(65) }))
    const { number, hash } = this.#sim.world.genesis
    return {
      type: 'catchUpReceived',
      peer,
      response: { setId, round, base: { number, hash }, targets: [target], prevotes: votes, precommits: votes },
    }
  }

  #answerPosition(from: number, { packet, answer }: Message & { type: 'position' }): void {
    if (answer) return
    const lie = this.#acts.has('forge') && this.#draw() < 0.1
    this.#send(from, {
      type: 'position',
      packet: { ...packet, round: packet.round + (lie ? 50n : 0n), have: [] },
      answer: true,
    })
  }

  #send(to: number, message: Message, lateMs = 0): void {
    this.#sim.transmit(this.index, to, message, lateMs)
  }
}
