import { sameBlock, type ChainView } from './chain-view.ts'
import type { BlockRef, Phase, SignedVote } from './types.ts'
import { VoteGraph, type GraphNode } from './vote-graph.ts'
import type { VoterSet } from './voter-set.ts'

/** What a round's votes decide (consensus.md, 2.3); undefined where the votes do not suffice. */
export interface RoundState {
  /** G: the block that a supermajority of prevotes agrees on. */
  readonly prevoteGhost: BlockRef | undefined
  /** E: the highest block that may still become final in this round. */
  readonly estimate: BlockRef | undefined
  /** F: the highest block that this round has finalised. */
  readonly finalized: BlockRef | undefined
  /** Nothing above E can become final in this round any more. */
  readonly completable: boolean
}

/** What became of a vote. Only `accepted` and `equivocation` change the round. */
export type VoteOutcome = 'accepted' | 'equivocation' | 'duplicate' | 'ignored' | 'unknown-block'

/** What a round reads of the chain. */
export type RoundChain = Pick<ChainView, 'header' | 'finalized'>

interface VoterVotes {
  readonly first: SignedVote
  second?: SignedVote
}

/** The votes of one phase. */
class Tally {
  readonly votes = new Map<number, VoterVotes>()
  readonly equivocators: Uint32Array
  weight = 0
  equivocatedWeight = 0

  constructor(voters: number) {
    this.equivocators = new Uint32Array(Math.ceil(voters / 32))
  }
}

/** One round of one voter set: counts votes in any order and derives G, E, F and completable. */
export class Round {
  readonly round: bigint
  readonly voters: VoterSet
  readonly base: BlockRef
  /** Accepted votes in the order of arrival: what accountability asks for (consensus.md, 2.11). */
  readonly history: SignedVote[] = []
  /** How many votes had arrived when this node prevoted and precommitted. */
  prevotedAt: number | undefined
  precommittedAt: number | undefined
  readonly #chain: RoundChain
  readonly #graph: VoteGraph
  readonly #tallies: Readonly<Record<Phase, Tally>>
  #ghost: GraphNode | undefined
  #finalized: GraphNode | undefined
  #estimate: GraphNode | undefined
  #completable = false

  constructor(round: bigint, voters: VoterSet, base: BlockRef, chain: RoundChain) {
    this.round = round
    this.voters = voters
    this.base = base
    this.#chain = chain
    this.#graph = new VoteGraph(base, voters.size)
    this.#tallies = { prevote: new Tally(voters.size), precommit: new Tally(voters.size) }
  }

  get state(): RoundState {
    return {
      prevoteGhost: this.#ghost?.block,
      estimate: this.#estimate?.block,
      finalized: this.#finalized?.block,
      completable: this.#completable,
    }
  }

  /** The weight of voters seen in a phase, each counted once. */
  participation(phase: Phase): number {
    return this.#tallies[phase].weight
  }

  /** How many different votes of a voter are held in a phase: 0, 1, or 2 for an equivocator. */
  held(phase: Phase, voter: number): 0 | 1 | 2 {
    const votes = this.#tallies[phase].votes.get(voter)
    return votes === undefined ? 0 : votes.second === undefined ? 1 : 2
  }

  /** The votes held of a voter in a phase, in order of arrival. */
  votesOf(phase: Phase, voter: number): readonly SignedVote[] {
    const votes = this.#tallies[phase].votes.get(voter)
    if (votes === undefined) return []
    return votes.second === undefined ? [votes.first] : [votes.first, votes.second]
  }

  /** Every vote held in a phase, by voter index. */
  votes(phase: Phase): SignedVote[] {
    const all: SignedVote[] = []
    for (let voter = 0; voter < this.voters.size; voter++) all.push(...this.votesOf(phase, voter))
    return all
  }

