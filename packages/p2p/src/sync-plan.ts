import type { BlockRef, PeerId } from '@hawser/chain'
import type { Hash32 } from '@hawser/primitives'
import { MAX_RANGE_BLOCKS } from './limits.ts'
import { SyncPeers } from './sync-peers.ts'

/** Ranges that are asked for at the same time. */
export const MAX_ASKED = 12
/** How far ahead of the last block handed to the importer ranges are fetched, in blocks: some seconds of importing. */
export const MAX_AHEAD = 32 * MAX_RANGE_BLOCKS
/** What is fetched and not imported yet may take so many bytes; what is on the way is counted as the largest answer of late. */
export const MAX_HELD_BYTES = 64 * 1024 * 1024
/** Blocks that wait for a justification above them; more are imported without, each on its seal and its execution. */
export const MAX_UNJUSTIFIED = 1024
/** Blocks handed to the importer at once, unless a justification is further away. */
const MAX_SEGMENT = 64
/** A range on which all others wait is asked of one more peer after this time. */
const HEDGE_MS = 1_500
/** Between a run that failed and the next. */
const PAUSE_MS = 500
/** A range that so many answers did not serve ends the run; the next check begins anew. */
const MAX_TRIES = 8

/** Blocks that a peer claims to have and does not deliver. */
const UNDELIVERED_SCORE = -50
/** Blocks that do not follow on others: one of two peers lies, or the best chain moved. */
const UNLINKED_SCORE = -50
/** Blocks beside what is final, and proofs that prove nothing. */
const BAD_SCORE = -1_000
/** What was proven pays back a little of what bad luck cost. */
const PROVEN_SCORE = 5

/** A block as the plan sees it; what else it carries is the shell's. */
export interface PlannedBlock extends BlockRef {
  readonly parent: Hash32
  readonly justified: boolean
  readonly bytes: number
}

export type SyncEvent<B extends PlannedBlock> =
  /** What a peer said of its chain. */
  | {
      readonly type: 'claimed'
      readonly peer: PeerId
      readonly head: bigint
      readonly finalized: bigint
      /** It has no blocks before this one. */
      readonly first: bigint
    }
  | { readonly type: 'left'; readonly peer: PeerId }
  /** Blocks with ascending numbers from `from` on, at most as many as were asked for. */
  | { readonly type: 'answered'; readonly peer: PeerId; readonly from: bigint; readonly blocks: readonly B[] }
  /** `slow`: no answer, or none in time; `refused`: the peer says that it will not; `bad`: not what it must be. */
  | { readonly type: 'failed'; readonly peer: PeerId; readonly from: bigint; readonly why: 'slow' | 'refused' | 'bad' }
  | { readonly type: 'imported' }
  /** `block` did not pass; `bad` when that is its peer's fault, `beside` when finality chose another branch than the peer follows. */
  | {
      readonly type: 'refused'
      readonly block: B
      readonly bad: boolean
      readonly beside?: boolean
      readonly reason: string
    }
  /** Time passed. */
  | { readonly type: 'tick' }

export type SyncEffect<B extends PlannedBlock> =
  | { readonly type: 'request'; readonly peer: PeerId; readonly from: bigint; readonly count: number }
  /** In order; with `justified` the last one's justification is to be verified before anything is executed, and imported after. */
  | { readonly type: 'import'; readonly blocks: readonly B[]; readonly justified: boolean }
  | { readonly type: 'report'; readonly peer: PeerId; readonly delta: number; readonly reason: string }

/** Where the chain of this node stands. */
export interface Standing {
  readonly head: BlockRef
  readonly finalized: BlockRef
}

interface Range {
  readonly from: bigint
  readonly count: number
  /** Who is asked now, since when. */
  readonly asked: Map<PeerId, number>
  /** Who was of no use for it. */
  readonly excluded: Set<PeerId>
  tries: number
}

