import type { TypedTransaction } from '@ethereumjs/tx'
import { AppError, type Address, type Hash32 } from '@hawser/primitives'
import type { ChainError } from './errors.ts'
import { effectiveTip, isInherentShape, maxFeePerGas, senderOf, transactionHash } from './transaction.ts'

/** Transactions in the pool altogether. */
export const MAX_POOL_TRANSACTIONS = 20_000
/** Transactions of one sender: what a wallet or a script sends ahead. */
export const MAX_SENDER_TRANSACTIONS = 1_024
/** How far a nonce may lie ahead of the account's. */
export const MAX_NONCE_GAP = 1_024n
/** Bytes of all transactions in the pool. */
export const MAX_POOL_BYTES = 64 * 1024 * 1024
/** Transactions of one sender that wait for a nonce before them: they cost memory and pay nobody yet. */
export const MAX_SENDER_GAPPED = 64
/** A replacement must pay so many percent more, as Geth asks. */
export const REPLACEMENT_PERCENT = 10n

/** What the pool needs of an account in the head's state. */
export interface PoolAccount {
  readonly nonce: bigint
  readonly balance: bigint
}

interface Sender {
  account: PoolAccount
  readonly byNonce: Map<bigint, Pooled>
}

interface Pooled {
  readonly tx: TypedTransaction
  readonly hash: Hash32
  readonly bytes: number
}

/** Transactions that wait for a block, by sender and nonce. */
export class TransactionPool {
  readonly #senders = new Map<Address, Sender>()
  readonly #byHash = new Map<Hash32, Pooled>()
  readonly #sessionKeys: ReadonlySet<Address>
  readonly #minFeePerGas: bigint
  #bytes = 0

  constructor(options: { readonly sessionKeys: readonly Address[]; readonly minFeePerGas: bigint }) {
    this.#sessionKeys = new Set(options.sessionKeys)
    this.#minFeePerGas = options.minFeePerGas
  }

  get size(): number {
    return this.#byHash.size
  }

  get(hash: Hash32): TypedTransaction | undefined {
    return this.#byHash.get(hash)?.tx
  }

  has(hash: Hash32): boolean {
    return this.#byHash.has(hash)
  }

