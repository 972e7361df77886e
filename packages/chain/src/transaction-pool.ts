import type { TypedTransaction } from '@ethereumjs/tx'
import { type Address, type Hash32 } from '@hawser/primitives'
import { authoritiesOf } from './authorities.ts'
import { IndexedHeap } from './indexed-heap.ts'
import { checkReplacement, checkTransaction, poolFull, refuse, upfrontCost, type PoolRules } from './pool-rules.ts'
import { SenderQueue, type PoolAccount, type Pooled } from './sender-queue.ts'
import { effectiveTip, encodedTransaction, maxFeePerGas, senderOf, transactionHash } from './transaction.ts'

/** Transactions in the pool altogether. */
export const MAX_POOL_TRANSACTIONS = 20_000
/** Transactions of one sender: what a wallet or a script sends ahead. */
export const MAX_SENDER_TRANSACTIONS = 1_024
/** Bytes of all transactions in the pool. */
export const MAX_POOL_BYTES = 64 * 1024 * 1024
/** Transactions of one sender that wait for a nonce before them: they cost memory and pay nobody yet. */
export const MAX_SENDER_GAPPED = 64

/** A transaction on its way into a block, or (with `place`) a sender whose first one may be as good as `tip`. */
interface Candidate {
  readonly queue: SenderQueue
  readonly pooled: Pooled
  /** Wei for a unit of gas. */
  readonly tip: bigint
  readonly place?: number
}

/**
 * Transactions that wait for a block, by sender and nonce. Adding one, following a block and taking the best ones cost nothing
 * that grows with what else is in the pool, beyond a logarithm.
 */
export class TransactionPool {
  #rules: PoolRules
  readonly #queues = new Map<Address, SenderQueue>()
  readonly #byHash = new Map<Hash32, Pooled>()
  /** How many pending transactions set an account's code. */
  readonly #authorities = new Map<Address, number>()
  /** Senders with something ready, by what their first transaction may pay its author. */
  readonly #heads = new IndexedHeap<SenderQueue>((a, b) => paysMore(a.head() as Pooled, b.head() as Pooled))
  /** Senders by what is worth least at their end. */
  readonly #tails = new IndexedHeap<SenderQueue>(worthLess)
  #bytes = 0
  #arrivals = 0
  #queued = 0

  constructor(options: { readonly sessionKeys: readonly Address[]; readonly minFeePerGas: bigint }) {
    this.#rules = { sessionKeys: new Set(options.sessionKeys), minFeePerGas: options.minFeePerGas }
  }

  get size(): number {
    return this.#byHash.size
  }

  /** Whose transactions are refused from now on: the validator set has changed. What is in already falls out when a block is built. */
  setSessionKeys(keys: readonly Address[]): void {
    this.#rules = { ...this.#rules, sessionKeys: new Set(keys) }
  }

