import { buildCatchUp, checkCatchUp } from './catch-up.ts'
import { isAncestorOrSelf, sameBlock, type ChainView } from './chain-view.ts'
import { blocksOf, buildCommit, checkCommit, checkSupport, commitAncestry } from './commit.ts'
import { MAX_VOTES_IN_ANSWER } from './codec.ts'
import { inventoryOf, votesMissingFrom } from './inventory.ts'
import { Parking } from './parking.ts'
import { Round, type RoundState } from './round.ts'
import type {
  BlockRef,
  CatchUpRequest,
  CatchUpResponse,
  Commit,
  NeighbourPacket,
  Phase,
  SignedVote,
  UnsignedVote,
  VoteKind,
} from './types.ts'
import { baseRecord, intentRecord, readRecords, roundPrefix, voteRecord, type VoteRecord } from './vote-records.ts'
import type { VoterEffect, VoterEvent } from './voter-events.ts'
import type { VoterSet } from './voter-set.ts'
import { prevoteTarget } from './voting-rules.ts'

/** Rounds before the current one that still count votes. */
export const LIVE_ROUNDS_BEHIND = 3n
/** Finished rounds whose votes stay on disk: what accountability asks for, about two epochs (consensus.md, 2.11). */
export const HISTORY_ROUNDS = 2048n
/** Rounds after the current one whose votes are kept until they begin. */
export const ROUNDS_AHEAD = 2n
/** Votes kept for rounds to come: of every voter, two in each of three kinds and two rounds. */
const EARLY_VOTES_PER_VOTER = 12
/** Peers whose position is remembered. */
export const MAX_NEIGHBOURS = 512
/** A peer further ahead than this is asked for a catch-up at once. */
export const CATCH_UP_GAP = 2n

/** Gossip durations (T) until something is done; they only ever serve liveness. */
const PREVOTE_AFTER = 2
const PRECOMMIT_AFTER = 4
const PULL_AFTER = 2
const RESEND_AFTER = 4
const STUCK_AFTER = 10
const NEIGHBOUR_EVERY = 20
const NEIGHBOUR_EVERY_WHEN_LATE = 2
const CATCH_UP_TIMEOUT = 10
const REQUEST_BLOCK_AFTER = 2

/** Voters whose votes fit into one answer: four rounds, two phases. */
const VOTERS_ASKED_AGAIN = MAX_VOTES_IN_ANSWER / 8

/** Score changes (consensus.md, 2.7). */
const COST_BAD_SIGNATURE = -100
const COST_UNKNOWN_VOTER = -150
const COST_INVALID_COMMIT = -5000
const COST_INVALID_CATCH_UP = -5000
const COST_NO_CATCH_UP = -20
const COST_BACKWARDS = -500
const COST_TOO_MANY_PACKETS = -50
/** A packet that is so many final blocks behind the one before was overtaken by it, and is passed over. */
const OVERTAKEN_BLOCKS = 16n
/** Neighbour packets of one peer in a gossip duration: its own, and its answers to ours. */
const MAX_PACKETS_PER_TICK = 16
/** Gossip durations until a peer gets another catch-up: building one costs as much as checking it. */
const CATCH_UP_AGAIN_AFTER = 2

export interface VoterConfig {
  readonly voters: VoterSet
  /** Index of the own key in the set; without one the voter only follows. */
  readonly local?: number
  /** T: how long a message takes to everybody, in milliseconds. */
  readonly gossipMs: number
  /** The block that the set starts on: genesis, or the last block of the set before. It is final. */
  readonly base: BlockRef
  /** Whether the signature is that of the voter at the index. */
  readonly verifyVote: (vote: SignedVote) => boolean
  readonly chain: ChainView
  /** What an earlier run of this set had persisted. */
  readonly records?: Iterable<VoteRecord>
  /** Begins without voting, until `voteAllowed`: it listens for its own key elsewhere first (consensus.md, 2.12). */
  readonly silent?: boolean
}

interface LiveRound {
  readonly round: Round
  readonly own: Partial<Record<VoteKind, UnsignedVote>>
  readonly signed: Partial<Record<VoteKind, SignedVote>>
  /** When there was something to vote on, in milliseconds. */
  startedAtMs: number | undefined
  prevoteDue: boolean
  precommitDue: boolean
  mayVote: boolean
  hint: BlockRef | undefined
  /** Number of the highest block that a commit of this round is known for, and that a commit timer runs for. */
  committed: bigint
  committing: bigint
}

/**
 * One node's part in GRANDPA for one voter set. Deterministic: no clock, randomness, timer, key or disk; the same events
 * at the same times give the same effects (consensus.md, 2.4 to 2.12).
 */
