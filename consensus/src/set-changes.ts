import type { SignedVote } from './types.ts'

/** Votes of the next set that wait for it: one round of a set of 256; what is lost is pulled later. */
export const MAX_EARLY_VOTES = 512
/** Of them, those that one peer may bring. */
const MAX_EARLY_VOTES_OF_PEER = 128
/** Voters that announce the commit of an epoch's last block when the next set takes over: one may be faulty or away. */
const ANNOUNCERS = 3n

/** A vote of the next set, unchecked, and the peer that is ahead. */
export interface EarlyVote {
  readonly vote: SignedVote
  readonly peer: string
}

/**
 * When one voter set gives way to the next (consensus.md, 2.10): each epoch's last block becomes final by itself, and where
 * the state of that block names another set, the old one ends on it. Pure: the shell writes down and hands over.
 */
export class SetChanges {
  readonly #epochBlocks: bigint
  /** Where the present set ends, once that is known. */
  #ended: bigint | undefined
  #early: EarlyVote[] = []
  /** The epoch's last block that a peer is asked about. */
  #asking: bigint | undefined

  constructor(epochBlocks: bigint) {
    this.#epochBlocks = epochBlocks
  }

  /** The last block of the epoch that follows, or goes on after, a final number. */
  epochEnd(final: bigint): bigint {
    return (final / this.#epochBlocks + 1n) * this.#epochBlocks
  }

  /** The highest number that the present set may vote for. */
  voteLimit(final: bigint): bigint {
    return this.#ended ?? this.epochEnd(final)
  }

  /** Whether the set in office ends on a block that became final; `next` is the set in force for the block's children. */
  closes(final: bigint, present: bigint, next: bigint): boolean {
    if (final % this.#epochBlocks !== 0n || next === present) return false
    if (next !== present + 1n) throw new Error(`set ${next} follows set ${present}`)
    return true
  }

  /** From here on the old set votes for nothing above, whatever its rounds still do. */
  end(final: bigint): void {
    this.#ended = final
  }

  /** The next set is in office: gives the votes that came for it too early. */
  begin(): readonly EarlyVote[] {
    this.#ended = undefined
    return this.#early.splice(0)
  }

  /** Keeps a vote of the set that comes next. */
  keep(vote: SignedVote, peer: string): void {
    const places = this.#early.filter((other) => other.peer === peer).length
    if (places < MAX_EARLY_VOTES_OF_PEER && this.#early.length < MAX_EARLY_VOTES) this.#early.push({ vote, peer })
  }

  /** The old set's voters no longer speak when their rounds end: a few tell the others what the handover rests on. */
  announces(place: number | undefined, final: bigint, voters: number): boolean {
    return place !== undefined && (BigInt(place) + final) % BigInt(voters) < ANNOUNCERS
  }

  /** The block to ask a peer about that has passed our epoch's end, though votes and commits passed us by. */
  asksFor(theirFinal: bigint, ourFinal: bigint): bigint | undefined {
    const number = this.epochEnd(ourFinal)
    if (theirFinal < number || this.#asking === number) return undefined
    this.#asking = number
    return number
  }

  /** The question was answered, or came to nothing. */
  asked(number: bigint): void {
    if (this.#asking === number) this.#asking = undefined
  }
}
