import type { BlockHeader } from '@ethereumjs/block'
import type { BlockRef, HeadChange, ImporterEvents, ImportOrigin } from '@hawser/chain'
import { toHex, type Address, type Clock, type Hash32, type Logger } from '@hawser/primitives'
import type { NodeMetrics } from './metrics.ts'

/** Empty slots between two blocks that are counted; a chain that stood longer says so by its age. */
const MAX_COUNTED_SLOTS = 1_000n
/** While many blocks are fetched, one line for so many is enough. */
const SYNC_LOG_BLOCKS = 1_000n

export interface ChainObserverParts {
  readonly slotSeconds: number
  readonly block: (hash: Hash32) => { readonly header: BlockHeader; readonly transactions: number } | undefined
  /** A stored header; cheaper than the block. */
  readonly header: (hash: Hash32) => BlockHeader | undefined
  readonly finalized: () => BlockRef
  /** Whose a slot on top of a parent was. */
  readonly author: (slot: bigint, parent: BlockHeader) => Address
  readonly metrics: NodeMetrics
  readonly clock: Clock
  readonly logger: Logger
}

/** Watches what the importer tells: counts it, and writes the story of each slot in one line. */
export class ChainObserver implements ImporterEvents {
  readonly #parts: ChainObserverParts
  #origin: ImportOrigin = 'sync'

  constructor(parts: ChainObserverParts) {
    this.#parts = parts
  }

  onImported(block: BlockRef, origin: ImportOrigin): void {
    this.#origin = origin
    this.#parts.metrics.imported(block.hash, origin, this.#parts.clock.nowMs())
  }

  onHead({ head, removed }: HeadChange): void {
    const { metrics, logger, clock, slotSeconds } = this.#parts
    metrics.reorganized(removed.length)
    if (this.#origin === 'sync' && head.number % SYNC_LOG_BLOCKS !== 0n) return
    const block = this.#parts.block(head.hash)
    const parent = block && this.#parts.header(hashOf(block.header.parentHash))
    if (!block || !parent) return
    const slot = this.#slotOf(block.header)
    const skipped = slot - this.#slotOf(parent) - 1n
    logger.info(
      {
        number: Number(head.number),
        hash: head.hash,
        slot: Number(slot),
        author: this.#parts.author(slot, parent),
        origin: this.#origin,
        afterMs: clock.nowMs() - Number(slot) * slotSeconds * 1000,
        txs: block.transactions,
        gas: Number(block.header.gasUsed),
        ...(skipped > 0n ? { skipped: Number(skipped) } : {}),
        ...(removed.length > 0 ? { reorganized: removed.length } : {}),
        final: Number(this.#parts.finalized().number),
      },
      'new best block',
    )
  }

  onFinalized(path: readonly BlockRef[]): void {
    const { metrics, clock, header, author } = this.#parts
    metrics.finalized(path, clock.nowMs())
    for (const { hash } of path) {
      const block = header(hash)
      const parent = block && header(hashOf(block.parentHash))
      // The first block may come long after the genesis time: nobody was there to miss a slot.
      if (!block || !parent || parent.number === 0n) continue
      const first = this.#slotOf(parent) + 1n
      const end = this.#slotOf(block)
      for (let slot = first; slot < end && slot - first < MAX_COUNTED_SLOTS; slot++)
        metrics.missedSlot(author(slot, parent))
    }
  }

  #slotOf(header: BlockHeader): bigint {
    return header.timestamp / BigInt(this.#parts.slotSeconds)
  }
}

function hashOf(bytes: Uint8Array): Hash32 {
  return toHex(bytes) as Hash32
}