  /** How many could go into a block in turn, and how many wait for a nonce. */
  counts(): { readonly pending: number; readonly queued: number } {
    return { pending: this.#byHash.size - this.#queued, queued: this.#queued }
  }

  get(hash: Hash32): TypedTransaction | undefined {
    return this.#byHash.get(hash)?.tx
  }

  has(hash: Hash32): boolean {
    return this.#byHash.has(hash)
  }

  /** Whether something of the sender is in the pool. */
  follows(sender: Address): boolean {
    return this.#queues.has(sender)
  }

  /** Every transaction, in no order. */
  *all(): Generator<TypedTransaction> {
    for (const { tx } of this.#byHash.values()) yield tx
  }

  /**
   * Takes a transaction in, against its sender's account in the head's state. One that is refused changes nothing.
   * @throws TX_KNOWN, TX_NONCE_TOO_LOW, TX_INSUFFICIENT_FUNDS, TX_UNDERPRICED, … (ChainError)
   */
  add(tx: TypedTransaction, account: PoolAccount, blockGasLimit: bigint): Hash32 {
    const hash = transactionHash(tx)
    if (this.#byHash.has(hash)) throw refuse('TX_KNOWN', 'already known')
    const sender = senderOf(tx)
    checkTransaction(this.#rules, tx, sender, account, blockGasLimit)
    if (this.#queues.has(sender)) this.update(sender, account)
    const queue = this.#queues.get(sender) ?? new SenderQueue(sender, account)
    const fresh = this.#pooled(tx, hash, sender)
    const old = queue.get(fresh.nonce)
    if (old) checkReplacement(old, fresh)
    else this.#checkPlace(fresh, queue)
    this.#checkTotalCost(fresh, queue, old)
    this.#checkAuthorities(fresh)
    this.#makeRoom(fresh, old)
    if (old) this.#forget(old)
    this.#change(queue, () => queue.put(fresh))
    this.#remember(fresh)
    return hash
  }

  /** The nonce that the sender's next transaction needs, counting what waits without a gap. */
  nextNonce(sender: Address, accountNonce: bigint): bigint {
    const queue = this.#queues.get(sender)
    if (!queue) return accountNonce
    if (queue.account.nonce === accountNonce) return queue.next
    let nonce = accountNonce
    while (queue.get(nonce)) nonce++
    return nonce
  }

  /**
   * Ready transactions at a base fee, highest tip first, each sender's in order of nonce. It looks no further than the caller
   * takes; the pool may change meanwhile, and what comes then may wait for the next call.
   */
  *ready(baseFee: bigint): Generator<TypedTransaction> {
    const frontier = new IndexedHeap<Candidate>(
      (a, b) => a.tip > b.tip || (a.tip === b.tip && a.pooled.arrival < b.pooled.arrival),
    )
    const opened = new Set<SenderQueue>()
    const openPlace = (place: number) => {
      const queue = this.#heads.at(place)
      const pooled = queue?.head()
      if (queue && pooled) frontier.put({ queue, pooled, tip: pooled.maxTip, place })
    }
    const offer = (queue: SenderQueue, pooled: Pooled | undefined) => {
      const tip = pooled ? effectiveTip(pooled.tx, baseFee) : -1n
      if (pooled && tip >= 0n) frontier.put({ queue, pooled, tip })
    }
    openPlace(0)
    for (let best = frontier.pop(); best; best = frontier.pop()) {
      const { queue, pooled, place } = best
      if (place !== undefined) {
        openPlace(2 * place + 1)
        openPlace(2 * place + 2)
        if (opened.has(queue)) continue
        opened.add(queue)
        offer(queue, pooled)
      } else if (this.#byHash.has(pooled.hash)) {
        yield pooled.tx
        offer(queue, queue.get(pooled.nonce + 1n))
      }
    }
  }

  /** Everything in the pool: `pending` could go into the next block, `queued` waits for a nonce. */
  content(): {
    readonly pending: ReadonlyMap<Address, readonly TypedTransaction[]>
    readonly queued: ReadonlyMap<Address, readonly TypedTransaction[]>
  } {
    const pending = new Map<Address, TypedTransaction[]>()
    const queued = new Map<Address, TypedTransaction[]>()
    for (const [sender, queue] of this.#queues) {
      const ordered = [...queue.all()].sort((a, b) => (a.nonce < b.nonce ? -1 : 1))
      const ready = ordered.filter(({ nonce }) => nonce < queue.next)
      const waiting = ordered.filter(({ nonce }) => nonce >= queue.next)
      if (ready.length > 0)
        pending.set(
          sender,
          ready.map(({ tx }) => tx),
        )
      if (waiting.length > 0)
        queued.set(
          sender,
          waiting.map(({ tx }) => tx),
        )
    }
    return { pending, queued }
  }

  /** An account changed: what is used up goes, and from the end on what its balance no longer pays for together. */
  update(sender: Address, account: PoolAccount): void {
    const queue = this.#queues.get(sender)
    if (!queue) return
    const same = queue.account.nonce === account.nonce && queue.cost <= account.balance
    if (same) {
      queue.account = account
      return
    }
    const gone: Pooled[] = []
    this.#change(queue, () => {
      gone.push(...queue.setAccount(account))
      while (queue.cost > account.balance) {
        const tail = queue.tail() as Pooled
        queue.delete(tail)
        gone.push(tail)
      }
    })
    for (const pooled of gone) this.#forget(pooled)
  }

  /** A transaction that could not be executed: out, so that it does not come up in every block. */
  drop(hash: Hash32): void {
    const pooled = this.#byHash.get(hash)
    if (!pooled) return
    const queue = this.#queues.get(pooled.sender) as SenderQueue
    this.#change(queue, () => queue.delete(pooled))
    this.#forget(pooled)
  }

  /** The only way to change a queue: the heaps and counts follow. */
  #change(queue: SenderQueue, change: () => void): void {
    this.#queued -= queue.gapped
    change()
    this.#queued += queue.gapped
    if (queue.size === 0) {
      this.#queues.delete(queue.address)
      this.#heads.delete(queue)
      this.#tails.delete(queue)
      return
    }
    this.#queues.set(queue.address, queue)
    this.#tails.put(queue)
    if (queue.head()) this.#heads.put(queue)
    else this.#heads.delete(queue)
  }

  #remember(pooled: Pooled): void {
    this.#byHash.set(pooled.hash, pooled)
    this.#bytes += pooled.bytes
    for (const authority of pooled.authorities)
      this.#authorities.set(authority, (this.#authorities.get(authority) ?? 0) + 1)
  }

  #forget(pooled: Pooled): void {
    this.#byHash.delete(pooled.hash)
    this.#bytes -= pooled.bytes
    for (const authority of pooled.authorities) {
      const left = (this.#authorities.get(authority) ?? 0) - 1
      if (left > 0) this.#authorities.set(authority, left)
      else this.#authorities.delete(authority)
    }
  }

  #pooled(tx: TypedTransaction, hash: Hash32, sender: Address): Pooled {
    return {
      tx,
      hash,
      sender,
      nonce: tx.nonce,
      bytes: encodedTransaction(tx).length,
      maxFee: maxFeePerGas(tx),
      maxTip: effectiveTip(tx, 0n),
      cost: upfrontCost(tx),
      authorities: authoritiesOf(tx),
      arrival: this.#arrivals++,
    }
  }

