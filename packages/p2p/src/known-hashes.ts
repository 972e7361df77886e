import type { Hash32 } from '@hawser/primitives'

/** A bounded set that forgets its older half at once when the newer one is full. */
export class KnownHashes {
  readonly #limit: number
  #newer = new Set<Hash32>()
  #older = new Set<Hash32>()

  constructor(limit: number) {
    this.#limit = limit
  }

  has(hash: Hash32): boolean {
    return this.#newer.has(hash) || this.#older.has(hash)
  }

  add(hash: Hash32): void {
    if (this.#newer.size >= this.#limit / 2) {
      this.#older = this.#newer
      this.#newer = new Set()
    }
    this.#newer.add(hash)
  }
}