export class Voter {
  readonly #config: VoterConfig
  readonly #rounds = new Map<bigint, LiveRound>()
  readonly #parking = new Parking()
  readonly #early = new Map<string, SignedVote>()
  readonly #neighbours = new Map<string, NeighbourPacket>()
  #current: bigint
  #finalized: BlockRef
  /** The last block finalised by the votes of rounds: the base of the next round. */
  #roundFinal: BlockRef
  /** Packets of each peer since the last tick, and when each peer last got a catch-up. */
  readonly #packets = new Map<string, number>()
  readonly #caughtUp = new Map<string, number>()
  #catchUp: { peer: string; round: bigint; deadlineMs: number } | undefined
  #waitingCatchUp: { peer: string; response: CatchUpResponse; deadlineMs: number } | undefined
  #roundStartedMs = 0
  #lastNeighbourMs = Number.NEGATIVE_INFINITY
  #lastNeighbour = ''
  #lastResendMs = 0
  #pullTurn = 0
  #lastPullMs = 0
  #halted = false
  #silent: boolean
  #effects: VoterEffect[] = []
  #now = 0

  constructor(config: VoterConfig) {
    this.#config = config
    this.#finalized = config.chain.finalized()
    this.#roundFinal = config.base
    this.#current = 1n
    this.#silent = config.silent ?? false
  }

  get round(): bigint {
    return this.#current
  }

  /** The round that is voted on now; undefined before the start. */
  get currentRound(): Round | undefined {
    return this.#rounds.get(this.#current)?.round
  }

  get finalized(): BlockRef {
    return this.#finalized
  }

  /** Votes and commits that wait for blocks. */
  get parked(): number {
    return this.#parking.size
  }

  /** No progress for ten gossip durations though there is something to vote on, or others went on. */
  get stuck(): boolean {
    return this.#lateBy(STUCK_AFTER)
  }

  /** The state of a live round, undefined for others. */
  stateOf(round: bigint): RoundState | undefined {
    return this.#rounds.get(round)?.round.state
  }

  /** Every vote counted in a live round in the order of arrival, and when this node voted (consensus.md, 2.11). */
  historyOf(round: bigint): { votes: readonly SignedVote[]; prevotedAt?: number; precommittedAt?: number } | undefined {
    const live = this.#rounds.get(round)?.round
    return live && { votes: live.history, prevotedAt: live.prevotedAt, precommittedAt: live.precommittedAt }
  }

  /** What this node tells others of itself; with inventories when votes are wanted. */
  neighbourPacket(withInventories = false): NeighbourPacket {
    const again = this.stuck ? this.#asksAgain() : undefined
    const have = withInventories ? this.#liveRounds().map((live) => inventoryOf(live.round, again)) : []
    const { voters } = this.#config
    return {
      setId: voters.setId,
      round: this.#current,
      finalizedNumber: this.#finalized.number,
      stuck: this.stuck,
      have,
    }
  }