  /** Counts a vote whose signature and membership were checked. */
  import(phase: Phase, vote: SignedVote): VoteOutcome {
    const tally = this.#tallies[phase]
    const held = tally.votes.get(vote.voter)
    if (held !== undefined) {
      if (sameBlock(held.first, vote) || (held.second && sameBlock(held.second, vote))) return 'duplicate'
      // Two votes prove an equivocation; a third adds nothing.
      if (held.second !== undefined) return 'ignored'
    }
    if (!this.#insert(phase, vote)) return 'unknown-block'
    this.history.push(vote)
    if (held === undefined) {
      tally.votes.set(vote.voter, { first: vote })
      tally.weight += this.voters.weightOf(vote.voter)
    } else {
      held.second = vote
      const word = vote.voter >>> 5
      tally.equivocators[word] = (tally.equivocators[word] ?? 0) | (1 << (vote.voter & 31))
      tally.equivocatedWeight += this.voters.weightOf(vote.voter)
    }
    this.#derive()
    return held === undefined ? 'accepted' : 'equivocation'
  }

  /**
   * Counts a vote for the blocks that it supports; false when its block may still come. Every vote of a member is this
   * voter's vote, also one that supports nothing: what some nodes count and others drop completes the round for some of
   * them only (consensus.md, 1).
   */
  #insert(phase: Phase, vote: SignedVote): boolean {
    const header = this.#chain.header(vote.hash)
    if (header === undefined) {
      if (vote.number > this.#chain.finalized().number) return false
      // Beside the final chain: finality has pruned the block, or it was never seen here, and it will not come any more.
      this.#graph.insert(this.#chain, this.base, phase, vote.voter)
      return true
    }
    // With a wrong number it supports no block, and neither does a target that is not at or above our base.
    return header.number !== vote.number || this.#graph.insert(this.#chain, vote, phase, vote.voter) !== 'unknown'
  }

  /** Whether no child of G can reach a supermajority of prevotes any more (the paper's optional precommit condition). */
  prevotesSettled(): boolean {
    const ghost = this.#ghost
    if (ghost === undefined) return false
    const { total, threshold, faulty } = this.voters
    const remaining = total - this.#tallies.prevote.weight
    // A child that nobody voted for is in no graph: it could get the missing voters and the faulty ones at most.
    if (remaining + faulty >= threshold) return false
    return !ghost.children.some((child) => this.#possible('prevote', child))
  }

  #derive(): void {
    const { threshold } = this.voters
    if (this.#tallies.prevote.weight < threshold) return
    this.#ghost = this.#descend(this.#ghost ?? this.#graph.base)
    const ghost = this.#ghost
    if (ghost === undefined) return
    if (this.#tallies.precommit.weight < threshold) {
      this.#estimate = ghost
      return
    }
    // What is final stays so, and lies on the path to G: look only above it.
    let final: GraphNode | undefined = ghost
    while (final !== undefined && final !== this.#finalized && this.#weight('precommit', final) < threshold)
      final = final.parent
    this.#finalized = final
    // A completable round's estimate only moves down; before that G may still carry it up.
    let estimate: GraphNode | undefined = this.#completable ? this.#estimate : ghost
    while (estimate !== undefined && !this.#possible('precommit', estimate)) estimate = estimate.parent
    this.#estimate = estimate
    if (estimate === undefined) {
      // Only with a base above honest targets, or more faulty weight than f.
      this.#completable = false
      return
    }
    // `possible` grows towards the base, so no descendant of G is possible when no child is.
    this.#completable ||= estimate !== ghost || !ghost.children.some((child) => this.#possible('precommit', child))
  }

  #descend(from: GraphNode): GraphNode | undefined {
    if (this.#weight('prevote', from) < this.voters.threshold) return undefined
    let node = from
    for (;;) {
      const child = node.children.find((candidate) => this.#weight('prevote', candidate) >= this.voters.threshold)
      if (child === undefined) return node
      node = child
    }
  }

  /** Whether the votes still to come, and those that faulty voters may add, could carry a block over the threshold. */
  #possible(phase: Phase, node: GraphNode): boolean {
    const { total, threshold, faulty } = this.voters
    const tally = this.#tallies[phase]
    const supporting = this.#weight(phase, node)
    const equivocations = Math.max(0, Math.min(tally.weight - supporting, faulty - tally.equivocatedWeight))
    return supporting + (total - tally.weight) + equivocations >= threshold
  }

  /** Votes for a block or a descendant; an equivocator supports every block. */
  #weight(phase: Phase, node: GraphNode): number {
    const bits = phase === 'prevote' ? node.prevotes : node.precommits
    const equivocators = this.#tallies[phase].equivocators
    let weight = 0
    for (let word = 0; word < bits.length; word++) {
      let rest = (bits[word] ?? 0) | (equivocators[word] ?? 0)
      while (rest !== 0) {
        const bit = 31 - Math.clz32(rest & -rest)
        weight += this.voters.weightOf(32 * word + bit)
        rest &= rest - 1
      }
    }
    return weight
  }
}
