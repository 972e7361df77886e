import { compareBytes, fromHex, toHex, type Hex } from '@hawser/primitives'
import type { KeyValueStore, Range, Write } from './key-value-store.ts'

/** A store that forgets: for tests and one-off computations such as building a genesis block. */
export class MemoryStore implements KeyValueStore {
  readonly #values = new Map<Hex, Uint8Array>()

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(toHex(key))
  }

  async write(writes: readonly Write[]): Promise<void> {
    for (const { key, value } of writes) {
      if (value === undefined) this.#values.delete(toHex(key))
      else this.#values.set(toHex(key), Uint8Array.from(value))
    }
  }

  async *entries({ gte, lt, reverse, limit = Infinity }: Range): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    const inside = [...this.#values]
      .map(([key, value]) => [fromHex(key), value] as const)
      .filter(([key]) => compareBytes(key, gte) >= 0 && compareBytes(key, lt) < 0)
      .sort(([a], [b]) => (reverse ? compareBytes(b, a) : compareBytes(a, b)))
    yield* inside.slice(0, limit)
  }

  async close(): Promise<void> {}
}
