/** One change of a batch: a value to put, or undefined to delete the key. */
export interface Write {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Which keys to walk over: from `gte` (inclusive) up to `lt` (exclusive), in byte order. */
export interface Range {
  readonly gte: Uint8Array
  readonly lt: Uint8Array
  readonly reverse?: boolean
  readonly limit?: number
}

/**
 * An ordered key-value store. Reads are synchronous (a LevelDB read is faster than a promise); writes are atomic batches.
 * Every adapter passes the same suite (key-value-store.suite.ts).
 */
export interface KeyValueStore {
  /** The value, or undefined. */
  get(key: Uint8Array): Uint8Array | undefined
  /** All writes or none. With `sync` it resolves only when the disk has them (fsync). */
  write(writes: readonly Write[], options?: { readonly sync?: boolean }): Promise<void>
  /** The entries of a range in key order. */
  entries(range: Range): AsyncIterable<readonly [Uint8Array, Uint8Array]>
  close(): Promise<void>
}
