import type { Hash32 } from '@hawser/primitives'

/** A bounded set that forgets its older half at once when the newer one is full. */
export class KnownHashes<Key extends string = Hash32> {
  readonly #limit: number
  #newer = new Set<Key>()
  #older = new Set<Key>()

  constructor(limit: number) {
    this.#limit = limit
  }

  has(hash: Key): boolean {
    return this.#newer.has(hash) || this.#older.has(hash)
  }

  add(hash: Key): void {
    if (this.#newer.size >= this.#limit / 2) {
      this.#older = this.#newer
      this.#newer = new Set()
    }
    this.#newer.add(hash)
  }
}
