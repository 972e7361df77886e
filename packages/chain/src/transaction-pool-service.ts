import type { BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import { isAppError, messageOf, type Address, type Hash32, type Logger } from '@hawser/primitives'
import type { BlockImporter } from './block-importer.ts'
import type { HeadChange } from './block-tree.ts'
import type { ChainStore, ExecutionEngine, StateView, Transport } from './ports.ts'
import { decodeTransaction, senderOf } from './transaction.ts'
import type { PoolAccount } from './sender-queue.ts'
import type { TransactionPool } from './transaction-pool.ts'

export interface TransactionPoolParts {
  readonly common: Common
  readonly pool: TransactionPool
  readonly store: ChainStore
  readonly engine: ExecutionEngine
  readonly importer: BlockImporter
  readonly transport: Transport
  readonly logger: Logger
}

/** Keeps the pool in step with the head and with the peers. */
export class TransactionPoolService {
  readonly #parts: TransactionPoolParts
  readonly #listeners = new Set<(tx: TypedTransaction) => void>()
  readonly #stops: (() => void)[] = []
  #view: { readonly head: BlockHeader; readonly state: StateView } | undefined
  #updating: Promise<void> = Promise.resolve()

  constructor(parts: TransactionPoolParts) {
    this.#parts = parts
  }

  start(): void {
    const { transport, importer, common } = this.#parts
    const onHead = (change: HeadChange): void => {
      this.#updating = this.#updating.then(() => this.#onHead(change))
    }
    const unsubscribe = transport.subscribe('transactions', async (message) => {
      try {
        await this.#add(decodeTransaction(message, common))
        return 'accept'
      } catch (error) {
        // What the pool does not want may still be right: another node's pool, or head, is another.
        return isAppError(error, 'TX_MALFORMED') || isAppError(error, 'TX_BAD_SIGNATURE') ? 'reject' : 'ignore'
      }
    })
    this.#stops.push(unsubscribe, importer.listen({ onHead }))
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  onPending(listener: (tx: TypedTransaction) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes a transaction from a user: into the pool, then to the peers. @throws what TransactionPool.add throws */
  async submit(tx: TypedTransaction): Promise<Hash32> {
    const hash = await this.#add(tx)
    await this.#parts.transport.publish('transactions', tx.serialize())
    return hash
  }

  async #add(tx: TypedTransaction): Promise<Hash32> {
    // A transaction that follows one in the newest block must meet the pool after that block.
    await this.#updating
    const header = this.#head()
    const hash = this.#parts.pool.add(tx, await this.#account(senderOf(tx)), header.gasLimit)
    for (const listener of this.#listeners) listener(tx)
    return hash
  }

  async #onHead({ added, removed }: HeadChange): Promise<void> {
    const { store, pool, logger } = this.#parts
    try {
      const bodyOf = (hash: Hash32) => store.block(hash)?.block.transactions ?? []
      const touched = new Set<Address>()
      for (const { hash } of added) for (const tx of bodyOf(hash)) touched.add(senderOf(tx))
      for (const { hash } of removed) for (const tx of bodyOf(hash)) touched.add(senderOf(tx))
      for (const sender of touched) if (pool.follows(sender)) pool.update(sender, await this.#account(sender))
      for (const { hash } of removed) for (const tx of bodyOf(hash)) await this.#reinject(tx)
    } catch (error) {
      logger.error({ err: messageOf(error) }, 'the pool could not follow the head')
    }
  }

  async #reinject(tx: TypedTransaction): Promise<void> {
    try {
      this.#parts.pool.add(tx, await this.#account(senderOf(tx)), this.#head().gasLimit)
    } catch {
      // It stands in the new chain too, or no longer can.
    }
  }

  #head() {
    const { store } = this.#parts
    const sealed = store.block(store.pointers().head.hash)
    if (!sealed) throw new Error('the head is stored')
    return sealed.block.header
  }

  async #account(address: Address): Promise<PoolAccount> {
    const head = this.#head()
    if (this.#view?.head !== head) this.#view = { head, state: this.#parts.engine.stateAt(head) }
    const account = await this.#view.state.account(address)
    return { nonce: account?.nonce ?? 0n, balance: account?.balance ?? 0n }
  }
}
