import type { BatchDBOp, DB } from '@ethereumjs/util'
import { fromHex } from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'

/** Trie nodes and codes in memory, by content: never stale. At some 200 bytes each, about 40 MB. */
const MAX_CACHED_NODES = 150_000

/** The nodes that every execution of a process shares; content-addressed, so that forks cannot disturb one another. */
export class NodeCache {
  readonly #nodes = new Map<string, Uint8Array>()

  get(key: string): Uint8Array | undefined {
    return this.#nodes.get(key)
  }

  set(key: string, node: Uint8Array): void {
    this.#nodes.set(key, node)
    if (this.#nodes.size <= MAX_CACHED_NODES) return
    const oldest = this.#nodes.keys().next()
    if (!oldest.done) this.#nodes.delete(oldest.value)
  }
}

/**
 * What an EthereumJS trie writes to: reads go to the store, writes stay here until the block's atomic batch takes them.
 * Nodes are never deleted: every state root that was once committed stays readable.
 */
export class TrieDatabase implements DB<string, Uint8Array> {
  readonly #store: KeyValueStore
  readonly #cache: NodeCache
  readonly #pending = new Map<string, Uint8Array>()

  constructor(store: KeyValueStore, cache: NodeCache) {
    this.#store = store
    this.#cache = cache
  }

  /** What was written since the start. */
  writes(): Write[] {
    return [...this.#pending].map(([key, value]) => ({ key: keyIn(keyspace.state, fromHex(key)), value }))
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const known = this.#pending.get(key) ?? this.#cache.get(key)
    if (known) return known
    const value = this.#store.get(keyIn(keyspace.state, fromHex(key)))
    if (value) this.#cache.set(key, value)
    return value
  }

  async put(key: string, value: Uint8Array): Promise<void> {
    this.#pending.set(key, value)
  }

  async del(): Promise<void> {}

  async batch(operations: BatchDBOp<string, Uint8Array>[]): Promise<void> {
    for (const operation of operations) if (operation.type === 'put') this.#pending.set(operation.key, operation.value)
  }

  shallowCopy(): DB<string, Uint8Array> {
    return this
  }

  async open(): Promise<void> {}
}
