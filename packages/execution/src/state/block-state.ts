import type { Hash32 } from '@hawser/primitives'
import { decodeAccount, decodeWord, type AccountRecord } from './account.ts'
import type { HashedKey } from './hashed-key.ts'
import type { StateDiff } from './state-diff.ts'
import type { StateReader } from './state-reader.ts'
import { findLeaf, type NodeSource } from './trie.ts'
import type { Link } from './trie-node.ts'

/** Layers that are kept linked, for reads to go through; asking the trie instead costs about as much as this many look-ups. */
export const MAX_LAYERS_READ = 128

/** What a block above the last final one changed, on top of its parent's layer. */
export interface Layer {
  readonly id: Hash32
  readonly diff: StateDiff
  /** undefined on the lowest one: above the final state, or as far down as layers are kept together. */
  parent: Layer | undefined
}

/** The flat state of the last final block. */
export interface FlatState {
  /** The block whose values are flat. */
  readonly flatId: Hash32
  /** While a batch is being written: the block whose values were flat before; some of them may still be. */
  readonly movingFrom: Hash32 | undefined
  /** The account's RLP, or GONE. */
  flatAccount(address: string): Uint8Array
  /** The word without leading zeros, or GONE. */
  flatWord(key: string): Uint8Array
  code(hash: Uint8Array): Uint8Array
}

/** The state after a block: by layers and flat values while finality has not passed it, by its trie for good. */
export class BlockState implements StateReader {
  readonly id: Hash32
  readonly root: Link | undefined
  readonly nodes: NodeSource
  readonly #flat: FlatState
  readonly #top: Layer | undefined

  constructor(id: Hash32, root: Link | undefined, top: Layer | undefined, flat: FlatState, nodes: NodeSource) {
    this.id = id
    this.root = root
    this.nodes = nodes
    this.#top = top
    this.#flat = flat
  }

  account(address: HashedKey): AccountRecord | undefined {
    const found = this.#find((diff) => diff.accounts.get(address.text))
    const value = found === 'flat' ? this.#flat.flatAccount(address.text) : found
    if (value !== 'trie') return value.length === 0 ? undefined : decodeAccount(value)
    const leaf = findLeaf(this.nodes, this.root, address.bytes)
    return leaf && decodeAccount(leaf.value)
  }

  storage(address: HashedKey, slot: HashedKey): Uint8Array {
    const key = address.text + slot.text
    const found = this.#find((diff) => diff.words.get(key))
    const value = found === 'flat' ? this.#flat.flatWord(key) : found
    if (value !== 'trie') return value
    const account = findLeaf(this.nodes, this.root, address.bytes)
    const leaf = account?.storage && findLeaf(this.nodes, account.storage, slot.bytes)
    return leaf ? decodeWord(leaf.value) : new Uint8Array()
  }

  code(hash: Uint8Array): Uint8Array {
    return this.#flat.code(hash)
  }

  /**
   * The value in the highest layer that has one, or where else it stands. Flat values count only when this state stands on the block
   * that they belong to: since it was opened, finality may have passed it or gone another way.
   */
  #find(read: (diff: StateDiff) => Uint8Array | undefined): Uint8Array | 'flat' | 'trie' {
    const { flatId, movingFrom } = this.#flat
    let standsOnFinal = movingFrom === undefined || this.id === flatId
    let below = this.id
    for (let layer = this.#top; layer; layer = layer.parent) {
      if (layer.id === flatId) {
        if (movingFrom === undefined) return 'flat'
        standsOnFinal = true
      }
      const value = read(layer.diff)
      if (value) return value
      below = layer.diff.parent
    }
    return standsOnFinal && below === (movingFrom ?? flatId) ? 'flat' : 'trie'
  }
}
