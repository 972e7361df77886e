import type { Common } from '@ethereumjs/common'
import { AppError, BoundedQueue, messageOf, type Clock, type Hash32, type Logger } from '@hawser/primitives'
import { blockHash, blockRef, type SealedBlock } from './block-types.ts'
import type { BlockTree, HeadChange } from './block-tree.ts'
import { checkBody } from './body-rules.ts'
import type { ChainSpec } from './chain-spec.ts'
import type { ChainError } from './errors.ts'
import { checkHeader, slotOf } from './header-rules.ts'
import type { BlockRef, ChainChange, ChainStore, Consensus, Executed, ExecutionEngine } from './ports.ts'

/** Blocks and finality decisions that wait for the one writer. */
const MAX_QUEUED = 1024

export type ImportOrigin = 'own' | 'gossip' | 'sync'
export type ImportOutcome = 'imported' | 'known'

export interface ImporterEvents {
  /** A block is stored; its parent was before. */
  onImported?(block: BlockRef, origin: ImportOrigin): void
  /** The best block changed. */
  onHead?(change: HeadChange): void
  /** Blocks became final, ascending; the last one is the new last final block. */
  onFinalized?(path: readonly BlockRef[]): void
}

export interface ImporterParts {
  readonly spec: ChainSpec
  readonly common: Common
  readonly store: ChainStore
  readonly tree: BlockTree
  readonly engine: ExecutionEngine
  readonly consensus: Consensus
  readonly clock: Clock
  readonly logger: Logger
  /** A block that every chain of ours holds, whoever signed another (consensus.md, 2.10); none while none is known. */
  readonly checkpoint?: () => BlockRef | undefined
  /** The database cannot be written: what is in memory is ahead of it, and only a new start puts that right. */
  readonly onFatal: (reason: string) => void
}

type Job = { readonly run: () => Promise<void>; readonly reject: (error: unknown) => void }

/**
 * The one writer of the chain: blocks go through three gates (header and seal, body, execution), then into the database
 * in one batch; finality moves the root. Everything waits its turn in one bounded queue.
 */
export class BlockImporter {
  readonly #parts: ImporterParts
  readonly #queue = new BoundedQueue<Job>(MAX_QUEUED)
  readonly #listeners = new Set<ImporterEvents>()
  readonly #worker: Promise<void>
  /** Why nothing more is written: what is in memory is ahead of the database. */
  #broken: unknown

  constructor(parts: ImporterParts) {
    this.#parts = parts
    this.#worker = this.#work()
  }

  /** Hears of what was stored, after it was; the returned function ends it. */
  listen(events: ImporterEvents): () => void {
    this.#listeners.add(events)
    return () => this.#listeners.delete(events)
  }

  /** Imports a block; `executed` is given by the author, who has executed it while building. @throws ChainError */
  import(sealed: SealedBlock, origin: ImportOrigin, executed?: Executed): Promise<ImportOutcome> {
    return this.#enqueue(() => this.#import(sealed, origin, executed))
  }

  /** Makes a stored block final, with what proves it. */
  finalize(block: BlockRef, justification: Uint8Array): Promise<void> {
    return this.#enqueue(() => this.#finalize(block, justification))
  }

  /** Resolves when all that the fork choice has taken up is stored, and what was queued before. @throws IMPORT_BUSY */
  settled(): Promise<void> {
    return this.#enqueue(() => Promise.resolve())
  }

