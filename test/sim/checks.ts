import type { Hash32 } from '@hawser/primitives'
import { faultyOf, type SimConfig } from './config.ts'
import {
  isAncestorOrSelf,
  type BlockRef,
  type Commit,
  type SignedVote,
  type Voter,
  type VoterEffect,
  type VoterSet,
} from './cores.ts'
import type { Keys } from './keys.ts'
import type { SimNode } from './sim-node.ts'
import type { SimBlock, World } from './world.ts'

/** The rules that a run is held to; each failure names one. */
export type Rule =
  /** No two conflicting blocks are final among honest nodes. */
  | 'S1'
  /** What is final at a node only grows, over restarts too. */
  | 'S2'
  /** An honest key signs one message for a (set, round, kind), and one block for a slot. */
  | 'S3'
  /** Every final block has a commit of the set in office for it, which a count of our own accepts. */
  | 'S4'
  /** A light client that is fed justifications alone agrees; every epoch's last block has one of its own. */
  | 'S5'
  /** A round begins after the one before is completable; a vote lies at or above that one's estimate. */
  | 'estimate'
  /** What a round finalises is final at a node that has left it. */
  | 'final'
  /** An imported block is its slot author's, and not ahead of the clock. */
  | 'aura'
  /** Counted votes were signed by those they name. */
  | 'genuine'
  /** An honest node is not blamed for lies by another. */
  | 'blame'
  /** No honest node halts. */
  | 'halt'
  /** By a bound after the settling every live honest node finalises a block born after it. */
  | 'L1'
  /** Finality does not lag behind the head for long. */
  | 'L2'
  /** A healthy run takes few rounds a block. */
  | 'L3'
  /** What waits for blocks does not pile up. */
  | 'L4'
  /** Two conflicting final blocks with more than f faulty name more than f offenders, all of them faulty. */
  | 'N1'
  /** The run raised an error of its own. */
  | 'error'

export class Violation extends Error {
  readonly rule: Rule

  constructor(rule: Rule, message: string) {
    super(`${rule}: ${message}`)
    this.rule = rule
  }
}

/** Ancestors of a round's estimate may have been voted for under an older one; blame of this size tells of a lie. */
const LIE = -100
const BACKWARDS = -500

/** Watches the honest nodes at every event; throws a Violation. */
export class Checks {
  /** Conflicting commits that were found, where a run collects them instead of failing. */
  readonly conflicts: { readonly first: Commit; readonly second: Commit }[] = []
  readonly #config: SimConfig
  readonly #world: World
  readonly #keys: Keys
  readonly #faulty: ReadonlySet<number>
  /** The one final chain. */
  readonly #chain = new Map<bigint, { readonly hash: Hash32; readonly commit: Commit | undefined }>()
  #tip: BlockRef
  readonly #finals = new Map<number, bigint>()
  readonly #signed = new Map<string, Hash32>()
  readonly #proven = new Set<Commit>()

  constructor(config: SimConfig, world: World, keys: Keys) {
    this.#config = config
    this.#world = world
    this.#keys = keys
    this.#faulty = new Set(faultyOf(config.faults))
    const { number, hash } = world.genesis
    this.#tip = { number, hash }
    this.#chain.set(number, { hash, commit: undefined })
  }

  /** Commits of the one final chain, by number. */
  commitOf(number: bigint): Commit | undefined {
    return this.#chain.get(number)?.commit
  }

  hashOf(number: bigint): Hash32 | undefined {
    return this.#chain.get(number)?.hash
  }

  get tip(): BlockRef {
    return this.#tip
  }

  // ---------------------------------------------------------------- S1, S2, S4