  #checkPlace({ nonce, sender }: Pooled, queue: SenderQueue): void {
    if (queue.account.delegated || this.#authorities.has(sender)) {
      // Somebody else may spend such an account's coins at any time: all that waits would be worth nothing then.
      if (queue.size > 0)
        throw refuse('TX_DELEGATED_LIMIT', 'in-flight transaction limit reached for delegated accounts')
      if (nonce !== queue.next) throw refuse('TX_DELEGATED_LIMIT', 'gapped-nonce tx from delegated accounts')
    }
    if (queue.size >= MAX_SENDER_TRANSACTIONS)
      throw poolFull(`${sender} has ${MAX_SENDER_TRANSACTIONS} transactions in the pool already`)
    if (nonce > queue.next && queue.gapped >= MAX_SENDER_GAPPED)
      throw poolFull(`${MAX_SENDER_GAPPED} transactions of ${sender} wait for nonce ${queue.next} already`)
  }

  /** A balance pays once: what a sender has in the pool must be covered together, or the pool could be filled for nothing. */
  #checkTotalCost(fresh: Pooled, queue: SenderQueue, replaced: Pooled | undefined): void {
    const cost = queue.cost + fresh.cost - (replaced?.cost ?? 0n)
    if (cost > queue.account.balance)
      throw refuse(
        'TX_INSUFFICIENT_FUNDS',
        `insufficient funds for gas * price + value: address ${fresh.sender} have ${queue.account.balance} want ${cost} with its transactions in the pool`,
      )
  }

  /** Whose code a pending transaction sets may have one transaction in the pool, as Geth has it. */
  #checkAuthorities(fresh: Pooled): void {
    for (const authority of fresh.authorities)
      if ((this.#queues.get(authority)?.size ?? 0) > 1) throw refuse('TX_DELEGATED_LIMIT', 'authority already reserved')
  }

  /** Makes room in a full pool at the expense of what is worth least: what waits for a nonce, then the lowest fee. */
  #makeRoom(fresh: Pooled, replaced: Pooled | undefined): void {
    const count = replaced ? 0 : 1
    const bytes = fresh.bytes - (replaced?.bytes ?? 0)
    const isFull = () => this.#byHash.size + count > MAX_POOL_TRANSACTIONS || this.#bytes + bytes > MAX_POOL_BYTES
    if (!isFull()) return
    // A sender does not push out his own: what follows a nonce is worth nothing without it.
    const own = this.#queues.get(fresh.sender)
    if (own) this.#tails.delete(own)
    const victims: { readonly queue: SenderQueue; readonly tail: Pooled }[] = []
    let refused = false
    while (isFull() && !refused) {
      const queue = this.#tails.at(0)
      const tail = queue?.tail()
      if (queue && tail && (queue.gapped > 0 || tail.maxFee < fresh.maxFee)) {
        this.drop(tail.hash)
        victims.push({ queue, tail })
      } else refused = true
    }
    if (own) this.#tails.put(own)
    if (!refused) return
    for (const { queue, tail } of victims.reverse()) {
      this.#change(queue, () => queue.put(tail))
      this.#remember(tail)
    }
    throw poolFull(`it holds ${this.#byHash.size} transactions that pay as much`)
  }
}

/** Strictly: the earlier one of equals. */
function paysMore(a: Pooled, b: Pooled): boolean {
  return a.maxTip > b.maxTip || (a.maxTip === b.maxTip && a.arrival < b.arrival)
}

/** What ends behind a gap before what does not, then the lower fee, then the later one. */
function worthLess(a: SenderQueue, b: SenderQueue): boolean {
  const gapped = a.gapped > 0
  if (gapped !== b.gapped > 0) return gapped
  const [x, y] = [a.tail() as Pooled, b.tail() as Pooled]
  return x.maxFee < y.maxFee || (x.maxFee === y.maxFee && x.arrival > y.arrival)
}
