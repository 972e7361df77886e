import type { PeerId } from '@hawser/chain'
import { messageOf, spawn, type Clock, type Hash32, type Logger } from '@hawser/primitives'

/** Blocks that are wanted at the same time. */
export const MAX_WANTED = 1_024
/** Peers that are asked for one block at the same time; who is late does not count. */
export const MAX_ASKED_FOR_ONE = 4
const LATE_MS = 1_500
/** A peer that did not have a block is asked for it again after this time. */
export const AGAIN_MS = 1_000
/** What nobody has wanted for so long is asked for no more. */
export const FORGET_MS = 30_000

export interface WantedBlockParts {
  readonly peers: () => readonly PeerId[]
  readonly has: (hash: Hash32) => boolean
  /** Fetches a block from a peer, with what it stands on; false when the peer does not have it. */
  readonly fetch: (peer: PeerId, hash: Hash32) => Promise<boolean>
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly logger: Logger
}

interface Wanted {
  wantedMs: number
  /** When each peer was asked last. */
  readonly askedMs: Map<PeerId, number>
  /** Who is being asked. */
  readonly open: Set<PeerId>
}

/**
 * Blocks that are wanted by their hashes, nobody knows from whom, and some of which do not exist: a faulty validator can vote for anything.
 * Each is asked of every peer in turn, and the one that was asked for longest ago comes first, so that none hides another.
 */
export class WantedBlocks {
  readonly #parts: WantedBlockParts
  /** In the order in which they were asked for, or first wanted. */
  readonly #wanted = new Map<Hash32, Wanted>()
  /** Who is asked; one branch at a time of each peer. */
  readonly #busy = new Set<PeerId>()
  /** When each peer was asked for anything, as a count. */
  readonly #turns = new Map<PeerId, number>()
  #turn = 0
  #isDue = false

  constructor(parts: WantedBlockParts) {
    this.#parts = parts
  }

  /** Asks for a block until somebody has it, or it has not been wanted for FORGET_MS. */
  want(hash: Hash32): void {
    const { clock, signal } = this.#parts
    if (signal.aborted) return
    const known = this.#wanted.get(hash)
    if (known) known.wantedMs = clock.nowMs()
    else if (this.#makeRoom()) this.#wanted.set(hash, { wantedMs: clock.nowMs(), askedMs: new Map(), open: new Set() })
    this.#askSoon()
  }

  /** The peer is gone. */
  remove(peer: PeerId): void {
    this.#turns.delete(peer)
    for (const { askedMs } of this.#wanted.values()) askedMs.delete(peer)
  }

  /** What was asked for longest ago goes; what was never asked for stays, or whoever wants most would have all. */
  #makeRoom(): boolean {
    if (this.#wanted.size < MAX_WANTED) return true
    const [oldest] = this.#wanted
    if (!oldest || oldest[1].askedMs.size === 0) return false
    return this.#wanted.delete(oldest[0])
  }

  /** Once for all that is wanted at the same time. */
  #askSoon(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#ask()
    })
  }

  #ask(): void {
    const { peers, has, signal, clock } = this.#parts
    if (signal.aborted) return
    const nowMs = clock.nowMs()
    const turnOf = (peer: PeerId) => this.#turns.get(peer) ?? 0
    const idle = peers().filter((peer) => !this.#busy.has(peer))
    const free = new Set(idle.sort((a, b) => turnOf(a) - turnOf(b)))
    for (const [hash, wanted] of [...this.#wanted]) {
      if (free.size === 0) return
      if (has(hash) || nowMs - wanted.wantedMs > FORGET_MS) {
        this.#wanted.delete(hash)
        continue
      }
      for (let peer = nextPeer(wanted, free, nowMs); peer !== undefined; peer = nextPeer(wanted, free, nowMs)) {
        free.delete(peer)
        this.#askOf(peer, hash, wanted)
      }
    }
  }

  #askOf(peer: PeerId, hash: Hash32, wanted: Wanted): void {
    const { fetch, clock, logger } = this.#parts
    this.#wanted.delete(hash)
    this.#wanted.set(hash, wanted)
    this.#turns.set(peer, ++this.#turn)
    this.#busy.add(peer)
    wanted.askedMs.set(peer, clock.nowMs())
    wanted.open.add(peer)
    spawn(
      async () => {
        try {
          if (await fetch(peer, hash)) this.#wanted.delete(hash)
        } finally {
          this.#busy.delete(peer)
          wanted.open.delete(peer)
          this.#askSoon()
        }
      },
      (error) => logger.debug({ peer, hash, err: messageOf(error) }, 'a block that is wanted could not be fetched'),
    )
  }
}

/** Of the free peers the one that was asked for a block longest ago, and of those the first; none while enough are being asked. */
function nextPeer({ askedMs, open }: Wanted, free: Iterable<PeerId>, nowMs: number): PeerId | undefined {
  const sinceAsked = (peer: PeerId) => nowMs - (askedMs.get(peer) ?? -Infinity)
  if ([...open].filter((peer) => sinceAsked(peer) < LATE_MS).length >= MAX_ASKED_FOR_ONE) return undefined
  let best: PeerId | undefined
  for (const peer of free)
    if (sinceAsked(peer) >= AGAIN_MS && (best === undefined || sinceAsked(peer) > sinceAsked(best))) best = peer
  return best
}
