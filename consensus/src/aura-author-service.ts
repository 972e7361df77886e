import type { BlockRef, BlockTreeView, Consensus } from '@hawser/chain'
import { messageOf, type Address, type Clock, type Logger } from '@hawser/primitives'
import { backsOff, buildDeadlineMs, slotStartMs } from './aura.ts'

/** One block to build. */
export interface AuthorTask {
  readonly slot: bigint
  readonly parent: BlockRef
  /** No transaction is started after this time (Unix milliseconds). */
  readonly deadlineMs: number
  readonly signal: AbortSignal
}

export interface AuraAuthorOptions {
  readonly address: Address
  readonly consensus: Pick<Consensus, 'slotAt' | 'author'>
  readonly slotSeconds: number
  readonly tree: Pick<BlockTreeView, 'best' | 'finalized'>
  /** The slot of a block of the tree. */
  readonly slotOf: (block: BlockRef) => bigint
  /** Resolves when the best block, which may have come this moment, is stored: the validators are read from its state. */
  readonly settled: () => Promise<void>
  /** Whether nobody is there to hear the block though others exist: authoring then would make a private fork. */
  readonly alone: () => boolean
  /** Whether this node still listens for its own key elsewhere. */
  readonly listening?: () => boolean
  /** How far this clock is from those of the other validators, in milliseconds. */
  readonly clockOffsetMs: () => number
  /** Builds, seals, imports and announces a block. */
  readonly produce: (task: AuthorTask) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
}

/** Why a slot stays empty, undefined when a block is due. */
export type Abstention = 'not-our-slot' | 'slot-taken' | 'finality-lags' | 'alone' | 'listening' | 'clock-is-off'

/** Wakes at the start of each slot and has a block made when it is ours (consensus.md, 3). */
export class AuraAuthorService {
  readonly #options: AuraAuthorOptions
  readonly #abort = new AbortController()
  #cancel: (() => void) | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(options: AuraAuthorOptions) {
    this.#options = options
  }

  /** Begins with the next slot: the present one may have been sealed before a restart. */
  start(): void {
    this.#sleepUntil(this.#options.consensus.slotAt(this.#options.clock.nowMs()) + 1n)
  }

  /** Resolves when the block at work, if any, is done or given up. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('authoring stops'))
    this.#cancel?.()
    await this.#running
  }

  /** Whether this node stays silent in a slot, and why. */
  abstains(slot: bigint): Abstention | undefined {
    const { address, consensus, tree, slotOf, alone, listening, clockOffsetMs, slotSeconds } = this.#options
    const head = tree.best()
    const headSlot = slotOf(head)
    if (consensus.author(slot, head) !== address) return 'not-our-slot'
    if (headSlot >= slot) return 'slot-taken'
    if (backsOff(slot, headSlot, head.number - tree.finalized().number)) return 'finality-lags'
    if (listening?.()) return 'listening'
    // By a third of a slot its blocks would come too early, or too late for the next author.
    if (Math.abs(clockOffsetMs()) > (slotSeconds * 1000) / 3) return 'clock-is-off'
    return alone() ? 'alone' : undefined
  }

  #sleepUntil(slot: bigint): void {
    const { clock, slotSeconds } = this.#options
    if (this.#abort.signal.aborted) return
    const delayMs = slotStartMs(slot, slotSeconds * 1000) - clock.nowMs()
    this.#cancel = clock.after(Math.max(0, delayMs), () => {
      this.#running = this.#run(slot)
    })
  }

  async #run(slot: bigint): Promise<void> {
    const { clock, consensus, logger, tree, slotOf, slotSeconds, settled, produce } = this.#options
    try {
      await settled()
      const now = consensus.slotAt(clock.nowMs())
      // A timer that fires early (a clock that was set back) waits on; one that fires late does not use a slot gone by.
      const abstention = now === slot ? this.abstains(slot) : 'not-our-slot'
      if (abstention === undefined) {
        const parent = tree.best()
        const deadlineMs = buildDeadlineMs(slot, slotOf(parent), slotSeconds * 1000)
        await produce({ slot, parent, deadlineMs, signal: this.#abort.signal })
      } else if (abstention !== 'not-our-slot') logger.info({ slot, abstention }, 'our slot stays empty')
    } catch (error) {
      if (!this.#abort.signal.aborted) logger.error({ slot, error: messageOf(error) }, 'no block was made in our slot')
    }
    this.#sleepUntil(consensus.slotAt(clock.nowMs()) + 1n)
  }
}
