import type { Common } from '@ethereumjs/common'
import {
  blockRef,
  type BlockImporter,
  type ChainStore,
  type FinalityGadget,
  type PeerId,
  type SealedBlock,
  type Transport,
} from '@hawser/chain'
import { isAppError, messageOf, spawn, toHex, type Clock, type Hash32, type Logger } from '@hawser/primitives'
import { decodeBlocks, encodeRangeRequest, type RangeEntry } from './block-messages.ts'
import { fetchBranch, type BesideListener } from './branch-fetch.ts'
import { Pace } from './pace.ts'
import type { StatusMessage } from './status-message.ts'
import { SyncPlan, type PlannedBlock, type SyncEffect, type SyncEvent } from './sync-plan.ts'
import { serveBlocks, type ServedChain } from './sync-server.ts'
import { WantedBlocks } from './wanted-blocks.ts'

/** How often a node asks one of its peers how far it has come, beside what gossip tells it. */
const CHECK_MS = 2_000
/** How often the plan looks at what waits too long. */
const TICK_MS = 500
/** What an answer costs that is not the block that was asked for, or a false one. */
const FALSE_BRANCH_SCORE = -100
/** So far behind, a run is worth a line in the log. */
const WORTH_TELLING = 8n

/** A transport that knows what peers say of their chains. */
export interface SyncTransport extends Transport {
  statusOf(peer: PeerId): StatusMessage | undefined
  refreshStatus(peer: PeerId): Promise<StatusMessage>
}

export interface SyncParts {
  readonly common: Common
  /** Blocks in an epoch: the set of validators may change with the last one. */
  readonly epochBlocks: number
  readonly store: ChainStore & ServedChain
  readonly importer: Pick<BlockImporter, 'import'>
  readonly finality: Pick<FinalityGadget, 'verify' | 'importJustification'>
  readonly onBlockBeside?: BesideListener
  readonly transport: SyncTransport
  readonly clock: Clock
  readonly logger: Logger
}

interface FetchedBlock extends PlannedBlock {
  readonly sealed: SealedBlock
  readonly justification: Uint8Array
}

/**
 * Fetches the blocks that this node lacks and serves those that it has. What to ask of whom is SyncPlan's; here are the requests, the
 * importer and the timers.
 */
export class SyncService {
  readonly #parts: SyncParts
  readonly #plan: SyncPlan<FetchedBlock>
  readonly #stops: (() => void)[] = []
  readonly #stopping = new AbortController()
  readonly #wanted: WantedBlocks
  /** Of the requests for blocks by their hashes, for each peer. */
  readonly #paces = new Map<PeerId, Pace>()
  #checks = 0
  #told = 0n

