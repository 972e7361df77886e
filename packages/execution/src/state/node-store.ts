import { AppError, readUintBE } from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore } from '@hawser/storage'
import type { ExecutionError } from '../errors.ts'
import { GenerationCache } from './generation-cache.ts'
import type { NodeSource } from './trie.ts'
import { decodeStoredNode, POINTER_BYTES, writePointer, type NodePointer, type TrieNode } from './trie-node.ts'

/** Decoded nodes in memory: a branch with all its children takes some 3 kB, most take far less; at most about 100 MB. */
const MAX_CACHED_NODES = 50_000

/** Trie nodes by their running number; a number is given once, so that what is cached is never stale. */
export class NodeStore implements NodeSource {
  readonly #store: KeyValueStore
  readonly #nodes = new GenerationCache<NodePointer, TrieNode>(MAX_CACHED_NODES)
  #next: NodePointer | undefined
  #starting: Promise<void> | undefined

  constructor(store: KeyValueStore) {
    this.#store = store
  }

  /** Finds where numbering goes on; before anything is written. */
  start(): Promise<void> {
    return (this.#starting ??= this.#findNext())
  }

  async #findNext(): Promise<void> {
    const range = { gte: keyIn(keyspace.node), lt: keyIn(keyspace.node + 1), reverse: true, limit: 1 }
    for await (const [key] of this.#store.entries(range)) this.#next = Number(readUintBE(key.subarray(1))) + 1
    this.#next ??= 1
  }

  node(pointer: NodePointer): TrieNode {
    let node = this.#nodes.get(pointer)
    if (!node) {
      const stored = this.#store.get(nodeKey(pointer))
      if (!stored)
        throw new AppError<ExecutionError>(
          { code: 'STATE_MISSING', fault: 'local' },
          'a part of this state is no longer here: it was pruned',
        )
      node = decodeStoredNode(stored)
      this.#nodes.set(pointer, node)
    }
    return node
  }

  /** The next number: the caller writes the node in the batch of its block. */
  allocate(): NodePointer {
    if (this.#next === undefined) throw new Error('the node store was started')
    return this.#next++
  }

  /** A node that is on disk now. */
  remember(pointer: NodePointer, node: TrieNode): void {
    this.#nodes.set(pointer, node)
  }
}

/** node | pointer u48 */
export function nodeKey(pointer: NodePointer): Uint8Array {
  const key = new Uint8Array(1 + POINTER_BYTES)
  key[0] = keyspace.node
  writePointer(key, 1, pointer)
  return key
}
