import type { PeerId } from '@hawser/chain'

/** Requests that one quick peer answers at the same time. */
const MAX_SLOTS = 3
/** How long a peer rests that did not answer, or refused to; twice as long each time, up to the most. */
const REST_MS = 5_000
const MAX_REST_MS = 120_000

interface SyncPeer {
  /** The best and the last final block that it claims. */
  head: bigint
  finalized: bigint
  /** It has nothing before this block. */
  first: bigint
  busy: number
  slots: number
  restUntilMs: number
  restMs: number
  /** How long answers took of late. */
  answerMs: number
}

/** Who has which blocks, and how many requests each can bear: who is slow loses slots, then rests; nobody is blamed for that. */
export class SyncPeers {
  readonly #peers = new Map<PeerId, SyncPeer>()

  claim(id: PeerId, head: bigint, finalized: bigint, first: bigint): void {
    const peer = this.#peers.get(id)
    if (peer) Object.assign(peer, { head, finalized, first })
    else
      this.#peers.set(id, { head, finalized, first, busy: 0, slots: 1, restUntilMs: 0, restMs: REST_MS, answerMs: 0 })
  }

  remove(id: PeerId): void {
    this.#peers.delete(id)
  }

  /** It does not have what it claimed: nothing from this block on is asked of it until it claims anew. */
  disprove(id: PeerId, from: bigint): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    if (peer.head >= from) peer.head = from - 1n
    if (peer.finalized >= from) peer.finalized = from - 1n
  }

  /** It cannot prove final what it claims to be. */
  disproveFinal(id: PeerId, finalized: bigint): void {
    const peer = this.#peers.get(id)
    if (peer) peer.finalized = finalized
  }

  /** The highest final block that a peer which does not rest claims. */
  highestFinal(nowMs: number): bigint {
    let highest = 0n
    for (const peer of this.#peers.values())
      if (peer.restUntilMs <= nowMs && peer.finalized > highest) highest = peer.finalized
    return highest
  }

  /** The peer that claims the highest head, and that head. */
  highestHead(nowMs: number): { readonly id: PeerId; readonly head: bigint } | undefined {
    let best: { id: PeerId; head: bigint } | undefined
    for (const [id, peer] of this.#peers)
      if (peer.restUntilMs <= nowMs && (!best || peer.head > best.head)) best = { id, head: peer.head }
    return best
  }

  /**
   * The best peer to ask for the blocks `from` to `to`, with a free slot, and the last of them that it has: one that has them all, the
   * quickest first; else, so that nobody's claim of more holds up what others have, the one that has most of them.
   */
  choose(
    from: bigint,
    to: bigint,
    final: boolean,
    nowMs: number,
    allowed: (id: PeerId) => boolean,
  ): { readonly id: PeerId; readonly to: bigint } | undefined {
    let best: { id: PeerId; to: bigint; load: number } | undefined
    for (const [id, peer] of this.#peers) {
      const last = final ? peer.finalized : peer.head
      if (peer.busy >= peer.slots || peer.restUntilMs > nowMs || last < from || peer.first > from || !allowed(id))
        continue
      const one = { id, to: last < to ? last : to, load: (peer.busy + 1) * (peer.answerMs + 1) }
      if (!best || one.to > best.to || (one.to === best.to && one.load < best.load)) best = one
    }
    return best
  }

  asked(id: PeerId): void {
    const peer = this.#peers.get(id)
    if (peer) peer.busy++
  }

  /** `tookMs` is not known when nobody waited for the answer any more. */
  answered(id: PeerId, tookMs: number | undefined): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    peer.busy--
    if (tookMs === undefined) return
    peer.answerMs = peer.answerMs === 0 ? tookMs : (3 * peer.answerMs + tookMs) / 4
    peer.slots = Math.min(MAX_SLOTS, peer.slots + 1)
    peer.restMs = REST_MS
  }

  /** It did not deliver, and is left alone for a while. */
  failed(id: PeerId, nowMs: number): void {
    const peer = this.#peers.get(id)
    if (!peer) return
    peer.busy--
    peer.slots = 1
    peer.restUntilMs = nowMs + peer.restMs
    peer.restMs = Math.min(MAX_REST_MS, 2 * peer.restMs)
  }
}