  /** The senders whose account the pool follows. */
  senders(): readonly Address[] {
    return [...this.#senders.keys()]
  }

  /**
   * Takes a transaction in, against its sender's account in the head's state.
   * @throws TX_KNOWN, TX_NONCE_TOO_LOW, TX_INSUFFICIENT_FUNDS, TX_UNDERPRICED, … (ChainError)
   */
  add(tx: TypedTransaction, account: PoolAccount, blockGasLimit: bigint): Hash32 {
    const hash = transactionHash(tx)
    if (this.#byHash.has(hash)) throw refuse('TX_KNOWN', 'already known')
    const sender = senderOf(tx)
    this.#check(tx, sender, account, blockGasLimit)
    const entry = this.#senders.get(sender) ?? { account, byNonce: new Map<bigint, Pooled>() }
    entry.account = account
    const old = entry.byNonce.get(tx.nonce)
    if (old) this.#checkReplacement(old.tx, tx)
    else this.#checkSender(tx, sender, entry)
    this.#checkTotalCost(tx, sender, entry, old)
    const pooled = { tx, hash, bytes: tx.serialize().length }
    this.#makeRoom(pooled, old)
    if (old) this.#remove(entry, old)
    entry.byNonce.set(tx.nonce, pooled)
    this.#senders.set(sender, entry)
    this.#byHash.set(hash, pooled)
    this.#bytes += pooled.bytes
    return hash
  }

  /** The nonce that the sender's next transaction needs, counting what waits without a gap. */
  nextNonce(sender: Address, accountNonce: bigint): bigint {
    const entry = this.#senders.get(sender)
    let nonce = accountNonce
    while (entry?.byNonce.has(nonce)) nonce++
    return nonce
  }

  /** Ready transactions at a base fee, highest tip first, each sender's in order of nonce. */
  *ready(baseFee: bigint): Generator<TypedTransaction> {
    const heads: { sender: Sender; nonce: bigint; tx: TypedTransaction; tip: bigint }[] = []
    const push = (sender: Sender, nonce: bigint) => {
      const pooled = sender.byNonce.get(nonce)
      if (!pooled) return
      const tip = effectiveTip(pooled.tx, baseFee)
      if (tip < 0n) return
      // Binary insertion keeps the best last; senders are few against transactions.
      let low = 0
      let high = heads.length
      while (low < high) {
        const middle = (low + high) >> 1
        if ((heads[middle]?.tip ?? 0n) < tip) low = middle + 1
        else high = middle
      }
      heads.splice(low, 0, { sender, nonce, tx: pooled.tx, tip })
    }
    for (const sender of this.#senders.values()) push(sender, sender.account.nonce)
    for (let head = heads.pop(); head; head = heads.pop()) {
      yield head.tx
      push(head.sender, head.nonce + 1n)
    }
  }

  /** Everything in the pool: `pending` could go into the next block, `queued` waits for a nonce. */
  content(): {
    readonly pending: ReadonlyMap<Address, readonly TypedTransaction[]>
    readonly queued: ReadonlyMap<Address, readonly TypedTransaction[]>
  } {
    const pending = new Map<Address, TypedTransaction[]>()
    const queued = new Map<Address, TypedTransaction[]>()
    for (const [sender, { account, byNonce }] of this.#senders) {
      const next = this.nextNonce(sender, account.nonce)
      for (const { tx } of byNonce.values()) {
        const into = tx.nonce < next ? pending : queued
        into.set(sender, [...(into.get(sender) ?? []), tx])
      }
    }
    return { pending, queued }
  }

  /** An account changed: what is used up goes, and what its balance no longer pays for. */
  update(sender: Address, account: PoolAccount): void {
    const entry = this.#senders.get(sender)
    if (!entry) return
    entry.account = account
    for (const pooled of entry.byNonce.values())
      if (pooled.tx.nonce < account.nonce || upfrontCost(pooled.tx) > account.balance) this.#remove(entry, pooled)
    if (entry.byNonce.size === 0) this.#senders.delete(sender)
  }

  /** A transaction that could not be executed: out, so that it does not come up in every block. */
  drop(hash: Hash32): void {
    const pooled = this.#byHash.get(hash)
    if (!pooled) return
    const sender = senderOf(pooled.tx)
    const entry = this.#senders.get(sender)
    if (!entry) return
    this.#remove(entry, pooled)
    if (entry.byNonce.size === 0) this.#senders.delete(sender)
  }

  #remove(entry: Sender, pooled: Pooled): void {
    entry.byNonce.delete(pooled.tx.nonce)
    this.#byHash.delete(pooled.hash)
    this.#bytes -= pooled.bytes
  }

  #checkSender(tx: TypedTransaction, sender: Address, entry: Sender): void {
    if (entry.byNonce.size >= MAX_SENDER_TRANSACTIONS)
      throw full(`${sender} has ${MAX_SENDER_TRANSACTIONS} transactions in the pool already`)
    const next = this.nextNonce(sender, entry.account.nonce)
    if (tx.nonce <= next) return
    let gapped = 0
    for (const nonce of entry.byNonce.keys()) if (nonce > next) gapped++
    if (gapped >= MAX_SENDER_GAPPED)
      throw full(`${MAX_SENDER_GAPPED} transactions of ${sender} wait for nonce ${next} already`)
  }

  /** A balance pays once: what a sender has in the pool must be covered together, or the pool could be filled for nothing. */
  #checkTotalCost(tx: TypedTransaction, sender: Address, entry: Sender, replaced: Pooled | undefined): void {
    let cost = upfrontCost(tx)
    for (const pooled of entry.byNonce.values()) if (pooled !== replaced) cost += upfrontCost(pooled.tx)
    if (cost > entry.account.balance)
      throw refuse(
        'TX_INSUFFICIENT_FUNDS',
        `insufficient funds for gas * price + value: address ${sender} have ${entry.account.balance} want ${cost} with its transactions in the pool`,
      )
  }

