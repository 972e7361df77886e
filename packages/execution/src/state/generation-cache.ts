/**
 * A bounded cache that forgets what was not used lately: two generations of at most half the limit each; what is found in the old
 * one moves to the young one. Cheaper than an exact LRU, and as good here.
 */
export class GenerationCache<Key, Value> {
  readonly #generationSize: number
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()

  /** Holds at most `limit` entries. */
  constructor(limit: number) {
    this.#generationSize = Math.ceil(limit / 2)
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: Key, value: Value): void {
    if (this.#young.size >= this.#generationSize && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
