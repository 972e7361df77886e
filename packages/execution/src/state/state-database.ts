import type { BlockRef, StateChange } from '@hawser/chain'
import {
  AppError,
  concatBytes,
  fromHex,
  invariant,
  readUintBE,
  toHex,
  uintBE,
  ZERO_HASH,
  type Hash32,
} from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'
import type { ExecutionError } from '../errors.ts'
import { BlockState, MAX_LAYERS_READ, type FlatState, type Layer } from './block-state.ts'
import { GenerationCache } from './generation-cache.ts'
import { bytesOf, textOf } from './hashed-key.ts'
import type { JournaledState } from './journaled-state.ts'
import { nodeKey, NodeStore } from './node-store.ts'
import { addFlat, codeKey, deathsKey, diffKey, FINAL, OLDEST, rootKey, stateId } from './state-keys.ts'
import { decodeDeaths, decodeStateDiff, encodeDeaths, encodeStateDiff, type StateDiff } from './state-diff.ts'
import { GONE, type StateUpdate } from './state-update.ts'
import { placeNodes, trieRoot } from './trie.ts'
import type { NodePointer, TrieNode } from './trie-node.ts'

/** Flat values in memory, those that are not there included: at some 300 bytes each, about 30 MB. */
const MAX_CACHED_VALUES = 100_000
/** Codes in memory: at most 24 MB. */
const MAX_CACHED_CODES = 1024
/** States that were opened since the last block became final: reads mostly ask for the same few. */
const MAX_OPENED = 64
/** Layers in memory; what lies deeper is read from its record when it becomes final. */
const MAX_LAYERS = 1024
/** Blocks whose old nodes go with one block's finality: a node that begins to prune does so by and by. */
const MAX_PRUNED_AT_ONCE = 256

/** How many final states are kept: all of them, or the last so many (at least 1). */
export type History = 'archive' | number

/**
 * The states of the chain's blocks: flat for the last final block, a layer in memory for each block above it, a trie for all that are
 * kept. What a block and its finality change goes into their atomic batches; memory follows when the batch is written.
 */
export class StateDatabase implements FlatState {
  readonly nodes: NodeStore
  readonly #store: KeyValueStore
  readonly #history: History
  readonly #layers = new Map<Hash32, Layer>()
  readonly #accounts = new GenerationCache<string, Uint8Array>(MAX_CACHED_VALUES)
  readonly #words = new GenerationCache<string, Uint8Array>(MAX_CACHED_VALUES)
  readonly #codes = new GenerationCache<string, Uint8Array>(MAX_CACHED_CODES)
  #opened = new GenerationCache<Hash32, BlockState>(MAX_OPENED)
  #flatId: Hash32 | undefined
  #movingFrom: Hash32 | undefined

  constructor(store: KeyValueStore, history: History = 'archive') {
    invariant(history === 'archive' || (Number.isSafeInteger(history) && history >= 1), 'at least one state is kept')
    this.#store = store
    this.#history = history
    this.nodes = new NodeStore(store)
  }

  get flatId(): Hash32 {
    if (!this.#flatId) {
      const id = this.#store.get(FINAL)
      this.#flatId = id ? (toHex(id) as Hash32) : ZERO_HASH
    }
    return this.#flatId
  }

  get movingFrom(): Hash32 | undefined {
    return this.#movingFrom
  }

