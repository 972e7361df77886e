import type { Hash32 } from '@hawser/primitives'
import { blocksOf } from './commit.ts'
import type { Commit, SignedVote } from './types.ts'

/** Different votes of one voter in one phase of one round that may wait: two prove an equivocation. */
export const MAX_PARKED_PER_VOTER_PHASE = 2
/** Commits that may wait for blocks. */
export const MAX_PARKED_COMMITS = 64

/** What waits for a block. */
export type Parked =
  | { readonly type: 'vote'; readonly vote: SignedVote; readonly sinceMs: number }
  | { readonly type: 'commit'; readonly commit: Commit; readonly peer: string | undefined; readonly sinceMs: number }

/** Votes and commits with good signatures that name blocks not imported yet (consensus.md, 2.8); bounded. */
export class Parking {
  readonly #votes = new Map<string, Parked & { type: 'vote' }>()
  readonly #perPhase = new Map<string, number>()
  #commits: (Parked & { type: 'commit' })[] = []

  /** Parks a vote; false when it waits already or its voter has two waiting. */
  addVote(vote: SignedVote, nowMs: number): boolean {
    const phase = `${vote.round}/${vote.kind}/${vote.voter}`
    const key = `${phase}/${vote.number}/${vote.hash}`
    const count = this.#perPhase.get(phase) ?? 0
    if (this.#votes.has(key) || count >= MAX_PARKED_PER_VOTER_PHASE) return false
    this.#perPhase.set(phase, count + 1)
    this.#votes.set(key, { type: 'vote', vote, sinceMs: nowMs })
    return true
  }

  /** Whether a commit of the same round for the same block waits already. */
  holdsCommit({ round, target }: Commit): boolean {
    return this.#commits.some(({ commit }) => commit.round === round && commit.target.hash === target.hash)
  }

  /** Parks a commit; the oldest makes room. */
  addCommit(commit: Commit, peer: string | undefined, nowMs: number): void {
    if (this.#commits.length >= MAX_PARKED_COMMITS) this.#commits.shift()
    this.#commits.push({ type: 'commit', commit, peer, sinceMs: nowMs })
  }

  /** Takes out what satisfies the condition. */
  take(ready: (parked: Parked) => boolean): Parked[] {
    const taken: Parked[] = []
    for (const [key, parked] of this.#votes)
      if (ready(parked)) {
        this.#votes.delete(key)
        const phase = `${parked.vote.round}/${parked.vote.kind}/${parked.vote.voter}`
        const count = (this.#perPhase.get(phase) ?? 1) - 1
        if (count === 0) this.#perPhase.delete(phase)
        else this.#perPhase.set(phase, count)
        taken.push(parked)
      }
    const staying: (Parked & { type: 'commit' })[] = []
    for (const parked of this.#commits) (ready(parked) ? taken : staying).push(parked)
    this.#commits = staying
    return taken
  }

  /** The distinct blocks that something has waited for since before a time. */
  missingSince(beforeMs: number): Set<Hash32> {
    const missing = new Set<Hash32>()
    for (const parked of this.#votes.values()) if (parked.sinceMs <= beforeMs) missing.add(parked.vote.hash)
    for (const parked of this.#commits)
      if (parked.sinceMs <= beforeMs) for (const { hash } of blocksOf(parked.commit)) missing.add(hash)
    return missing
  }

  get size(): number {
    return this.#votes.size + this.#commits.length
  }
}