  constructor(parts: SyncParts) {
    this.#parts = parts
    this.#plan = new SyncPlan(parts.epochBlocks, () => parts.store.pointers())
    this.#wanted = new WantedBlocks({
      peers: () => parts.transport.peers().map(({ id }) => id),
      has: (hash) => parts.store.block(hash) !== undefined,
      fetch: (peer, hash) => this.#fetchBranch(peer, hash),
      signal: this.#stopping.signal,
      clock: parts.clock,
      logger: parts.logger,
    })
  }

  /** The highest block that a peer was known to have, while this node is behind it. */
  get progress(): { readonly syncing: boolean; readonly target: bigint } {
    return { syncing: this.#plan.shown > this.#parts.store.pointers().head.number + 2n, target: this.#plan.target }
  }

  start(): void {
    const { transport, store } = this.#parts
    this.#stops.push(
      serveBlocks(transport, store),
      transport.onPeer((peer, event) => {
        const status = transport.statusOf(peer)
        if (event === 'left') this.#left(peer)
        else if (status) this.#claimed(peer, status)
      }),
    )
    this.#every(CHECK_MS, () => this.#check())
    this.#every(TICK_MS, () => this.#handle({ type: 'tick' }))
  }

  stop(): void {
    this.#stopping.abort(new Error('sync stops'))
    for (const stop of this.#stops) stop()
  }

  /** Asks a peer how far it has come, and fetches what it has beyond this node. */
  catchUpWith(peer: PeerId): void {
    spawn(
      async () => this.#claimed(peer, await this.#parts.transport.refreshStatus(peer)),
      (error) => this.#parts.logger.debug({ peer, err: messageOf(error) }, 'a peer did not tell its status'),
    )
  }

  /** Fetches a block that finality votes name, with what it stands on, from whoever has it. */
  want(hash: Hash32): void {
    this.#wanted.want(hash)
  }

  async #fetchBranch(peer: PeerId, tip: Hash32): Promise<boolean> {
    const { transport, clock } = this.#parts
    const pace = this.#paces.get(peer) ?? new Pace('blocks-by-hash', clock)
    this.#paces.set(peer, pace)
    try {
      return await fetchBranch({ ...this.#parts, pace, signal: this.#stopping.signal }, peer, tip)
    } catch (error) {
      if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
        transport.report(peer, FALSE_BRANCH_SCORE, error.code)
      throw error
    }
  }

  /** One peer after the other is asked where it stands. */
  #check(): void {
    const peers = this.#parts.transport.peers()
    const peer = peers[this.#checks++ % Math.max(1, peers.length)]
    if (peer) this.catchUpWith(peer.id)
  }

  #left(peer: PeerId): void {
    this.#wanted.remove(peer)
    this.#paces.delete(peer)
    this.#handle({ type: 'left', peer })
  }

  #claimed(peer: PeerId, { head, finalized, first }: StatusMessage): void {
    this.#handle({ type: 'claimed', peer, head: head.number, finalized: finalized.number, first })
  }

  #handle(event: SyncEvent<FetchedBlock>): void {
    if (this.#stopping.signal.aborted) return
    for (const effect of this.#plan.handle(event, this.#parts.clock.nowMs())) this.#carryOut(effect)
    this.#tell()
  }

  #carryOut(effect: SyncEffect<FetchedBlock>): void {
    switch (effect.type) {
      case 'request':
        spawn(
          () => this.#request(effect.peer, effect.from, effect.count),
          (error) => this.#parts.logger.error({ err: messageOf(error) }, 'an answer could not be handled'),
        )
        return
      case 'import':
        spawn(
          () => this.#import(effect.blocks, effect.justified),
          (error) => this.#parts.logger.error({ err: messageOf(error) }, 'blocks could not be imported'),
        )
        return
      case 'report':
        this.#parts.transport.report(effect.peer, effect.delta, effect.reason)
    }
  }

  async #request(peer: PeerId, from: bigint, count: number): Promise<void> {
    const { transport, common, logger } = this.#parts
    try {
      const { signal } = this.#stopping
      const answer = await transport.request(peer, 'blocks-by-range', encodeRangeRequest(from, count), { signal })
      this.#handle({ type: 'answered', peer, from, blocks: decodeBlocks(answer, common, count).map(fetchedBlock) })
    } catch (error) {
      logger.debug({ peer, from: Number(from), err: messageOf(error) }, 'a range of blocks was not delivered')
      const bad = isAppError(error) && error.info.fault === 'peer' && !error.info.retry
      const why = bad ? 'bad' : isAppError(error, 'PEER_REFUSED') ? 'refused' : 'slow'
      this.#handle({ type: 'failed', peer, from, why })
    }
  }

  /** What is said to be final is proven before any of it is executed. */
  async #import(blocks: readonly FetchedBlock[], justified: boolean): Promise<void> {
    const { importer, finality, store } = this.#parts
    let at = blocks[blocks.length - 1] as FetchedBlock
    try {
      if (justified && (await finality.verify(at.justification))?.hash !== at.hash) {
        this.#handle({ type: 'refused', block: at, bad: true, reason: 'a justification that proves nothing' })
        return
      }
      for (at of blocks) {
        if (this.#stopping.signal.aborted) return
        await importer.import(at.sealed, 'sync')
      }
      if (justified && at.number > store.pointers().finalized.number)
        await finality.importJustification(at.justification, { number: at.number, hash: at.hash })
    } catch (error) {
      this.#parts.logger.debug({ number: Number(at.number), err: messageOf(error) }, 'a block of sync did not pass')
      const bad = isAppError(error) && error.info.fault === 'peer' && !error.info.retry
      const beside = isAppError(error, 'BLOCK_BESIDE_FINAL')
      const reason = isAppError(error) ? error.code : 'a block did not pass'
      this.#handle({ type: 'refused', block: at, bad, beside, reason })
      return
    }
    this.#handle({ type: 'imported' })
  }

  #tell(): void {
    const { store, logger } = this.#parts
    const head = store.pointers().head.number
    const { target } = this.#plan
    if (target === 0n) this.#told = 0n
    if (target < head + WORTH_TELLING || head < this.#told) return
    // Once at the start, then now and then: a sync of hours is seen to go on.
    this.#told = head + 10_000n
    logger.info({ from: Number(head), to: Number(target) }, 'syncing blocks')
  }

  #every(periodMs: number, task: () => void): void {
    let cancel = () => {}
    const again = () => {
      cancel = this.#parts.clock.after(periodMs, () => {
        again()
        task()
      })
    }
    again()
    this.#stops.push(() => cancel())
  }
}

function fetchedBlock({ sealed, justification, bytes }: RangeEntry): FetchedBlock {
  const { header } = sealed.block
  return {
    ...blockRef(sealed.block),
    parent: toHex(header.parentHash) as Hash32,
    justified: justification.length > 0,
    bytes,
    sealed,
    justification,
  }
}