interface Run<B> {
  /** Blocks that are final at others come from all of them; above that one peer's best chain is followed. */
  readonly only: PeerId | undefined
  target: bigint
  /** The last block that follows on what is here: handed over or waiting. */
  tip: BlockRef
  tipPeer: PeerId | undefined
  /** Blocks up to the tip that were not handed over yet. */
  waiting: { readonly block: B; readonly peer: PeerId }[]
  /** Asked for or to be asked for, by first number. */
  readonly ranges: Map<bigint, Range>
  /** Fetched, not linked yet, by first number. */
  readonly fetched: Map<bigint, { readonly peer: PeerId; readonly blocks: readonly B[] }>
  /** The first number that no range covers yet. */
  next: bigint
  importing: { readonly block: B; readonly peer: PeerId }[] | undefined
  importingJustified: boolean
  /** A justification of this run was true: what it shows is no mere claim. */
  proven: boolean
}

/**
 * Which blocks to ask of whom, and when they go to the importer: from the last final block up, in ranges, several at a time, of all
 * peers that claim to have them final; the unfinal rest from one peer alone. No clock, no socket: `handle` takes events and says what to do.
 */
export class SyncPlan<B extends PlannedBlock> {
  readonly #epochBlocks: bigint
  readonly #standing: () => Standing
  readonly #peers = new SyncPeers()
  #run: Run<B> | undefined
  #held = 0
  #largest = 256 * 1024
  #effects: SyncEffect<B>[] = []
  #now = 0
  #pausedUntilMs = 0

  /** A justification of an epoch's last block is never passed over: the set of validators may change there. */
  constructor(epochBlocks: number, standing: () => Standing) {
    this.#epochBlocks = BigInt(epochBlocks)
    this.#standing = standing
  }

  /** The highest block that is known to come: shown, not merely claimed; 0 when nothing is fetched. */
  get shown(): bigint {
    const run = this.#run
    if (!run) return 0n
    if (run.proven) return run.tip.number
    return run.importingJustified ? 0n : (run.importing?.at(-1)?.block.number ?? 0n)
  }

  /** What the run is heading for, as claimed. */
  get target(): bigint {
    return this.#run?.target ?? 0n
  }

  handle(event: SyncEvent<B>, nowMs: number): readonly SyncEffect<B>[] {
    this.#now = nowMs
    this.#effects = []
    switch (event.type) {
      case 'claimed':
        this.#peers.claim(event.peer, event.head, event.finalized, event.first)
        break
      case 'left':
        this.#leave(event.peer)
        break
      case 'answered':
        this.#answered(event.peer, event.from, event.blocks)
        break
      case 'failed':
        this.#failed(event.peer, event.from, event.why)
        break
      case 'imported':
        this.#imported()
        break
      case 'refused':
        this.#refused(event)
        break
      case 'tick':
        break
    }
    this.#advance()
    return this.#effects
  }