  /** Takes one event at a time (milliseconds, never going back) and gives what is to be done, in order. */
  handle(event: VoterEvent, nowMs: number): VoterEffect[] {
    this.#now = nowMs
    this.#effects = []
    this.#dispatch(event)
    if (!this.#halted) this.#advance()
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  #dispatch(event: VoterEvent): void {
    switch (event.type) {
      case 'start':
        return this.#start()
      case 'voteAllowed':
        return this.#allowVotes()
      case 'blockImported':
        return this.#unpark()
      case 'finalizedExternally':
        if (event.block.number > this.#finalized.number) this.#finalized = event.block
        return this.#unpark()
      case 'voteReceived':
        return this.#onVote(event.vote, event.peer)
      case 'voteSigned':
        return this.#count(event.vote)
      case 'voteRefused': {
        const live = this.#rounds.get(event.round)
        if (live !== undefined) live.mayVote = false
        return
      }
      case 'commitReceived':
        return this.#onCommit(event.commit, event.peer)
      case 'neighbour':
        return this.#onNeighbour(event.peer, event.packet)
      case 'peerLeft':
        for (const known of [this.#neighbours, this.#packets, this.#caughtUp]) known.delete(event.peer)
        return
      case 'missingVotesRequested':
        return this.#onMissingVotes(event.peer, event.packet)
      case 'catchUpRequested':
        return this.#onCatchUpRequest(event.peer, event.request)
      case 'catchUpReceived':
        return this.#onCatchUp(event.peer, event.response)
      case 'catchUpFailed':
        if (this.#catchUp?.peer === event.peer) this.#dropCatchUp()
        return
      case 'timer':
        return this.#onTimer(event.id)
    }
  }

  // ---------------------------------------------------------------- start and rounds

  #start(): void {
    const { voters, records = [] } = this.#config
    const stored = readRecords(voters.setId, records, Number(LIVE_ROUNDS_BEHIND) + 1).filter(
      (entry) => entry.base !== undefined,
    )
    this.#current = stored.at(-1)?.round ?? 1n
    for (const { round, base, intents, votes } of stored) {
      if (round + LIVE_ROUNDS_BEHIND < this.#current || base === undefined) continue
      const live = this.#open(round, base)
      if (base.number > this.#roundFinal.number) this.#roundFinal = base
      for (const { after, ...intent } of intents) {
        live.own[intent.kind] = intent
        if (intent.kind === 'prevote') live.round.prevotedAt = after
        if (intent.kind === 'precommit') live.round.precommittedAt = after
      }
      for (const vote of votes) {
        if (this.#isOwn(vote)) live.signed[vote.kind] = vote
        this.#count(vote, false)
      }
    }
    if (stored.length === 0) this.#begin(1n, this.#config.base)
    this.#roundStartedMs = this.#now
    this.#lastPullMs = this.#now
    this.#lastResendMs = this.#now
    // What was voted before the restart is the vote: it is sent again, never made anew.
    for (const live of this.#liveRounds())
      for (const vote of Object.values(live.signed)) this.#emit({ type: 'sendVote', vote })
    if (!this.#silent) this.#signIntents()
    this.#emit({ type: 'setTimer', id: 'tick', delayMs: this.#config.gossipMs })
  }

  /** Signs what was decided before a crash and never signed. */
  #signIntents(): void {
    if (this.#config.local === undefined) return
    for (const live of this.#liveRounds())
      for (const kind of ['primary', 'prevote', 'precommit'] as const) {
        const vote = live.own[kind]
        if (vote !== undefined && live.signed[kind] === undefined) this.#emit({ type: 'signAndSendVote', vote })
      }
  }

  #allowVotes(): void {
    if (!this.#silent) return
    this.#silent = false
    const live = this.#rounds.get(this.#current)
    if (live !== undefined && this.#config.local !== undefined) {
      live.mayVote = true
      // Its timers were not set for a voter that only listened.
      live.startedAtMs = undefined
    }
    this.#signIntents()
  }

  #open(number: bigint, base: BlockRef): LiveRound {
    const round = new Round(number, this.#config.voters, base, this.#config.chain)
    return this.#adopt(round)
  }

  #adopt(round: Round): LiveRound {
    const live: LiveRound = {
      round,
      own: {},
      signed: {},
      startedAtMs: undefined,
      prevoteDue: false,
      precommitDue: false,
      mayVote: this.#config.local !== undefined && !this.#silent,
      hint: undefined,
      committed: -1n,
      committing: -1n,
    }
    this.#rounds.set(round.round, live)
    return live
  }

  #begin(number: bigint, base: BlockRef): void {
    const { setId } = this.#config.voters
    this.#current = number
    this.#roundStartedMs = this.#now
    this.#emit({ type: 'persist', record: baseRecord(setId, number, base), sync: false })
    this.#open(number, base)
    for (const round of this.#rounds.keys()) if (round + LIVE_ROUNDS_BEHIND < number) this.#rounds.delete(round)
    const outlived = number - LIVE_ROUNDS_BEHIND - HISTORY_ROUNDS
    if (outlived > 0n) this.#emit({ type: 'forget', prefix: roundPrefix(setId, outlived) })
    for (const [key, vote] of this.#early) {
      if (vote.round > number) continue
      this.#early.delete(key)
      if (vote.round === number) this.#count(vote)
    }
  }

  #liveRounds(): LiveRound[] {
    return [...this.#rounds.values()].sort((a, b) => (a.round.round < b.round.round ? -1 : 1))
  }

  /** The state of the round before, live: late votes there still move it. Round 0 has decided the set's base. */
  #before(round: bigint): RoundState | undefined {
    if (round > 1n) return this.#rounds.get(round - 1n)?.round.state
    const { base } = this.#config
    return { prevoteGhost: base, estimate: base, finalized: base, completable: true }
  }

  /** Does whatever the votes allow now, until nothing more follows. */
  #advance(): void {
    for (;;) {
      for (const live of this.#rounds.values()) this.#finalizeRound(live)
      const live = this.#rounds.get(this.#current)
      if (live === undefined) return
      this.#vote(live)
      if (!this.#mayLeave(live)) break
      this.#begin(this.#current + 1n, this.#roundFinal)
    }
    this.#tellNeighbours(false)
  }

  #mayLeave(live: LiveRound): boolean {
    const { completable, estimate } = live.round.state
    if (!completable || estimate === undefined || !this.#doneVoting(live)) return false
    const before = this.#before(this.#current)
    // Taken over by a catch-up: the round before is not known, and its estimate is below this round's.
    if (before === undefined) return true
    return before.estimate !== undefined && before.estimate.number <= this.#finalized.number
  }

  #doneVoting(live: LiveRound): boolean {
    // A round that a catch-up has passed over is not voted in any more.
    return !live.mayVote || live.own.precommit !== undefined || live.round.round < this.#current
  }

  // ---------------------------------------------------------------- voting

  #vote(live: LiveRound): void {
    const { chain, gossipMs, local, voters } = this.#config
    const { round } = live
    const before = this.#before(round.round)
    const estimate = before?.estimate
    if (estimate === undefined || !before?.completable) return
    if (live.startedAtMs === undefined) {
      // The timers of a round start when there is a block to vote on, so that empty rounds do not spin.
      const head = prevoteTarget(chain, estimate)
      if (head === undefined || head.number <= this.#finalized.number) {
        if (!round.state.completable) return
      } else {
        live.startedAtMs = this.#now
        if (live.mayVote) {
          this.#timer(`prevote:${round.round}`, PREVOTE_AFTER * gossipMs)
          this.#timer(`precommit:${round.round}`, PRECOMMIT_AFTER * gossipMs)
        }
      }
    }
    if (!live.mayVote || local === undefined) return
    if (live.own.prevote === undefined) {
      const primary = voters.primaryOf(round.round) === local
      if (primary && live.own.primary === undefined && estimate.number > this.#finalized.number)
        this.#cast(live, 'primary', estimate)
      this.#prevote(live, before, estimate)
    }
    if (live.own.prevote !== undefined && live.own.precommit === undefined) this.#precommit(live, estimate)
  }

  #prevote(live: LiveRound, before: RoundState, estimate: BlockRef): void {
    const { chain } = this.#config
    const { round } = live
    const target = prevoteTarget(chain, this.#hinted(live, before, estimate))
    const due = live.prevoteDue || round.state.completable
    // Nothing is left to propose when the estimate is final: then the timer serves nobody.
    const early = estimate.number <= this.#finalized.number && target !== undefined && target.number > estimate.number
    if (!due && !early) return
    if (target === undefined) {
      // The block has vanished: a precommit without a prevote would be no honest vote.
      live.mayVote = false
      return
    }
    round.prevotedAt = round.history.length
    this.#cast(live, 'prevote', target)
  }

  /** What the prevote must contain: the primary's hint where it lies between the estimate and G of the round before. */
  #hinted(live: LiveRound, { prevoteGhost }: RoundState, estimate: BlockRef): BlockRef {
    const { hint } = live
    const { chain } = this.#config
    if (hint === undefined || prevoteGhost === undefined) return estimate
    if (chain.header(hint.hash)?.number !== hint.number) return estimate
    const between = isAncestorOrSelf(chain, estimate, hint.hash) && isAncestorOrSelf(chain, hint, prevoteGhost.hash)
    return between ? hint : estimate
  }

  #precommit(live: LiveRound, estimate: BlockRef): void {
    const { round } = live
    const { prevoteGhost, completable } = round.state
    if (prevoteGhost === undefined || !isAncestorOrSelf(this.#config.chain, estimate, prevoteGhost.hash)) return
    if (!live.precommitDue && !completable && !round.prevotesSettled()) return
    round.precommittedAt = round.history.length
    this.#cast(live, 'precommit', prevoteGhost)
  }

  #cast(live: LiveRound, kind: VoteKind, { number, hash }: BlockRef): void {
    const vote: UnsignedVote = { setId: this.#config.voters.setId, round: live.round.round, kind, number, hash }
    live.own[kind] = vote
    this.#emit({ type: 'persist', record: intentRecord(vote, live.round.history.length), sync: true })
    this.#emit({ type: 'signAndSendVote', vote })
  }

  #isOwn(vote: SignedVote): boolean {
    return vote.voter === this.#config.local
  }

  // ---------------------------------------------------------------- votes

  #onVote(vote: SignedVote, peer: string | undefined): void {
    const { voters, verifyVote } = this.#config
    if (vote.setId !== voters.setId) return this.#verdict('ignore')
    if (voters.at(vote.voter) === undefined) return this.#blame(peer, COST_UNKNOWN_VOTER, 'vote of an unknown voter')
    if (vote.round + LIVE_ROUNDS_BEHIND < this.#current || vote.round > this.#current + ROUNDS_AHEAD)
      return this.#verdict('ignore')
    const live = this.#rounds.get(vote.round)
    const phase = vote.kind === 'primary' ? undefined : vote.kind
    if (live !== undefined && phase !== undefined) {
      const held = live.round.votesOf(phase, vote.voter)
      if (held.length === 2 || held.some((other) => sameBlock(other, vote))) return this.#verdict('ignore')
    }
    if (!verifyVote(vote)) return this.#blame(peer, COST_BAD_SIGNATURE, 'vote with a bad signature')
    if (live === undefined) {
      const fresh = vote.round > this.#current && this.#keepEarly(vote)
      return this.#verdict(fresh ? 'accept' : 'ignore')
    }
    this.#verdict('accept')
    this.#count(vote)
  }

  #keepEarly(vote: SignedVote): boolean {
    const key = `${vote.round}/${vote.kind}/${vote.voter}/${vote.number}/${vote.hash}`
    if (this.#early.has(key)) return false
    const phase = `${vote.round}/${vote.kind}/${vote.voter}/`
    const same = [...this.#early.keys()].filter((other) => other.startsWith(phase)).length
    if (same >= 2 || this.#early.size >= EARLY_VOTES_PER_VOTER * this.#config.voters.size) return false
    this.#early.set(key, vote)
    return true
  }

  /** Counts a vote whose signature is known to be good. */
  #count(vote: SignedVote, persist = true): void {
    const live = this.#rounds.get(vote.round)
    if (live === undefined) return
    const { kind, voter } = vote
    if (this.#isOwn(vote)) {
      const signed = live.signed[kind]
      if (signed !== undefined && signed.hash !== vote.hash)
        return this.#halt('our own key has voted differently elsewhere')
      // A vote of ours that this disk does not know was made before the disk was lost; it binds, a mere intent does not.
      live.own[kind] = vote
      live.signed[kind] = vote
    }
    if (kind === 'primary') {
      if (voter === this.#config.voters.primaryOf(vote.round)) live.hint ??= { number: vote.number, hash: vote.hash }
      if (persist && this.#isOwn(vote)) this.#emit({ type: 'persist', record: voteRecord(vote, 0, 0), sync: false })
      return
    }
    const outcome = live.round.import(kind, vote)
    if (outcome === 'unknown-block') this.#parking.addVote(vote, this.#now)
    if (outcome !== 'accepted' && outcome !== 'equivocation') return
    const ordinal = outcome === 'accepted' ? 0 : 1
    if (persist)
      this.#emit({ type: 'persist', record: voteRecord(vote, ordinal, live.round.history.length - 1), sync: false })
    if (outcome === 'equivocation') this.#reportEquivocation(live, vote)
  }

  #reportEquivocation(live: LiveRound, vote: SignedVote): void {
    if (vote.kind === 'primary' || this.#isOwn(vote)) return
    const [first, second] = live.round.votesOf(vote.kind, vote.voter)
    const offender = this.#config.voters.at(vote.voter)?.id
    if (first !== undefined && second !== undefined && offender !== undefined)
      this.#emit({ type: 'equivocation', evidence: { offender, first, second } })
  }

  /** Whether a block is known, or lies beside the final chain and will not come any more. */
  #settled({ number, hash }: BlockRef): boolean {
    const { chain } = this.#config
    return chain.header(hash) !== undefined || number <= chain.finalized().number
  }

  #unpark(): void {
    const { chain } = this.#config
    const ready = this.#parking.take((parked) =>
      parked.type === 'vote'
        ? this.#settled(parked.vote) || !this.#rounds.has(parked.vote.round)
        : parked.commit.target.number <= this.#finalized.number ||
          (blocksOf(parked.commit).every(({ hash }) => chain.header(hash) !== undefined) &&
            !this.#beyondLimit(parked.commit.target)),
    )
    for (const parked of ready)
      if (parked.type === 'vote') this.#count(parked.vote)
      else this.#onCommit(parked.commit, parked.peer)
    if (this.#waitingCatchUp === undefined) return
    const { peer, response, deadlineMs } = this.#waitingCatchUp
    const complete =
      chain.header(response.base.hash) !== undefined && response.targets.every((block) => this.#settled(block))
    if (!complete && deadlineMs > this.#now) return
    this.#waitingCatchUp = undefined
    if (complete) this.#takeCatchUp(peer, response, deadlineMs)
    else this.#neighbours.delete(peer)
  }

  // ---------------------------------------------------------------- finality and commits

  #finalizeRound(live: LiveRound): void {
    const { finalized, completable } = live.round.state
    if (finalized === undefined || !completable || !this.#doneVoting(live)) return
    if (finalized.number > this.#roundFinal.number) this.#roundFinal = finalized
    if (finalized.number > this.#finalized.number) {
      const commit = buildCommit(live.round, finalized, this.#config.chain)
      if (commit !== undefined) this.#finalize(commit)
    }
    const announce = finalized.number > live.committed && finalized.number > live.committing
    if (announce && this.#config.local !== undefined && finalized.number > live.round.base.number) {
      live.committing = finalized.number
      this.#timer(`commit:${live.round.round}`, this.#commitDelay(live.round.round))
    }
  }

  /** In [0, 2T), different for every voter and round, so that mostly one of them speaks. */
  #commitDelay(round: bigint): number {
    const { gossipMs, local = 0, voters } = this.#config
    const place = (BigInt(local) + 7n * round) % BigInt(voters.size)
    return (2 * gossipMs * Number(place)) / voters.size
  }

  #finalize(commit: Commit): void {
    const { chain } = this.#config
    const { target } = commit
    if (target.number <= this.#finalized.number || this.#beyondLimit(target)) return
    if (!isAncestorOrSelf(chain, this.#finalized, target.hash))
      return this.#halt(`block ${target.number} ${target.hash} is final beside ${this.#finalized.hash}`)
    this.#finalized = target
    this.#emit({ type: 'finalize', block: target, commit, ancestry: commitAncestry(commit, chain) })
  }

  /** Every epoch's last block gets a justification of its own: what lies above it waits (consensus.md, 2.10). */
  #beyondLimit({ number }: BlockRef): boolean {
    const limit = this.#config.chain.voteLimit()
    return limit !== undefined && number > limit
  }

  #onCommit(commit: Commit, peer: string | undefined): void {
    const { voters, chain, verifyVote } = this.#config
    if (commit.setId !== voters.setId) return this.#verdict('ignore')
    const live = this.#rounds.get(commit.round)
    if (
      commit.target.number <= this.#finalized.number &&
      (live === undefined || live.committed >= commit.target.number)
    )
      return this.#verdict('ignore')
    const unknown = blocksOf(commit).some(({ hash }) => chain.header(hash) === undefined)
    if (unknown || this.#beyondLimit(commit.target)) {
      if (commit.target.number > this.#finalized.number) this.#park(commit, peer)
      return this.#verdict('ignore')
    }
    const checked = checkCommit(commit, voters, (hash) => chain.header(hash), verifyVote)
    if (!checked.ok) {
      if (checked.error === 'unknown-block') return this.#verdict('ignore')
      return this.#blame(peer, COST_INVALID_COMMIT, `invalid commit: ${checked.error}`)
    }
    if (live !== undefined) {
      if (commit.target.number > live.committed) live.committed = commit.target.number
      for (const vote of checked.value.votes) this.#count(vote)
    }
    const news = commit.target.number > this.#finalized.number
    this.#finalize(commit)
    this.#verdict(news ? 'accept' : 'ignore')
  }

  /** Only what a supermajority has signed may wait: junk would crowd it out, and have blocks fetched that do not exist. */
  #park(commit: Commit, peer: string | undefined): void {
    const { voters, verifyVote } = this.#config
    if (this.#parking.holdsCommit(commit)) return
    const supported = checkSupport(commit, voters, verifyVote)
    if (supported.ok) this.#parking.addCommit(commit, peer, this.#now)
    else if (peer !== undefined) this.#report(peer, COST_INVALID_COMMIT, `invalid commit: ${supported.error}`)
  }

  // ---------------------------------------------------------------- peers

  #onNeighbour(peer: string, packet: NeighbourPacket): void {
    if (packet.setId !== this.#config.voters.setId) return
    const before = this.#neighbours.get(peer)
    if (before === undefined && this.#neighbours.size >= MAX_NEIGHBOURS) return
    const packets = (this.#packets.get(peer) ?? 0) + 1
    this.#packets.set(peer, packets)
    if (packets > MAX_PACKETS_PER_TICK)
      return this.#report(peer, COST_TOO_MANY_PACKETS, 'more neighbour packets than news')
    // Rounds may go back over a crash; what is final is on disk before it is told. Each packet has a stream of its own, so one may
    // overtake another.
    if (before !== undefined && packet.finalizedNumber < before.finalizedNumber) {
      if (before.finalizedNumber - packet.finalizedNumber <= OVERTAKEN_BLOCKS) return
      this.#report(peer, COST_BACKWARDS, 'its last final block went backwards')
    }
    this.#neighbours.set(peer, packet)
    if (packet.round < this.#current) this.#emit({ type: 'sendNeighbour', packet: this.neighbourPacket(), peer })
    this.#maybeCatchUp()
  }

  /** Asks the first of those that are ahead for a round that it has left; whoever shows nothing goes to the end of the line. */
  #maybeCatchUp(): void {
    if (this.#catchUp !== undefined || this.#waitingCatchUp !== undefined) return
    const { stuck } = this
    const ahead = [...this.#neighbours].find(([, packet]) => {
      const far = packet.round > this.#current + CATCH_UP_GAP
      // One round apart for ever: the gap alone would never trigger (consensus.md, 1).
      const stalled = stuck && packet.round > this.#current
      return far || stalled
    })
    if (ahead === undefined) return
    const [peer, packet] = ahead
    const { setId } = this.#config.voters
    const round = packet.round - 1n
    this.#catchUp = { peer, round, deadlineMs: this.#now + CATCH_UP_TIMEOUT * this.#config.gossipMs }
    this.#emit({ type: 'requestCatchUp', peer, request: { setId, round } })
  }

  /** A peer that does not keep its word counts again with its next packet. */
  #dropCatchUp(): void {
    if (this.#catchUp === undefined) return
    const { peer } = this.#catchUp
    this.#catchUp = undefined
    this.#showedNothing(peer)
  }

  #showedNothing(peer: string): void {
    this.#neighbours.delete(peer)
    this.#report(peer, COST_NO_CATCH_UP, 'claimed a round and did not show it')
  }

  #onMissingVotes(peer: string, packet: NeighbourPacket): void {
    const votes: SignedVote[] = []
    if (packet.setId === this.#config.voters.setId)
      for (const inventory of packet.have) {
        const live = this.#rounds.get(inventory.round)
        if (live !== undefined)
          votes.push(...votesMissingFrom(inventory, live.round, MAX_VOTES_IN_ANSWER - votes.length))
      }
    this.#emit({ type: 'answerVotes', peer, votes })
  }

  #onCatchUpRequest(peer: string, { setId, round }: CatchUpRequest): void {
    const last = this.#rounds.get(this.#current - 1n)
    const again = this.#now - (this.#caughtUp.get(peer) ?? Number.NEGATIVE_INFINITY)
    const fits =
      setId === this.#config.voters.setId &&
      round < this.#current &&
      last?.round.state.completable &&
      again >= CATCH_UP_AGAIN_AFTER * this.#config.gossipMs
    if (fits && (this.#caughtUp.has(peer) || this.#caughtUp.size < MAX_NEIGHBOURS)) this.#caughtUp.set(peer, this.#now)
    this.#emit({ type: 'answerCatchUp', peer, response: fits && last ? buildCatchUp(last.round) : undefined })
  }

  #onCatchUp(peer: string, response: CatchUpResponse): void {
    // Only what was asked for is looked at: checking the signatures of a stranger's answer is work.
    if (this.#catchUp?.peer !== peer) return
    const { round } = this.#catchUp
    this.#catchUp = undefined
    if (response.round < round) return this.#blame(peer, COST_INVALID_CATCH_UP, 'a catch-up of an older round')
    this.#takeCatchUp(peer, response, this.#now + CATCH_UP_TIMEOUT * this.#config.gossipMs)
  }

  #takeCatchUp(peer: string, response: CatchUpResponse, deadlineMs: number): void {
    const { voters, chain, verifyVote } = this.#config
    if (response.round < this.#current) return
    const held = this.#rounds.get(response.round)
    const checked = checkCatchUp(response, voters, chain, held?.round, verifyVote)
    if (!checked.ok) {
      if (checked.error === 'unknown-block' && deadlineMs > this.#now)
        this.#waitingCatchUp = { peer, response, deadlineMs }
      else if (checked.error === 'invalid') this.#blame(peer, COST_INVALID_CATCH_UP, 'invalid catch-up')
      else this.#showedNothing(peer)
      return
    }
    const round = checked.value
    const live = this.#adopt(round)
    if (held !== undefined) {
      Object.assign(live.own, held.own)
      Object.assign(live.signed, held.signed)
    }
    live.mayVote = false
    this.#emit({ type: 'persist', record: baseRecord(voters.setId, round.round, round.base), sync: false })
    for (const [place, vote] of round.history.entries()) {
      const ordinal = round.votesOf(vote.kind as Phase, vote.voter)[0] === vote ? 0 : 1
      this.#emit({ type: 'persist', record: voteRecord(vote, ordinal, place), sync: false })
    }
    for (const base of [round.base, round.state.finalized])
      if (base !== undefined && base.number > this.#roundFinal.number) this.#roundFinal = base
    this.#finalizeRound(live)
    this.#begin(round.round + 1n, this.#roundFinal)
  }

  // ---------------------------------------------------------------- timers

  #onTimer(id: string): void {
    if (id === 'tick') return this.#onTick()
    const [what, round] = id.split(':')
    const live = this.#rounds.get(BigInt(round ?? 0))
    if (live === undefined) return
    if (what === 'prevote') live.prevoteDue = true
    else if (what === 'precommit') live.precommitDue = true
    else if (what === 'commit') this.#announceCommit(live)
  }

  #announceCommit(live: LiveRound): void {
    const { finalized } = live.round.state
    if (finalized === undefined || live.committed >= finalized.number) return
    const commit = buildCommit(live.round, finalized, this.#config.chain)
    if (commit === undefined) return
    live.committed = commit.target.number
    this.#emit({ type: 'sendCommit', commit })
  }

  #onTick(): void {
    const { gossipMs, chain } = this.#config
    this.#timer('tick', gossipMs)
    this.#packets.clear()
    this.#unpark()
    for (const hash of this.#parking.missingSince(this.#now - REQUEST_BLOCK_AFTER * gossipMs))
      if (chain.header(hash) === undefined) this.#emit({ type: 'requestBlock', hash })
    if (this.#catchUp !== undefined && this.#catchUp.deadlineMs <= this.#now) this.#dropCatchUp()
    if (this.#waitingCatchUp !== undefined)
      for (const block of [this.#waitingCatchUp.response.base, ...this.#waitingCatchUp.response.targets])
        if (!this.#settled(block)) this.#emit({ type: 'requestBlock', hash: block.hash })
    this.#maybeCatchUp()
    this.#pullVotes()
    this.#resendOwnVotes()
    this.#tellNeighbours(true)
  }

  #lateBy(durations: number): boolean {
    const live = this.#rounds.get(this.#current)
    const othersAhead = [...this.#neighbours.values()].some((packet) => packet.round > this.#current)
    if (live?.startedAtMs === undefined && !othersAhead) return false
    return this.#now - Math.max(this.#roundStartedMs, live?.startedAtMs ?? 0) >= durations * this.#config.gossipMs
  }

  /** Of whom a stuck node asks for votes that it seems to have: some voters in each turn of the peers, for answers are bounded. */
  #asksAgain(): (voter: number) => boolean {
    const windows = Math.ceil(this.#config.voters.size / VOTERS_ASKED_AGAIN)
    const turn = Math.floor(this.#pullTurn / Math.max(1, this.#neighbours.size)) % windows
    return (voter) => Math.floor(voter / VOTERS_ASKED_AGAIN) === turn
  }

  /** Asks the peers in turn for the votes that this node lacks: gossip alone cannot bring back what was lost. */
  #pullVotes(): void {
    const { gossipMs } = this.#config
    if (!this.#lateBy(PULL_AFTER) || this.#now - this.#lastPullMs < PULL_AFTER * gossipMs) return
    const peers = [...this.#neighbours.keys()]
    const peer = peers[this.#pullTurn % peers.length]
    if (peer === undefined) return
    this.#pullTurn++
    this.#lastPullMs = this.#now
    this.#emit({ type: 'pullVotes', peer, packet: this.neighbourPacket(true) })
  }

  #resendOwnVotes(): void {
    const { gossipMs } = this.#config
    if (!this.#lateBy(RESEND_AFTER) || this.#now - this.#lastResendMs < RESEND_AFTER * gossipMs) return
    this.#lastResendMs = this.#now
    for (const live of this.#liveRounds())
      for (const vote of Object.values(live.signed)) this.#emit({ type: 'sendVote', vote })
  }

  #tellNeighbours(onTick: boolean): void {
    const { gossipMs } = this.#config
    const position = `${this.#current}/${this.#finalized.number}`
    const age = this.#now - this.#lastNeighbourMs
    const news = position !== this.#lastNeighbour && (onTick || age >= gossipMs)
    const every = this.#lateBy(PULL_AFTER) ? NEIGHBOUR_EVERY_WHEN_LATE : NEIGHBOUR_EVERY
    if (!news && !(onTick && age >= every * gossipMs)) return
    this.#lastNeighbour = position
    this.#lastNeighbourMs = this.#now
    this.#emit({ type: 'sendNeighbour', packet: this.neighbourPacket() })
  }

  // ---------------------------------------------------------------- effects

  #timer(id: string, delayMs: number): void {
    this.#emit({ type: 'setTimer', id, delayMs })
  }

  #verdict(verdict: 'accept' | 'ignore' | 'reject'): void {
    this.#emit({ type: 'verdict', verdict })
  }

  #blame(peer: string | undefined, delta: number, reason: string): void {
    if (peer !== undefined) this.#report(peer, delta, reason)
    this.#verdict('reject')
  }

  #report(peer: string, delta: number, reason: string): void {
    this.#emit({ type: 'reportPeer', peer, delta, reason })
  }

  #halt(reason: string): void {
    this.#halted = true
    this.#emit({ type: 'halt', reason })
  }

  #emit(effect: VoterEffect): void {
    this.#effects.push(effect)
  }
}