  /** Waits for what is queued, takes no more. */
  async stop(): Promise<void> {
    this.#queue.close()
    await this.#worker
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const run = async () => resolve(await task())
      if (!this.#queue.push({ run, reject }))
        reject(
          new AppError<ChainError>(
            { code: 'IMPORT_BUSY', fault: 'local', retry: true },
            'the import queue is full or closed',
          ),
        )
    })
  }

  async #work(): Promise<void> {
    for await (const job of this.#queue) {
      try {
        if (this.#broken !== undefined) throw this.#broken
        await job.run()
      } catch (error) {
        job.reject(error)
      }
    }
  }

  async #import(sealed: SealedBlock, origin: ImportOrigin, executed?: Executed): Promise<ImportOutcome> {
    const { spec, common, store, tree, engine, consensus, clock } = this.#parts
    const { block } = sealed
    const arrivedMs = clock.nowMs()
    const ref = blockRef(block)
    if (tree.has(ref.hash) || (ref.number <= tree.finalized().number && store.block(ref.hash))) return 'known'
    const parentHash = hashOf(block.header.parentHash)
    this.#refuseBesideCheckpoint(ref, parentHash)
    const parent = tree.has(parentHash) ? store.block(parentHash)?.block.header : undefined
    if (!parent) throw this.#unknownParent(ref, parentHash)

    checkHeader(spec, block.header, parent)
    consensus.verifySeal({ header: block.header, seal: sealed.seal }, parent, arrivedMs)
    const slot = slotOf(spec, block.header.timestamp)
    const author = consensus.author(slot, { number: parent.number, hash: parentHash })
    await checkBody(block, author, common)
    const result = executed ?? (await engine.execute(parent, block))

    const head = tree.add({ ...ref, parent: parentHash, slot, late: origin !== 'own' && isLate(spec, slot, arrivedMs) })
    await this.#commit(() => ({
      block: { sealed, receipts: result.receipts, state: result.state },
      head: head && { ref: head.head, added: head.added, removed: head.removed },
    }))
    this.#tell((listener) => listener.onImported?.(ref, origin))
    if (head) this.#tell((listener) => listener.onHead?.(head))
    return 'imported'
  }

  async #finalize(block: BlockRef, justification: Uint8Array): Promise<void> {
    const { tree, engine } = this.#parts
    if (block.number <= tree.finalized().number) return
    const node = tree.get(block.hash)
    if (!node)
      throw new AppError<ChainError>(
        { code: 'BLOCK_UNKNOWN_PARENT', fault: 'peer', retry: true },
        `block ${block.number} ${block.hash} is final, but is not here yet`,
      )
    this.#refuseBesideCheckpoint(block, node.parent)
    const { path, pruned, head } = tree.finalize(block.hash)
    await this.#commit(() => ({
      finalized: { ref: block, justification, pruned, state: engine.finalize(path, pruned) },
      head: head && { ref: head.head, added: head.added, removed: head.removed },
    }))
    if (head) this.#tell((listener) => listener.onHead?.(head))
    this.#tell((listener) => listener.onFinalized?.(path))
  }

  /** Writes what the tree in memory has taken up already: from here on there is no way back. */
  async #commit(change: () => ChainChange): Promise<void> {
    try {
      await this.#parts.store.commit(change())
    } catch (error) {
      this.#broken = error
      this.#queue.close()
      this.#parts.onFatal(`the database cannot be read or written: ${messageOf(error)}`)
      throw error
    }
  }

  /** A block above the checkpoint is asked for the one below it: that may have come before the checkpoint was known. */
  #refuseBesideCheckpoint(block: BlockRef, parent: Hash32): void {
    const { tree, checkpoint, logger } = this.#parts
    const named = checkpoint?.()
    if (!named || named.number <= tree.finalized().number) return
    let { number, hash } = block
    for (let below = parent; number > named.number; number--) {
      const node = tree.get(below)
      if (!node) return
      hash = below
      below = node.parent
    }
    if (number < named.number || hash === named.hash) return
    logger.warn(
      { number: Number(number), hash, named: named.hash },
      'refused a chain that custody on Bitcoin does not know',
    )
    throw new AppError<ChainError>(
      { code: 'BLOCK_BESIDE_CHECKPOINT', fault: 'peer' },
      `block ${block.number} ${block.hash} is on a chain whose block ${number} is ${hash}; custody on Bitcoin names ${named.hash} as final`,
    )
  }

  #unknownParent(ref: BlockRef, parent: Hash32): AppError {
    if (ref.number <= this.#parts.tree.finalized().number)
      return new AppError<ChainError>(
        { code: 'BLOCK_BESIDE_FINAL', fault: 'peer' },
        `block ${ref.number} ${ref.hash} lies at or below the last final block ${this.#parts.tree.finalized().number}, beside it`,
      )
    return new AppError<ChainError>(
      { code: 'BLOCK_UNKNOWN_PARENT', fault: 'peer', retry: true },
      `the parent ${parent} of block ${ref.number} ${ref.hash} is not here`,
    )
  }

  #tell(call: (listener: ImporterEvents) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener)
      } catch (error) {
        this.#parts.logger.error({ err: messageOf(error) }, 'a listener of the importer failed')
      }
    }
  }
}

/** Later than half a slot after the slot's end (consensus.md, 3): imported, but it does not undo its equal. */
function isLate(spec: ChainSpec, slot: bigint, nowMs: number): boolean {
  return nowMs > (Number(slot) + 1.5) * spec.slotSeconds * 1000
}

function hashOf(bytes: Uint8Array): Hash32 {
  return blockHash({ hash: () => bytes })
}