  finalised(node: SimNode, block: SimBlock, commit: Commit, voters: VoterSet): void {
    const last = this.#finals.get(node.index) ?? 0n
    if (block.number <= last) throw new Violation('S2', `node ${node.name} finalises ${block.number} after ${last}`)
    this.#finals.set(node.index, block.number)
    const epoch = BigInt(this.#config.epochBlocks)
    if (block.number > (last / epoch + 1n) * epoch)
      throw new Violation(
        'S5',
        `node ${node.name} goes from ${last} to ${block.number}, past the last block of an epoch`,
      )
    this.#proves(node, block, commit, voters)
    this.#extend(block, commit)
  }

  /** What is final on disk at a start: a write that was under way at a crash may have reached it. */
  booted(node: SimNode): void {
    const { number } = node.disk.state.final
    const last = this.#finals.get(node.index) ?? 0n
    if (number < last) throw new Violation('S2', `node ${node.name} starts on ${number}, and ${last} was final`)
    const commit = node.disk.state.justifications.get(number)
    if (number > last && commit !== undefined)
      this.finalised(
        node,
        this.#world.get(commit.target.hash),
        commit,
        this.#world.setFor(this.#world.get(commit.target.hash)),
      )
  }

  rolledBack(node: SimNode): void {
    this.#finals.set(node.index, node.disk.state.final.number)
  }

  /** A count that shares nothing with the production one but the order of the set. */
  #proves(node: SimNode, block: SimBlock, commit: Commit, voters: VoterSet): void {
    if (this.#proven.has(commit)) return
    this.#proven.add(commit)
    const bad = (why: string) =>
      new Violation(
        'S4',
        `node ${node.name}'s proof of block ${block.number} (set ${commit.setId}, round ${commit.round}): ${why}`,
      )
    const office = this.#world.setFor(block)
    if (office.setId !== voters.setId || commit.setId !== office.setId) throw bad(`set ${office.setId} is in office`)
    if (commit.target.hash !== block.hash) throw bad('it is for another block')
    const verify = this.#keys.verifier(office)
    const targets = new Map<number, Set<string>>()
    let above = new Set<number>()
    for (const { voter, target, signature } of commit.precommits) {
      const { number, hash } = commit.targets[target] as BlockRef
      const vote: SignedVote = {
        setId: commit.setId,
        round: commit.round,
        kind: 'precommit',
        number,
        hash,
        voter,
        signature,
      }
      if (!verify(vote)) throw bad(`voter ${voter}'s signature`)
      const known = targets.get(voter)
      if (known) known.add(`${number}/${hash}`)
      else targets.set(voter, new Set([`${number}/${hash}`]))
      if (this.#world.get(hash).number === number && isAncestorOrSelf(this.#world, block, hash))
        above = above.add(voter)
    }
    for (const [voter, hashes] of targets) if (hashes.size > 1) above.add(voter)
    const weights = office.voters.map(({ weight }) => weight)
    const total = weights.reduce((a, b) => a + b, 0)
    const weight = [...above].reduce((sum, voter) => sum + (weights[voter] ?? 0), 0)
    // More than two thirds, without the production threshold.
    if (weight < total - Math.floor((total - 1) / 3)) throw bad(`weight ${weight} of ${total}`)
  }

  #extend(block: SimBlock, commit: Commit): void {
    const known = this.#chain.get(block.number)
    if (known !== undefined) {
      if (known.hash !== block.hash) this.#conflict(block, commit)
      return
    }
    const path: SimBlock[] = []
    let at = block
    for (; at.number > this.#tip.number; at = this.#world.get(at.parentHash)) path.push(at)
    if (at.hash !== this.#tip.hash) return this.#conflict(block, commit)
    for (const { number, hash } of path)
      this.#chain.set(number, { hash, commit: hash === block.hash ? commit : undefined })
    this.#tip = { number: block.number, hash: block.hash }
  }

  #conflict(block: SimBlock, commit: Commit): void {
    if (this.#config.profile !== 'accountability')
      throw new Violation(
        'S1',
        `block ${block.number} ${block.hash.slice(-6)} is final beside ${this.#chain.get(block.number)?.hash.slice(-6) ?? this.#tip.hash.slice(-6)}`,
      )
    // The lowest commit at or above the first block that differs.
    let at = block
    while (at.number > this.#tip.number || this.#chain.get(at.number)?.hash !== at.hash) {
      const other = this.#chain.get(at.number)?.commit
      if (other) {
        this.conflicts.push({ first: other, second: commit })
        return
      }
      if (at.number === 0n) return
      at = this.#world.get(at.parentHash)
    }
    for (let number = at.number + 1n; number <= this.#tip.number; number++) {
      const other = this.#chain.get(number)?.commit
      if (other) {
        this.conflicts.push({ first: other, second: commit })
        return
      }
    }
  }

  // ---------------------------------------------------------------- S3

  signedVote(node: SimNode, vote: SignedVote): void {
    this.#once(node, `${node.key}/${vote.setId}/${vote.round}/${vote.kind}`, vote.hash)
    const block = this.#world.get(vote.hash)
    // The block that a set takes over on is its first base.
    if (block.after.setId !== vote.setId && this.#world.setFor(block).setId !== vote.setId)
      throw new Violation(
        'S4',
        `node ${node.name} of set ${vote.setId} votes for ${block.number}, which is another set's`,
      )
  }

  sealed(node: SimNode, block: SimBlock): void {
    this.#once(node, `${node.key}/${block.slot}`, block.hash)
  }

  #once(node: SimNode, place: string, hash: Hash32): void {
    const known = this.#signed.get(place)
    if (known !== undefined && known !== hash) throw new Violation('S3', `node ${node.name} signs twice at ${place}`)
    this.#signed.set(place, hash)
  }

  // ---------------------------------------------------------------- single votes and blocks

  /** What a round that the node has left finalises, is final there; every epoch's last block comes before what lies above it. */
  #counted(node: SimNode, voter: Voter): void {
    const { number } = voter.finalized
    const epochBlocks = BigInt(this.#config.epochBlocks)
    // By what is final in the chain: the voter may be a step ahead of it.
    const limit = (node.final.number / epochBlocks + 1n) * epochBlocks
    for (let round = voter.round - 1n; round > 0n && round + 3n >= voter.round; round--) {
      const final = voter.stateOf(round)?.finalized?.number ?? 0n
      if (final > number && final <= limit)
        throw new Violation('final', `node ${node.name} is in round ${voter.round}, and F of ${round} is not final`)
    }
  }

  /** A new vote is at or above what the round before may still finalise, by the node's own state at that moment. */
  handled(node: SimNode, voter: Voter, effects: readonly VoterEffect[]): void {
    this.#counted(node, voter)
    let fresh: string | undefined
    for (const effect of effects) {
      if (effect.type === 'persist' && effect.sync) fresh = effect.record.key
      if (effect.type !== 'signAndSendVote' || fresh === undefined) continue
      const { round, kind, hash, number } = effect.vote
      const before = round > 1n ? voter.stateOf(round - 1n) : undefined
      // Rounds begin when the one before can no longer change its mind upwards, and the one before that is settled.
      if (before !== undefined && !before.completable)
        throw new Violation(
          'estimate',
          `node ${node.name} votes in round ${round}, and the round before is not completable`,
        )
      // A catch-up shows that the round before can be left, not why: the one before that may still look open from here.
      const byOwnCount = round > 2n && voter.historyOf(round - 1n)?.precommittedAt !== undefined
      const settled = byOwnCount ? voter.stateOf(round - 2n) : undefined
      if (settled?.completable && settled.estimate !== undefined && settled.estimate.number > voter.finalized.number)
        throw new Violation(
          'estimate',
          `node ${node.name} votes in round ${round}, and E of ${round - 2n} is not final`,
        )
      const base = before?.estimate
      if (base !== undefined && !isAncestorOrSelf(this.#world, base, hash))
        throw new Violation(
          'estimate',
          `node ${node.name}'s ${kind} for ${number} in round ${round} leaves E = ${base.number}`,
        )
      fresh = undefined
    }
  }

  imported(node: SimNode, block: SimBlock): void {
    const { slotSeconds } = this.#config
    const authorities = this.#world.setFor(block).voters
    const due = authorities[Number(block.slot % BigInt(authorities.length))]?.id
    if (due !== this.#keys.addressOf(block.author))
      throw new Violation('aura', `node ${node.name} takes a block of slot ${block.slot} that is not its author's`)
    if (Number(block.slot) * slotSeconds * 1000 > node.clockMs + slotSeconds * 1000)
      throw new Violation('aura', `node ${node.name} takes a block of slot ${block.slot} at ${node.clockMs}`)
  }

  /** Every vote that a node counts in its live rounds was signed by the voter that it names. */
  genuine(node: SimNode): void {
    const { voter, voters } = node
    if (voter === undefined) return
    const verify = this.#keys.verifier(voters)
    for (let round = voter.round; round > 0n && round + 3n >= voter.round; round--)
      for (const vote of voter.historyOf(round)?.votes ?? [])
        if (!verify(vote))
          throw new Violation(
            'genuine',
            `node ${node.name} counts a ${vote.kind} that voter ${vote.voter} did not sign`,
          )
  }

  reported(node: SimNode, peer: number, delta: number, reason: string): void {
    // After a crash on an old copy of the database a final number may go back.
    if (
      delta > LIE ||
      delta === BACKWARDS ||
      this.#faulty.has(peer) ||
      peer >= this.#config.validators + this.#config.followers
    )
      return
    throw new Violation('blame', `node ${node.name} blames honest node ${peer}: ${reason}`)
  }

  halted(node: SimNode, reason: string): void {
    if (this.#config.profile !== 'accountability') throw new Violation('halt', `node ${node.name}: ${reason}`)
  }
}