  #advance(): void {
    this.#begin()
    const run = this.#run
    if (!run) return
    this.#link(run)
    if (this.#run !== run) return
    this.#handOver(run)
    if (this.#run !== run) return
    if (this.#isDone(run)) {
      this.#finish(run)
      this.#begin()
    }
    if (this.#run) this.#ask(this.#run)
    if (this.#run && this.#isStuck(this.#run)) this.#end(this.#run)
  }

  /** Starts a run when a peer has more than this node. */
  #begin(): void {
    const { head, finalized } = this.#standing()
    const final = this.#peers.highestFinal(this.#now)
    if (this.#run) {
      if (this.#run.only === undefined && final > this.#run.target) this.#run.target = final
      return
    }
    if (this.#now < this.#pausedUntilMs) return
    const best = this.#peers.highestHead(this.#now)
    if (final > finalized.number) this.#run = newRun(undefined, final, finalized)
    else if (best && best.head > head.number) this.#run = newRun(best.id, best.head, finalized)
  }

  #isDone(run: Run<B>): boolean {
    return run.tip.number >= run.target && run.waiting.length === 0 && !run.importing
  }

  /** Nobody is asked and nothing is imported: whoever could be asked was of no use. */
  #isStuck(run: Run<B>): boolean {
    return !run.importing && [...run.ranges.values()].every((range) => range.asked.size === 0)
  }

  #finish(run: Run<B>): void {
    this.#run = undefined
    const { finalized } = this.#standing()
    if (run.only !== undefined || finalized.number >= run.target) return
    if (run.tipPeer !== undefined) {
      this.#report(run.tipPeer, UNDELIVERED_SCORE, 'a block claimed final came without its justification')
      this.#peers.disproveFinal(run.tipPeer, finalized.number)
    }
    this.#end(run)
  }

  /** Drops what is fetched; after a pause the next run begins at the last final block. */
  #end(run: Run<B>): void {
    if (this.#run === run) this.#run = undefined
    this.#held = 0
    this.#pausedUntilMs = this.#now + PAUSE_MS
  }

  // ---------------------------------------------------------------- asking

  #ask(run: Run<B>): void {
    const limit = run.tip.number - BigInt(run.waiting.length) + BigInt(MAX_AHEAD)
    while (run.next <= run.target && run.next <= limit && run.ranges.size < 2 * MAX_ASKED) {
      const left = run.target - run.next + 1n
      const count = left < BigInt(MAX_RANGE_BLOCKS) ? Number(left) : MAX_RANGE_BLOCKS
      run.ranges.set(run.next, { from: run.next, count, asked: new Map(), excluded: new Set(), tries: 0 })
      run.next += BigInt(count)
    }
    let asked = 0
    for (const range of run.ranges.values()) asked += range.asked.size
    const inOrder = [...run.ranges.values()].sort((a, b) => Number(a.from - b.from))
    for (const [index, range] of inOrder.entries()) {
      if (asked >= MAX_ASKED) return
      // What all wait for is asked for in any case.
      if (index > 0 && this.#held + (asked + 1) * this.#largest > MAX_HELD_BYTES) return
      const first = [...range.asked.values()][0]
      if (first !== undefined && !(index === 0 && range.asked.size === 1 && this.#now - first >= HEDGE_MS)) continue
      const peer = this.#peers.choose(
        range.from,
        range.from + BigInt(range.count) - 1n,
        run.only === undefined,
        this.#now,
        (id) => (run.only === undefined || id === run.only) && !range.excluded.has(id) && !range.asked.has(id),
      )
      if (!peer) continue
      this.#peers.asked(peer.id)
      range.asked.set(peer.id, this.#now)
      asked++
      const count = Number(peer.to - range.from) + 1
      this.#effects.push({ type: 'request', peer: peer.id, from: range.from, count })
    }
  }

  #answered(peer: PeerId, from: bigint, blocks: readonly B[]): void {
    const range = this.#run?.ranges.get(from)
    const since = range?.asked.get(peer)
    this.#peers.answered(peer, since === undefined ? undefined : this.#now - since)
    if (!this.#run || !range || since === undefined) return
    range.asked.delete(peer)
    if (blocks.length === 0) {
      // A reorganisation may have taken it meanwhile; who claims for ever what he does not have loses his place.
      this.#report(peer, UNDELIVERED_SCORE, 'claimed blocks were not delivered')
      this.#peers.disprove(peer, from)
      this.#missed(range, peer)
      return
    }
    const bytes = sizeOf(blocks)
    this.#largest = Math.max(bytes, (7 * this.#largest + bytes) / 8)
    this.#held += bytes
    this.#run.ranges.delete(from)
    this.#run.fetched.set(from, { peer, blocks })
    if (blocks.length < range.count) {
      // Large blocks, or a peer that has no more: what is left is the next range.
      const rest = from + BigInt(blocks.length)
      const count = range.count - blocks.length
      this.#run.ranges.set(rest, { from: rest, count, asked: new Map(), excluded: new Set(), tries: 0 })
    }
  }

  #failed(peer: PeerId, from: bigint, why: 'slow' | 'refused' | 'bad'): void {
    this.#peers.failed(peer, this.#now)
    if (why === 'bad') this.#report(peer, BAD_SCORE, 'blocks that are none')
    if (why === 'refused') {
      // It may have reasons; who claims for ever what he does not give loses his place.
      this.#report(peer, UNDELIVERED_SCORE, 'claimed blocks were refused')
      this.#peers.disprove(peer, from)
    }
    const range = this.#run?.ranges.get(from)
    if (!range?.asked.delete(peer)) return
    this.#missed(range, peer)
  }

  #missed(range: Range, peer: PeerId): void {
    range.excluded.add(peer)
    range.tries++
    const run = this.#run
    if (run && (range.tries >= MAX_TRIES || run.only !== undefined)) {
      // Nothing is lost: blocks that were handed over are on their way in.
      if (run.only !== undefined) this.#peers.disprove(run.only, range.from)
      if (!run.importing) this.#end(run)
      else this.#cut(run)
    }
  }

  /** Ends a run as soon as what the importer has is done. */
  #cut(run: Run<B>): void {
    run.ranges.clear()
    run.fetched.clear()
    run.waiting = []
    run.tip = run.importing?.at(-1)?.block ?? run.tip
    run.target = run.tip.number
    run.next = run.target + 1n
    this.#held = sizeOf(run.importing?.map(({ block }) => block) ?? [])
  }

