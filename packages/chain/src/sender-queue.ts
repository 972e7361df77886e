import type { TypedTransaction } from '@ethereumjs/tx'
import type { Address, Hash32 } from '@hawser/primitives'

/** What the pool needs of an account in the head's state. */
export interface PoolAccount {
  readonly nonce: bigint
  readonly balance: bigint
  /** Whether it runs another contract's code (EIP-7702). */
  readonly delegated?: boolean
}

/** A transaction in the pool, with what is asked of it often. */
export interface Pooled {
  readonly tx: TypedTransaction
  readonly hash: Hash32
  readonly sender: Address
  readonly nonce: bigint
  /** Of its EIP-2718 encoding. */
  readonly bytes: number
  /** The most that a unit of gas may cost, in wei. */
  readonly maxFee: bigint
  /** The most that its author may earn for a unit of gas, in wei. */
  readonly maxTip: bigint
  /** The most that it can take from its sender, in wei. */
  readonly cost: bigint
  /** Whose code it sets (EIP-7702). */
  readonly authorities: readonly Address[]
  /** The order of arrival decides between equals. */
  readonly arrival: number
}

/**
 * One sender's transactions by nonce: a run without gaps from the account's nonce on, which is ready, and some behind a gap.
 * Adding at the run's end, replacing, taking from the front and cutting the tail cost the same however many there are.
 */
export class SenderQueue {
  readonly address: Address
  account: PoolAccount
  /** What all its transactions can take together, in wei. */
  cost = 0n
  readonly #byNonce = new Map<bigint, Pooled>()
  /** The first nonce that is missing. */
  #next: bigint
  /** Nonces behind the gap, ascending. */
  #gapped: bigint[] = []

  constructor(address: Address, account: PoolAccount) {
    this.address = address
    this.account = account
    this.#next = account.nonce
  }

  get size(): number {
    return this.#byNonce.size
  }

  /** The nonce that the sender's next transaction needs. */
  get next(): bigint {
    return this.#next
  }

  /** How many wait behind a gap. */
  get gapped(): number {
    return this.#gapped.length
  }

  get(nonce: bigint): Pooled | undefined {
    return this.#byNonce.get(nonce)
  }

  /** The first that is ready. */
  head(): Pooled | undefined {
    return this.#byNonce.get(this.account.nonce)
  }

  /** The one that nothing else in the queue waits for. */
  tail(): Pooled | undefined {
    return this.#byNonce.get(this.#gapped.at(-1) ?? this.#next - 1n)
  }

  all(): Iterable<Pooled> {
    return this.#byNonce.values()
  }

  /** Puts a transaction in, in place of one with the same nonce. */
  put(pooled: Pooled): void {
    const { nonce } = pooled
    const old = this.#byNonce.get(nonce)
    this.#byNonce.set(nonce, pooled)
    this.cost += pooled.cost - (old?.cost ?? 0n)
    if (old) return
    if (nonce > this.#next) {
      let place = this.#gapped.length
      while (place > 0 && (this.#gapped[place - 1] as bigint) > nonce) place--
      this.#gapped.splice(place, 0, nonce)
    } else this.#join()
  }

  /** Takes a transaction out; those behind it wait for its nonce from now on. */
  delete(pooled: Pooled): void {
    const { nonce } = pooled
    this.#byNonce.delete(nonce)
    this.cost -= pooled.cost
    if (this.#gapped.at(-1) === nonce) this.#gapped.pop()
    else if (nonce === this.#next - 1n) this.#next = nonce
    else if (nonce >= this.account.nonce) this.#rebuild()
  }

  /** The account has changed: gives what its nonce has used up, which is out. */
  setAccount(account: PoolAccount): Pooled[] {
    const before = this.account.nonce
    this.account = account
    if (account.nonce === before) return []
    const used: Pooled[] = []
    if (account.nonce > before) {
      const take = (nonce: bigint) => {
        const pooled = this.#byNonce.get(nonce)
        if (!pooled) return
        used.push(pooled)
        this.#byNonce.delete(nonce)
        this.cost -= pooled.cost
      }
      for (let nonce = before; nonce < account.nonce && nonce < this.#next; nonce++) take(nonce)
      while (this.#gapped[0] !== undefined && this.#gapped[0] < account.nonce) take(this.#gapped.shift() as bigint)
      if (this.#next < account.nonce) {
        this.#next = account.nonce
        this.#join()
      }
    } else this.#rebuild()
    return used
  }

  /** The run grows over what is there from its end on. */
  #join(): void {
    while (this.#byNonce.has(this.#next)) this.#next++
    let joined = 0
    while (joined < this.#gapped.length && (this.#gapped[joined] as bigint) < this.#next) joined++
    if (joined > 0) this.#gapped.splice(0, joined)
  }

  /** After a hole in the run, or a nonce that fell back in a reorganisation: both are rare. */
  #rebuild(): void {
    this.#next = this.account.nonce
    while (this.#byNonce.has(this.#next)) this.#next++
    this.#gapped = [...this.#byNonce.keys()].filter((nonce) => nonce > this.#next).sort((a, b) => (a < b ? -1 : 1))
  }
}
