import type { BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import { isAppError, messageOf, spawn, type Address, type Hash32, type Logger } from '@hawser/primitives'
import type { BlockImporter } from './block-importer.ts'
import type { HeadChange } from './block-tree.ts'
import type { PoolJournal } from './pool-journal.ts'
import type { ChainStore, ExecutionEngine, StateView, Verdict } from './ports.ts'
import type { PoolAccount } from './sender-queue.ts'
import { recoverSenders, recoveryMethod } from './sender-recovery.ts'
import { decodeTransaction, encodedTransaction, senderOf, transactionHash } from './transaction.ts'
import type { TransactionPool } from './transaction-pool.ts'

/** Accounts of one head that are remembered. */
const MAX_ACCOUNTS = 20_000
/** keccak256 of no code. */
const EMPTY_CODE_HASH: string = '0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'

export interface TransactionPoolParts {
  readonly common: Common
  readonly pool: TransactionPool
  readonly store: ChainStore
  readonly engine: Pick<ExecutionEngine, 'stateAt'>
  readonly importer: Pick<BlockImporter, 'listen'>
  readonly logger: Logger
  /** Where transactions of this node's users survive a restart. */
  readonly journal?: PoolJournal
}

/** Keeps the pool in step with the head, and is its door: transactions are decoded, recovered and added here. */
export class TransactionPoolService {
  readonly #parts: TransactionPoolParts
  readonly #listeners = new Set<(tx: TypedTransaction) => void>()
  readonly #stops: (() => void)[] = []
  readonly #accounts = new Map<Address, PoolAccount>()
  /** Hashes of what this node's users sent: they alone go into the journal. */
  readonly #local = new Set<Hash32>()
  #view: { readonly hash: Hash32; readonly header: BlockHeader; readonly state: StateView } | undefined
  #waiting: { readonly tx: TypedTransaction; readonly done: () => void }[] = []
  #recovered: Promise<void> = Promise.resolve()

  constructor(parts: TransactionPoolParts) {
    this.#parts = parts
  }

  /** Follows the head, and takes up what the journal kept. */
  async start(): Promise<void> {
    const { importer, journal, logger } = this.#parts
    this.#stops.push(importer.listen({ onHead: (change) => this.#onHead(change) }))
    logger.info({ recovery: recoveryMethod() }, 'the pool is open')
    if (!journal) return
    const kept = journal.load()
    if (kept.length > 0) {
      const results = await this.#take(kept, true)
      const taken = results.filter((result) => typeof result === 'string').length
      logger.info({ kept: kept.length, taken }, 'transactions from before the restart')
    }
    await journal.rewrite(this.#localTransactions())
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops) stop()
    await this.#parts.journal?.flush()
  }

  /** Hears of each transaction that the pool takes. */
  onPending(listener: (tx: TypedTransaction) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes a user's transaction in. @throws what decodeTransaction, senderOf and TransactionPool.add throw */
  async submit(raw: Uint8Array): Promise<Hash32> {
    const tx = decodeTransaction(raw, this.#parts.common)
    await this.#recover(tx)
    return this.#keep(tx)
  }

  /** As `submit`, for many at once: each one's hash, or why it was refused. */
  submitMany(raws: readonly Uint8Array[]): Promise<readonly (Hash32 | Error)[]> {
    return this.#take(raws, true)
  }

  /** Takes in what a peer sent, and says of each what gossip should think of it. */
  async receive(raws: readonly Uint8Array[]): Promise<readonly Verdict[]> {
    const results = await this.#take(raws, false)
    return results.map((result) => {
      if (typeof result === 'string') return 'accept'
      // What the pool does not want may still be right: another node's pool, or head, is another.
      const garbage = isAppError(result, 'TX_MALFORMED') || isAppError(result, 'TX_BAD_SIGNATURE')
      return garbage || isAppError(result, 'TX_WRONG_CHAIN') ? 'reject' : 'ignore'
    })
  }

  async #take(raws: readonly Uint8Array[], local: boolean): Promise<(Hash32 | Error)[]> {
    const decoded = raws.map((raw) => attempt(() => decodeTransaction(raw, this.#parts.common)))
    await recoverSenders(decoded.filter((tx): tx is TypedTransaction => !(tx instanceof Error)))
    return decoded.map((tx) => (tx instanceof Error ? tx : attempt(() => (local ? this.#keep(tx) : this.#add(tx)))))
  }

  /** Single transactions that come in the same turn of the event loop are recovered together, and go on in their order. */
  #recover(tx: TypedTransaction): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#recoverWaiting())
      this.#waiting.push({ tx, done: resolve })
    })
  }

  #recoverWaiting(): void {
    const batch = this.#waiting
    this.#waiting = []
    const recovering = recoverSenders(batch.map(({ tx }) => tx))
    const before = this.#recovered
    this.#recovered = (async () => {
      await Promise.all([before, recovering])
      for (const { done } of batch) done()
    })()
  }

  #keep(tx: TypedTransaction): Hash32 {
    const { journal, logger } = this.#parts
    const hash = this.#add(tx)
    if (!journal) return hash
    this.#local.add(hash)
    journal.append(encodedTransaction(tx))
    if (journal.full)
      spawn(
        () => journal.rewrite(this.#localTransactions()),
        (error) => logger.warn({ err: messageOf(error) }, 'the journal of transactions cannot be rewritten'),
      )
    return hash
  }

  #add(tx: TypedTransaction): Hash32 {
    const { header } = this.#head()
    const hash = this.#parts.pool.add(tx, this.#account(senderOf(tx)), header.gasLimit)
    for (const listener of this.#listeners) listener(tx)
    return hash
  }

  *#localTransactions(): Generator<Uint8Array> {
    for (const hash of this.#local) {
      const tx = this.#parts.pool.get(hash)
      if (tx) yield encodedTransaction(tx)
      else this.#local.delete(hash)
    }
  }

  #onHead({ added, removed }: HeadChange): void {
    const { store, pool, logger } = this.#parts
    try {
      const bodyOf = (hash: Hash32) => store.block(hash)?.block.transactions ?? []
      const touched = new Set<Address>()
      for (const { hash } of added)
        for (const tx of bodyOf(hash)) {
          touched.add(senderOf(tx))
          this.#local.delete(transactionHash(tx))
        }
      for (const { hash } of removed) for (const tx of bodyOf(hash)) touched.add(senderOf(tx))
      for (const sender of touched) if (pool.follows(sender)) pool.update(sender, this.#account(sender))
      for (const { hash } of removed) for (const tx of bodyOf(hash)) this.#reinject(tx)
    } catch (error) {
      logger.error({ err: messageOf(error) }, 'the pool could not follow the head')
    }
  }

  #reinject(tx: TypedTransaction): void {
    try {
      this.#parts.pool.add(tx, this.#account(senderOf(tx)), this.#head().header.gasLimit)
    } catch {
      // It stands in the new chain too, or no longer can.
    }
  }

  #head(): { readonly header: BlockHeader; readonly state: StateView } {
    const { store, engine } = this.#parts
    const { hash } = store.pointers().head
    if (this.#view?.hash === hash) return this.#view
    const sealed = store.block(hash)
    if (!sealed) throw new Error('the head is stored')
    const { header } = sealed.block
    this.#accounts.clear()
    this.#view = { hash, header, state: engine.stateAt(header) }
    return this.#view
  }

  #account(address: Address): PoolAccount {
    const { state } = this.#head()
    const known = this.#accounts.get(address)
    if (known) return known
    const found = state.account(address)
    const account: PoolAccount = {
      nonce: found?.nonce ?? 0n,
      balance: found?.balance ?? 0n,
      delegated: found !== undefined && found.codeHash !== EMPTY_CODE_HASH,
    }
    if (this.#accounts.size >= MAX_ACCOUNTS) this.#accounts.clear()
    this.#accounts.set(address, account)
    return account
  }
}

function attempt<T>(task: () => T): T | Error {
  try {
    return task()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