  #leave(peer: PeerId): void {
    this.#peers.remove(peer)
    const run = this.#run
    if (!run) return
    for (const range of run.ranges.values()) range.asked.delete(peer)
    if (run.only === peer) {
      if (run.importing) this.#cut(run)
      else this.#end(run)
    }
  }

  // ---------------------------------------------------------------- linking

  /** Puts what was fetched behind the tip, as far as it follows. */
  #link(run: Run<B>): void {
    for (;;) {
      const from = run.tip.number + 1n
      const fetched = run.fetched.get(from)
      if (!fetched) return
      let parent = run.tip.hash
      const broken = fetched.blocks.findIndex((block, index) => {
        const follows = block.parent === parent && block.number === from + BigInt(index)
        parent = block.hash
        return !follows
      })
      if (broken >= 0) {
        // What it does not follow on may prove true or false first.
        const undecided = run.importing !== undefined || run.waiting.some(({ block }) => block.justified)
        if (broken === 0 && run.only === undefined && undecided) return
        run.fetched.delete(from)
        this.#unlinked(run, fetched.peer, fetched.blocks, broken)
        return
      }
      run.fetched.delete(from)
      for (const block of fetched.blocks) run.waiting.push({ block, peer: fetched.peer })
      run.tip = fetched.blocks[fetched.blocks.length - 1] as B
      run.tipPeer = fetched.peer
    }
  }

  #unlinked(run: Run<B>, peer: PeerId, blocks: readonly B[], index: number): void {
    this.#held -= sizeOf(blocks)
    const from = run.tip.number + 1n
    const before = run.waiting.at(-1)
    if (index > 0) {
      this.#report(peer, BAD_SCORE, 'blocks that do not follow on one another')
      this.#again(run, from, blocks.length, [peer])
    } else if (run.only !== undefined) {
      // Its best chain moved while it was fetched, or lies beside what is final here.
      this.#report(peer, UNLINKED_SCORE, 'blocks that do not follow on what is here')
      this.#peers.disprove(peer, from)
      if (run.importing) this.#cut(run)
      else this.#end(run)
    } else if (!before) {
      const final = this.#standing().finalized.hash === run.tip.hash
      this.#report(peer, final ? BAD_SCORE : UNLINKED_SCORE, 'blocks that do not follow on what is here')
      this.#again(run, from, blocks.length, [peer])
    } else {
      // One of the two lies, and neither is proven: both parts are asked of others.
      const peers = new Set([peer, ...run.waiting.map((one) => one.peer)])
      for (const one of peers)
        this.#report(one, UNLINKED_SCORE, 'blocks of two peers that do not follow on one another')
      const first = run.waiting[0]?.block as B
      this.#held -= sizeOf(run.waiting.map(({ block }) => block))
      run.waiting = []
      run.tip = { number: first.number - 1n, hash: first.parent }
      this.#again(run, first.number, Number(from - first.number) + blocks.length, [...peers])
    }
  }

  #again(run: Run<B>, from: bigint, count: number, excluded: readonly PeerId[]): void {
    for (let at = from, left = count; left > 0; at += BigInt(MAX_RANGE_BLOCKS), left -= MAX_RANGE_BLOCKS)
      run.ranges.set(at, {
        from: at,
        count: Math.min(left, MAX_RANGE_BLOCKS),
        asked: new Map(),
        excluded: new Set(excluded),
        tries: 1,
      })
  }

  // ---------------------------------------------------------------- importing

  #handOver(run: Run<B>): void {
    if (run.importing || run.waiting.length === 0) return
    let end = -1
    let bare = -1
    for (const [index, { block, peer }] of run.waiting.entries()) {
      if (end >= 0 && index >= MAX_SEGMENT) break
      const isLast = block.number % this.#epochBlocks === 0n
      if (!block.justified) {
        if (isLast && bare < 0) bare = index
        continue
      }
      if (bare >= 0) {
        if (end < 0) this.#withhold(run, run.waiting[bare] ?? { block, peer })
        break
      }
      end = index
      if (isLast) break
    }
    if (this.#run !== run) return
    const justified = end >= 0
    if (!justified) {
      const complete = run.tip.number >= run.target
      if (run.only === undefined && !complete && run.waiting.length < MAX_UNJUSTIFIED) return
      end = Math.min(run.waiting.length, MAX_SEGMENT) - 1
    }
    run.importing = run.waiting.splice(0, end + 1)
    run.importingJustified = justified
    this.#effects.push({ type: 'import', blocks: run.importing.map(({ block }) => block), justified })
  }

  /** An epoch's last block came without the proof that whoever has the next one final must have. */
  #withhold(run: Run<B>, { block, peer }: { readonly block: B; readonly peer: PeerId }): void {
    this.#report(peer, UNDELIVERED_SCORE, 'the last block of an epoch came without its justification')
    this.#peers.disprove(peer, block.number)
    this.#end(run)
  }

  #imported(): void {
    const run = this.#run
    if (!run?.importing) return
    this.#held -= sizeOf(run.importing.map(({ block }) => block))
    if (run.importingJustified) {
      run.proven = true
      for (const peer of new Set(run.importing.map((one) => one.peer)))
        this.#report(peer, PROVEN_SCORE, 'blocks that are proven final')
    }
    run.importing = undefined
  }

  #refused({ block, bad, beside = false, reason }: Extract<SyncEvent<B>, { type: 'refused' }>): void {
    const run = this.#run
    const peer = run?.importing?.find((one) => one.block === block)?.peer
    if (bad && peer !== undefined) {
      // What is final here may not be known there yet: after a partition that is nobody's fault.
      this.#report(peer, beside ? UNLINKED_SCORE : BAD_SCORE, reason)
      this.#peers.disprove(peer, block.number)
    }
    if (run) this.#end(run)
  }

  #report(peer: PeerId, delta: number, reason: string): void {
    this.#effects.push({ type: 'report', peer, delta, reason })
  }
}

function newRun<B>(only: PeerId | undefined, target: bigint, base: BlockRef): Run<B> {
  return {
    only,
    target,
    tip: base,
    tipPeer: undefined,
    waiting: [],
    ranges: new Map(),
    fetched: new Map(),
    next: base.number + 1n,
    importing: undefined,
    importingJustified: false,
    proven: false,
  }
}

function sizeOf(blocks: readonly PlannedBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.bytes, 0)
}