  /** The state after a block. @throws STATE_MISSING when it was pruned, or the block was never executed here */
  open(block: BlockRef): BlockState {
    const id = stateId(block)
    const opened = this.#opened.get(id)
    if (opened) return opened
    const record = this.#store.get(rootKey(id))
    if (!record) throw this.#missing(block)
    const pointer = Number(readUintBE(record.subarray(32)))
    const root = pointer === 0 ? undefined : { reference: record.subarray(0, 32), pointer, node: undefined }
    const state = new BlockState(id, root, this.#layer(id), this, this.nodes)
    this.#opened.set(id, state)
    return state
  }

  /** The state before the first block. */
  empty(): BlockState {
    return new BlockState(ZERO_HASH, undefined, undefined, this, this.nodes)
  }

  /** What a block's execution on top of a state came to, for its batch; `start` of the nodes must have been awaited. */
  seal(parent: BlockState, update: StateUpdate, journal: JournaledState, block: BlockRef): StateChange {
    const id = stateId(block)
    const { writes, fresh, diff } = this.#write(parent.id, update, journal, id)
    writes.push({ key: diffKey(id), value: encodeStateDiff(diff) })
    return {
      writes,
      apply: () => {
        for (const [pointer, node] of fresh) this.nodes.remember(pointer, node)
        this.#addLayer(id, diff)
      },
    }
  }

  /** The first state: it is final at once. */
  sealFirst(update: StateUpdate, journal: JournaledState): readonly Write[] {
    const { writes, diff } = this.#write(ZERO_HASH, update, journal, ZERO_HASH)
    addFlat(writes, diff.accounts, diff.words)
    return writes
  }

  /**
   * What it takes when blocks become final, ascending, and others are abandoned. From here until it is applied, the flat values on
   * disk may be the old or the new ones.
   */
  finalize(path: readonly BlockRef[], pruned: readonly BlockRef[]): StateChange {
    const accounts = new Map<string, Uint8Array>()
    const words = new Map<string, Uint8Array>()
    const writes: Write[] = []
    const deaths = new Map<bigint, Uint8Array>()
    for (const block of path) {
      const diff = this.#diff(block)
      for (const [key, value] of diff.accounts) accounts.set(key, value)
      for (const [key, value] of diff.words) words.set(key, value)
      deaths.set(block.number, encodeDeaths(diff))
      writes.push({ key: diffKey(block.hash), value: undefined })
    }
    addFlat(writes, accounts, words)
    for (const block of pruned) {
      const { births } = this.#diff(block)
      for (let i = 0; i < births.count; i++) writes.push({ key: nodeKey(births.first + i), value: undefined })
      writes.push({ key: diffKey(block.hash), value: undefined }, { key: rootKey(block.hash), value: undefined })
    }
    const last = path.at(-1)
    if (last) {
      writes.push({ key: FINAL, value: fromHex(last.hash) })
      this.#prune(last.number, deaths, writes)
    }
    for (const [number, value] of deaths) writes.push({ key: deathsKey(number), value })
    this.#forgetOpened()
    this.#movingFrom = this.flatId
    if (last) this.#flatId = last.hash
    return {
      writes,
      apply: () => {
        for (const [key, value] of accounts) this.#accounts.set(key, value)
        for (const [key, value] of words) this.#words.set(key, value)
        for (const block of [...path, ...pruned]) this.#layers.delete(block.hash)
        this.#movingFrom = undefined
        this.#forgetOpened()
        for (const layer of this.#layers.values()) if (layer.diff.parent === last?.hash) layer.parent = undefined
      },
    }
  }

  flatAccount(address: string): Uint8Array {
    let value = this.#accounts.get(address)
    if (!value) {
      value = this.#store.get(keyIn(keyspace.flatAccount, bytesOf(address))) ?? GONE
      this.#accounts.set(address, value)
    }
    return value
  }

  flatWord(key: string): Uint8Array {
    let value = this.#words.get(key)
    if (!value) {
      value = this.#store.get(keyIn(keyspace.flatStorage, bytesOf(key))) ?? GONE
      this.#words.set(key, value)
    }
    return value
  }

  code(hash: Uint8Array): Uint8Array {
    const key = textOf(hash)
    let code = this.#codes.get(key)
    if (!code) {
      code = this.#store.get(codeKey(hash))
      invariant(code, 'the code of an account is stored')
      this.#codes.set(key, code)
    }
    return code
  }

  #write(parent: Hash32, update: StateUpdate, journal: JournaledState, id: Hash32) {
    const writes: Write[] = []
    const fresh: [NodePointer, TrieNode][] = []
    const place = (node: TrieNode, stored: Uint8Array): NodePointer => {
      const pointer = this.nodes.allocate()
      fresh.push([pointer, node])
      writes.push({ key: nodeKey(pointer), value: stored })
      return pointer
    }
    const stateRoot = trieRoot(update.root)
    for (const storage of update.storageRoots) placeNodes(storage, place)
    placeNodes(update.root, place)
    for (const { hash, code } of journal.codes()) writes.push({ key: codeKey(hash), value: code })
    const rootPointer = update.root?.pointer ?? 0
    writes.push({ key: rootKey(id), value: concatBytes(stateRoot, uintBE(rootPointer, 8)) })
    const diff: StateDiff = {
      parent,
      stateRoot: toHex(stateRoot) as Hash32,
      rootPointer,
      births: { first: fresh[0]?.[0] ?? 0, count: fresh.length },
      deaths: update.deaths,
      accounts: update.accounts,
      words: update.words,
    }
    return { writes, fresh, diff }
  }

  /** Deletes the states that are no longer kept: the nodes that the next one after them replaced, and their roots. */
  #prune(final: bigint, recent: Map<bigint, Uint8Array>, writes: Write[]): void {
    if (this.#history === 'archive') return
    const oldest = this.oldest()
    const wanted = final - BigInt(this.#history) + 1n
    const limit = oldest + BigInt(MAX_PRUNED_AT_ONCE)
    const goal = wanted < limit ? wanted : limit
    if (goal <= oldest) return
    for (let number = oldest + 1n; number <= goal; number++) {
      const record = recent.get(number) ?? this.#store.get(deathsKey(number))
      invariant(record, 'a final block has its record of deaths')
      const { parent, deaths } = decodeDeaths(record)
      for (const pointer of deaths) writes.push({ key: nodeKey(pointer), value: undefined })
      writes.push({ key: rootKey(parent), value: undefined })
      if (!recent.delete(number)) writes.push({ key: deathsKey(number), value: undefined })
    }
    writes.push({ key: OLDEST, value: uintBE(goal, 8) })
  }

  /** The number of the oldest final block whose state is kept. */
  oldest(): bigint {
    return readUintBE(this.#store.get(OLDEST) ?? new Uint8Array())
  }

  /** The layer of a block, with those below it, from their records after a restart. */
  #layer(id: Hash32): Layer | undefined {
    let child: Layer | undefined
    let top: Layer | undefined
    for (let at = id, depth = 0; depth < MAX_LAYERS_READ; depth++) {
      const known = this.#layers.get(at)
      const layer = known ?? this.#load(at)
      if (child) child.parent = layer
      top ??= layer
      if (!layer || known) return top
      child = layer
      at = layer.diff.parent
    }
    return top
  }

  #load(id: Hash32): Layer | undefined {
    const record = this.#store.get(diffKey(id))
    if (!record) return undefined
    const layer: Layer = { id, diff: decodeStateDiff(record), parent: undefined }
    this.#keep(layer)
    return layer
  }

  #addLayer(id: Hash32, diff: StateDiff): void {
    const layer: Layer = { id, diff, parent: this.#layer(diff.parent) }
    this.#keep(layer)
    // What is deeper than reads go is let go, so that a chain without finality does not fill the memory.
    let deep: Layer | undefined = layer
    for (let depth = 1; deep && depth < MAX_LAYERS_READ; depth++) deep = deep.parent
    if (deep) deep.parent = undefined
  }

  #keep(layer: Layer): void {
    this.#layers.set(layer.id, layer)
    const oldest = this.#layers.keys().next()
    if (this.#layers.size > MAX_LAYERS && !oldest.done) this.#layers.delete(oldest.value)
  }

  #diff(block: BlockRef): StateDiff {
    const layer = this.#layers.get(block.hash) ?? this.#load(block.hash)
    invariant(layer, `block ${block.number} above the last final one has its changes`)
    return layer.diff
  }

  /** Finality may delete states, and the layers that reads go through. */
  #forgetOpened(): void {
    this.#opened = new GenerationCache(MAX_OPENED)
  }

  #missing(block: BlockRef): AppError<ExecutionError> {
    const info = { code: 'STATE_MISSING', fault: 'local' } as const
    const oldest = this.oldest()
    if (block.number >= oldest)
      return new AppError<ExecutionError>(info, `the state of block ${block.number} ${block.hash} is not here`)
    return new AppError<ExecutionError>(
      info,
      `the state of block ${block.number} is pruned; this node has states from block ${oldest} on; ask an archive node`,
    )
  }
}
