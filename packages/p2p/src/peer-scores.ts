import type { PeerId } from '@hawser/chain'
import { BAN_MS, BAN_SCORE, MAX_SCORE } from './limits.ts'

/** Peers whose score is remembered, connected or not: who leaves and comes back stands where he stood. */
const MAX_SCORED = 2_000
/** Bans that are kept; of more, those that end first are forgotten. */
const MAX_BANS = 5_000
/** How fast a bad score fades, a second: mishaps are forgotten, a steady nuisance is not. */
const RECOVERY_PER_SECOND = 1

interface Score {
  value: number
  atMs: number
}

/** What peers have earned, and who is banned until when. */
export class PeerScores {
  readonly #scores = new Map<PeerId, Score>()
  readonly #bans: Map<PeerId, number>

  constructor(bans: Iterable<readonly [PeerId, number]> = []) {
    this.#bans = new Map(bans)
  }

  of(peer: PeerId, nowMs: number): number {
    const score = this.#scores.get(peer)
    if (!score || score.value >= 0) return score?.value ?? 0
    return Math.min(0, score.value + Math.floor(Math.max(0, nowMs - score.atMs) / 1000) * RECOVERY_PER_SECOND)
  }

  /** Adds to a score; true when the peer is banned for it. */
  add(peer: PeerId, delta: number, nowMs: number): boolean {
    const value = Math.min(MAX_SCORE, this.of(peer, nowMs) + delta)
    this.#scores.delete(peer)
    if (value <= BAN_SCORE) {
      this.#ban(peer, nowMs)
      return true
    }
    this.#scores.set(peer, { value, atMs: nowMs })
    const oldest = this.#scores.keys().next()
    if (this.#scores.size > MAX_SCORED && !oldest.done) this.#scores.delete(oldest.value)
    return false
  }

  isBanned(peer: PeerId, nowMs: number): boolean {
    return (this.#bans.get(peer) ?? 0) > nowMs
  }

  /** The bans that still hold, with their ends. */
  bans(nowMs: number): [PeerId, number][] {
    return [...this.#bans].filter(([, untilMs]) => untilMs > nowMs)
  }

  #ban(peer: PeerId, nowMs: number): void {
    this.#bans.set(peer, nowMs + BAN_MS)
    if (this.#bans.size <= MAX_BANS) return
    for (const [id, untilMs] of this.#bans) if (untilMs <= nowMs) this.#bans.delete(id)
    const soonest = [...this.#bans].sort((a, b) => a[1] - b[1]).slice(0, Math.max(0, this.#bans.size - MAX_BANS))
    for (const [id] of soonest) this.#bans.delete(id)
  }
}
