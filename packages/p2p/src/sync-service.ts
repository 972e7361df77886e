import type { Common } from '@ethereumjs/common'
import {
  blockHash,
  blockRef,
  type BlockImporter,
  type BlockRef,
  type ChainStore,
  type FinalityGadget,
  type PeerId,
  type SealedBlock,
  type Transport,
} from '@hawser/chain'
import { isAppError, messageOf, spawn, toHex, type Clock, type Hash32, type Logger } from '@hawser/primitives'
import { decodeBlocks, encodeHashRequest, encodeRangeRequest, type RangeEntry } from './block-messages.ts'
import { MAX_HASHES } from './limits.ts'
import type { StatusMessage } from './status-message.ts'
import { SyncPlan, type PlannedBlock, type SyncEffect, type SyncEvent } from './sync-plan.ts'
import { serveBlocks, type ServedChain } from './sync-server.ts'

/** How often a node asks one of its peers how far it has come, beside what gossip tells it. */
const CHECK_MS = 2_000
/** Blocks of a branch that finality has cut off, from one that votes name down to the final chain. */
const MAX_BESIDE = 64
/** How often the plan looks at what waits too long. */
const TICK_MS = 500
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
  /** Told of a block that lies on a branch which finality has cut off, parents first: votes for it count all the same. */
  readonly onBlockBeside?: (block: BlockRef & { readonly parentHash: Hash32 }) => void
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
  #checks = 0
  #told = 0n

  constructor(parts: SyncParts) {
    this.#parts = parts
    this.#plan = new SyncPlan(parts.epochBlocks, () => parts.store.pointers())
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
        if (event === 'left') this.#handle({ type: 'left', peer })
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

  /** Fetches single blocks by hash and imports them; for a finality vote on a block that never arrived. */
  async fetchByHash(peer: PeerId, hashes: readonly Hash32[]): Promise<void> {
    for (const sealed of await this.#blocksByHash(peer, hashes.slice(0, MAX_HASHES))) {
      try {
        await this.#parts.importer.import(sealed, 'sync')
      } catch (error) {
        if (!isAppError(error, 'BLOCK_UNKNOWN_PARENT') && !isAppError(error, 'BLOCK_BESIDE_FINAL')) throw error
        if (hashes.includes(blockHash(sealed.block))) await this.#learnBeside(peer, sealed)
      }
    }
  }

  /** Follows a block that cannot be imported down to the final chain, and tells of what lies between. */
  async #learnBeside(peer: PeerId, sealed: SealedBlock): Promise<void> {
    const { store, onBlockBeside } = this.#parts
    const path = [sealed.block.header]
    while (path.length <= MAX_BESIDE) {
      const { parentHash, number } = path[path.length - 1] as (typeof path)[0]
      const parent = toHex(parentHash) as Hash32
      if (store.canonicalHash(number - 1n) === parent) {
        for (const header of path.reverse())
          onBlockBeside?.({
            number: header.number,
            hash: blockHash(header),
            parentHash: toHex(header.parentHash) as Hash32,
          })
        return
      }
      const [next] = await this.#blocksByHash(peer, [parent])
      if (!next || blockHash(next.block) !== parent) return
      path.push(next.block.header)
    }
  }

  async #blocksByHash(peer: PeerId, hashes: readonly Hash32[]): Promise<readonly SealedBlock[]> {
    const answer = await this.#parts.transport.request(peer, 'blocks-by-hash', encodeHashRequest(hashes))
    return decodeBlocks(answer, this.#parts.common, hashes.length).map(({ sealed }) => sealed)
  }

  /** One peer after the other is asked where it stands. */
  #check(): void {
    const peers = this.#parts.transport.peers()
    const peer = peers[this.#checks++ % Math.max(1, peers.length)]
    if (peer) this.catchUpWith(peer.id)
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
      const why = bad ? 'bad' : isAppError(error, 'PEER_TIMEOUT') ? 'slow' : 'refused'
      this.#handle({ type: 'failed', peer, from, why })
    }
  }

  /** What is said to be final is proven before any of it is executed. */
  async #import(blocks: readonly FetchedBlock[], justified: boolean): Promise<void> {
    const { importer, finality, store } = this.#parts
    let at = blocks[blocks.length - 1] as FetchedBlock
    try {
      if (justified && finality.verify(at.justification)?.hash !== at.hash) {
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
      this.#handle({ type: 'refused', block: at, bad, reason: isAppError(error) ? error.code : 'a block did not pass' })
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
