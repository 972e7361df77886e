import {
  encodeSealedBlock,
  headerFromParent,
  slotOf,
  type BlockImporter,
  type ChainSpec,
  type ChainStore,
  type Consensus,
  type ExecutionEngine,
  type Inherents,
  type Signer,
  type TransactionPool,
  type Transport,
} from '@hawser/chain'
import {
  invariant,
  isAppError,
  messageOf,
  spawn,
  toHex,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { backsOff, buildDeadlineMs, slotStartMs } from './aura.ts'

export interface AuthorOptions {
  readonly spec: ChainSpec
  readonly store: ChainStore
  readonly engine: ExecutionEngine
  readonly consensus: Consensus
  readonly importer: BlockImporter
  readonly pool: TransactionPool
  readonly inherents: Inherents
  readonly transport: Transport
  readonly signer: Signer
  readonly clock: Clock
  readonly logger: Logger
  /** False while the node must not author: it is syncing, or knows of no peer. */
  readonly mayAuthor: () => boolean
}

/** Wakes at every slot, and where the slot is this validator's, builds, seals, imports and publishes a block. */
export class AuthorService {
  readonly #options: AuthorOptions
  readonly #abort = new AbortController()
  #cancel: (() => void) | undefined
  #working: Promise<void> = Promise.resolve()

  constructor(options: AuthorOptions) {
    this.#options = options
  }

  start(): void {
    this.#sleep()
  }

  async stop(): Promise<void> {
    this.#cancel?.()
    this.#abort.abort(new Error('the author stops'))
    await this.#working
  }

  #sleep(): void {
    const { spec, consensus, clock } = this.#options
    const now = clock.nowMs()
    const next = consensus.slotAt(now) + 1n
    this.#cancel = clock.after(slotStartMs(next, spec.slotSeconds * 1000) - now, () => {
      this.#sleep()
      this.#working = this.#working.then(() => this.#slot(next))
    })
  }

  async #slot(slot: bigint): Promise<void> {
    const { logger } = this.#options
    if (this.#abort.signal.aborted) return
    try {
      await this.#author(slot)
    } catch (error) {
      if (this.#abort.signal.aborted) return
      const level = isAppError(error, 'SIGNER_REFUSED') ? 'info' : 'warn'
      logger[level]({ slot: Number(slot), err: messageOf(error) }, 'this slot was missed')
    }
  }

  async #author(slot: bigint): Promise<void> {
    const { spec, store, engine, consensus, importer, pool, inherents, transport, signer, clock, logger, mayAuthor } =
      this.#options
    const { head, finalized } = store.pointers()
    if (consensus.author(slot, head) !== signer.address) return
    const parent = store.block(head.hash)?.block.header
    invariant(parent, 'the head is stored')
    const parentSlot = slotOf(spec, parent.timestamp)
    // After a late wake-up the slot may be over: building for it would only make a fork.
    if (slot <= parentSlot || consensus.slotAt(clock.nowMs()) > slot || !mayAuthor()) return
    if (backsOff(slot, parentSlot, head.number - finalized.number)) return
    const signal = this.#abort.signal
    const { baseFeePerGas } = headerFromParent(spec, parent, slot)
    const { block, executed, dropped } = await engine.build(
      parent,
      {
        slot,
        author: signer.address,
        inherents: await inherents.inherents(head, { signal }),
        transactions: pool.ready(baseFeePerGas),
        deadlineMs: buildDeadlineMs(slot, parentSlot, spec.slotSeconds * 1000),
        sign: signer,
      },
      { signal },
    )
    for (const hash of dropped) pool.drop(hash)
    const hash = toHex(block.hash()) as Hash32
    const sealed = { block, seal: await signer.sign({ kind: 'seal', slot, blockHash: hash }) }
    await importer.import(sealed, 'own', executed)
    logger.info(
      {
        number: Number(block.header.number),
        hash,
        txs: block.transactions.length,
        gas: Number(block.header.gasUsed),
        slot: Number(slot),
      },
      'sealed a block',
    )
    spawn(
      () => transport.publish('blocks', encodeSealedBlock(sealed)),
      (error) => logger.warn({ err: messageOf(error) }, 'a block could not be published'),
    )
  }
}
