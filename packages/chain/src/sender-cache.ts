import type { Address, Hash32 } from '@hawser/primitives'

/** Senders that are remembered by transaction hash: two full pools and some blocks. */
export const MAX_REMEMBERED_SENDERS = 65_536

/**
 * Who signed a transaction, by its hash: a body from gossip brings transactions as new objects, which the pool has seen long ago.
 * The older half is forgotten at once when the newer one is full.
 */
export class SenderCache {
  readonly #limit: number
  #newer = new Map<Hash32, Address>()
  #older = new Map<Hash32, Address>()

  constructor(limit: number = MAX_REMEMBERED_SENDERS) {
    this.#limit = limit
  }

  get(hash: Hash32): Address | undefined {
    return this.#newer.get(hash) ?? this.#older.get(hash)
  }

  set(hash: Hash32, sender: Address): void {
    if (this.#newer.size >= this.#limit / 2) {
      this.#older = this.#newer
      this.#newer = new Map()
    }
    this.#newer.set(hash, sender)
  }
}
