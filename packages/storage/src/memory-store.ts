import type { KeyValueStore, Range, Write } from './key-value-store.ts'

/** A store that forgets: for tests and one-off computations such as building a genesis block. */
export class MemoryStore implements KeyValueStore {
  readonly #values = new Map<string, Uint8Array>()

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key))
  }

  async write(writes: readonly Write[]): Promise<void> {
    for (const { key, value } of writes) {
      if (value === undefined) this.#values.delete(textOf(key))
      else this.#values.set(textOf(key), Uint8Array.from(value))
    }
  }

  async *entries({ gte, lt, reverse, limit = Infinity }: Range): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    const [from, to] = [textOf(gte), textOf(lt)]
    const keys = [...this.#values.keys()].filter((key) => key >= from && key < to).sort()
    if (reverse) keys.reverse()
    const inside = keys
      .slice(0, limit)
      .map((key) => [Uint8Array.from(Buffer.from(key, 'latin1')), this.#values.get(key) as Uint8Array] as const)
    yield* inside
  }

  async close(): Promise<void> {}
}

/** A character for each byte: text compares as the bytes do. */
function textOf(bytes: Uint8Array): string {
  return Buffer.prototype.latin1Slice.call(bytes, 0, bytes.length)
}