  /** Makes room in a full pool at the expense of what is worth least: what waits for a nonce, then the lowest fee. */
  #makeRoom(fresh: Pooled, replaced: Pooled | undefined): void {
    const count = replaced ? 0 : 1
    const bytes = fresh.bytes - (replaced?.bytes ?? 0)
    while (this.#byHash.size + count > MAX_POOL_TRANSACTIONS || this.#bytes + bytes > MAX_POOL_BYTES) {
      const victim = this.#leastWorth(senderOf(fresh.tx))
      if (!victim || (!victim.gapped && maxFeePerGas(victim.pooled.tx) >= maxFeePerGas(fresh.tx)))
        throw full(`it holds ${this.#byHash.size} transactions that pay as much`)
      this.drop(victim.pooled.hash)
    }
  }

  /** Of the last transactions of all other senders: one behind a gap, else the one with the lowest fee. */
  #leastWorth(except: Address): { readonly pooled: Pooled; readonly gapped: boolean } | undefined {
    let least: { readonly pooled: Pooled; readonly gapped: boolean } | undefined
    for (const [sender, { account, byNonce }] of this.#senders) {
      if (sender === except) continue
      let last: Pooled | undefined
      for (const pooled of byNonce.values()) if (!last || pooled.tx.nonce > last.tx.nonce) last = pooled
      if (!last) continue
      const gapped = last.tx.nonce - account.nonce >= BigInt(byNonce.size)
      const worse =
        !least ||
        (gapped && !least.gapped) ||
        (gapped === least.gapped && maxFeePerGas(last.tx) < maxFeePerGas(least.pooled.tx))
      if (worse) least = { pooled: last, gapped }
    }
    return least
  }

  #check(tx: TypedTransaction, sender: Address, account: PoolAccount, blockGasLimit: bigint): void {
    if (isInherentShape(tx))
      throw refuse('TX_UNDERPRICED', 'transaction underpriced: gas price 0 is for inherents alone')
    if (this.#sessionKeys.has(sender))
      throw refuse('TX_FROM_SESSION_KEY', `${sender} is a validator's session key, which sends no paid transactions`)
    if (maxFeePerGas(tx) < this.#minFeePerGas)
      throw refuse(
        'TX_UNDERPRICED',
        `transaction underpriced: max fee per gas ${maxFeePerGas(tx)} wei is below the least base fee ${this.#minFeePerGas}`,
      )
    if ('maxPriorityFeePerGas' in tx && tx.maxPriorityFeePerGas > tx.maxFeePerGas)
      throw refuse('TX_UNDERPRICED', 'max priority fee per gas higher than max fee per gas')
    if (tx.gasLimit > blockGasLimit)
      throw refuse('TX_GAS_TOO_HIGH', `exceeds block gas limit: ${tx.gasLimit} of ${blockGasLimit}`)
    const intrinsic = tx.getIntrinsicGas()
    if (tx.gasLimit < intrinsic)
      throw refuse('TX_GAS_TOO_LOW', `intrinsic gas too low: gas ${tx.gasLimit}, minimum needed ${intrinsic}`)
    if (tx.nonce < account.nonce)
      throw refuse('TX_NONCE_TOO_LOW', `nonce too low: next nonce ${account.nonce}, tx nonce ${tx.nonce}`)
    if (tx.nonce > account.nonce + MAX_NONCE_GAP)
      throw refuse('TX_NONCE_TOO_HIGH', `nonce too high: next nonce ${account.nonce}, tx nonce ${tx.nonce}`)
    const cost = upfrontCost(tx)
    if (cost > account.balance)
      throw refuse(
        'TX_INSUFFICIENT_FUNDS',
        `insufficient funds for gas * price + value: address ${sender} have ${account.balance} want ${cost}`,
      )
  }

  #checkReplacement(old: TypedTransaction, fresh: TypedTransaction): void {
    const enough = (a: bigint, b: bigint) => b * 100n >= a * (100n + REPLACEMENT_PERCENT)
    if (!enough(maxFeePerGas(old), maxFeePerGas(fresh)) || !enough(effectiveTip(old, 0n), effectiveTip(fresh, 0n)))
      throw refuse('TX_REPLACEMENT_UNDERPRICED', 'replacement transaction underpriced')
  }
}

/** The most that a transaction can take from its sender, in wei. */
export function upfrontCost(tx: TypedTransaction): bigint {
  return tx.value + tx.gasLimit * maxFeePerGas(tx)
}

type UserCode = Extract<ChainError, { fault: 'user' }>['code']

function refuse(code: UserCode, message: string): AppError<ChainError> {
  return new AppError<ChainError>({ code, fault: 'user' }, message)
}

function full(message: string): AppError<ChainError> {
  return new AppError<ChainError>({ code: 'POOL_FULL', fault: 'local', retry: true }, `txpool is full: ${message}`)
}
