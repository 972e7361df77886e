import type { BlockRef, Cancellable, StateRange, StateSink } from '@hawser/chain'
import {
  AppError,
  compareBytes,
  concatBytes,
  equalBytes,
  fromHex,
  isAppError,
  keccak256,
  uintBE,
  utf8,
  type Hash32,
} from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'
import type { ExecutionError } from '../errors.ts'
import { decodeAccount, decodeWord, encodeWord, EMPTY_CODE_HASH, EMPTY_ROOT } from './account.ts'
import { nodeKey, NodeStore } from './node-store.ts'
import { verifyRange } from './range-proof.ts'
import { codeKey, FINAL, OLDEST, rootKey, stateId } from './state-keys.ts'
import { buildTrie, type LeafReader, type NodeSink } from './trie-builder.ts'
import type { Link } from './trie-node.ts'
import { packNibbles, placeNodes, trieRoot } from './trie.ts'
import type { TrieItem } from './trie-update.ts'

/** The hashed addresses are fetched in so many parts that go on by themselves: one for each first nibble. */
const PARTS = 16
/** Writes of one batch while the tries are built, and keys deleted at once. */
const MAX_BATCH = 10_000
const LAST_KEY = new Uint8Array(32).fill(0xff)

/**
 * While a state comes in, the block's hash and the parts' next keys stand here; nothing stands behind the key as long as what was
 * there before is being deleted, which a restart then does anew.
 */
const PROGRESS = keyIn(keyspace.stateMeta, utf8('import'))
const UNEMPTIED: Write = { key: PROGRESS, value: new Uint8Array() }

/** The import that may write to a database: the one that was opened last. */
const OPEN = new WeakMap<KeyValueStore, StateImport>()

/** The next key of each part; undefined when it is complete. */
type Parts = readonly (Uint8Array | undefined)[]

/** Takes the state of one block in proven parts: flat values as they come, the tries from them at the end. Goes on after a restart. */
export class StateImport implements StateSink {
  readonly block: BlockRef
  readonly #store: KeyValueStore
  readonly #stateRoot: Uint8Array
  /** As it is on disk. */
  #next: Parts
  #closed = false
  /** Writes go one after the other, so that progress on disk never names leaves that are not. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(store: KeyValueStore, block: BlockRef, stateRoot: Uint8Array, next: Parts) {
    this.#store = store
    this.block = block
    this.#stateRoot = stateRoot
    this.#next = next
  }

  /**
   * Goes on with an import of the same block, or empties the database's state and begins. An import that was open on the database
   * takes nothing any more.
   */
  static async open(
    store: KeyValueStore,
    block: BlockRef,
    stateRoot: Hash32,
    { signal }: Cancellable = {},
  ): Promise<StateImport> {
    const before = OPEN.get(store)
    if (before) {
      before.#closed = true
      await before.#turn
    }
    const record = store.get(PROGRESS)
    const resumed = record && equalBytes(record.subarray(0, 32), fromHex(block.hash))
    const next = Array.from({ length: PARTS }, (_, part) => {
      if (!resumed) return first(part)
      const at = 32 + part * 33
      return record[at] === 1 ? record.slice(at + 1, at + 33) : undefined
    })
    const sink = new StateImport(store, block, fromHex(stateRoot), next)
    OPEN.set(store, sink)
    if (resumed) return sink
    // Marked first: a state that is half emptied is never taken for a whole one.
    await store.write([UNEMPTIED], { sync: true })
    for (const space of [
      keyspace.flatAccount,
      keyspace.flatStorage,
      keyspace.node,
      keyspace.stateRoot,
      keyspace.stateDiff,
      keyspace.deaths,
    ])
      await empty(store, space, signal)
    await store.write([sink.#progress(next)], { sync: true })
    return sink
  }

  /** Whether a state came in half: the node cannot run on this database before it is complete. */
  static isPending(store: KeyValueStore): boolean {
    return store.get(PROGRESS) !== undefined
  }

  missing(): readonly { readonly origin: Uint8Array; readonly limit: Uint8Array }[] {
    return this.#next.flatMap((origin, part) => (origin ? [{ origin, limit: last(part) }] : []))
  }

  accounts(origin: Uint8Array, limit: Uint8Array, range: StateRange): ReturnType<StateSink['accounts']> {
    const next = this.#check(this.#stateRoot, origin, limit, range)
    if (!next) return undefined
    const storages: { account: Uint8Array; root: Uint8Array }[] = []
    const codes = new Map<string, Uint8Array>()
    for (const { key, value } of range.leaves) {
      const { storageRoot, codeHash } = decodeAccount(value)
      if (!equalBytes(storageRoot, EMPTY_ROOT)) storages.push({ account: key, root: storageRoot })
      if (!equalBytes(codeHash, EMPTY_CODE_HASH) && !this.#store.get(codeKey(codeHash)))
        codes.set(Buffer.from(codeHash).toString('hex'), codeHash)
    }
    const commit = () =>
      this.#inTurn(async () => {
        const parts = this.#next.with((origin[0] as number) >> 4, next.key)
        const writes: Write[] = range.leaves.map(({ key, value }) => ({ key: keyIn(keyspace.flatAccount, key), value }))
        await this.#store.write([...writes, this.#progress(parts)])
        this.#next = parts
      })
    return { storages, codes: [...codes.values()], next: next.key, commit }
  }

  async storage(account: Uint8Array, root: Uint8Array, origin: Uint8Array, range: StateRange) {
    const next = this.#check(root, origin, LAST_KEY, range)
    if (!next) return undefined
    const writes = range.leaves.map(({ key, value }) => ({
      key: keyIn(keyspace.flatStorage, account, key),
      value: decodeWord(value),
    }))
    await this.#inTurn(() => this.#store.write(writes))
    return { next: next.key }
  }

  async code(hash: Uint8Array, code: Uint8Array): Promise<boolean> {
    if (!equalBytes(keccak256(code), hash)) return false
    await this.#inTurn(() => this.#store.write([{ key: codeKey(hash), value: code }]))
    return true
  }

  async finish({ signal }: Cancellable = {}): Promise<readonly Write[]> {
    return this.#inTurn(async () => {
      this.#closed = true
      try {
        return await this.#build(signal)
      } catch (error) {
        // What is here is of no use: the next attempt begins with nothing.
        if (isAppError(error, 'STATE_IMPORT_INVALID')) await this.#store.write([UNEMPTIED], { sync: true })
        throw error
      }
    })
  }

  async #build(signal: AbortSignal | undefined): Promise<readonly Write[]> {
    // An earlier attempt may have been cut off in the middle.
    await empty(this.#store, keyspace.node, signal)
    const nodes = new NodeStore(this.#store)
    await nodes.start()
    const writes: Write[] = []
    const sink: NodeSink = {
      place(_node, stored) {
        const pointer = nodes.allocate()
        writes.push({ key: nodeKey(pointer), value: stored })
        return pointer
      },
      flush: async () => {
        signal?.throwIfAborted()
        while (writes.length >= MAX_BATCH) await this.#store.write(writes.splice(0, MAX_BATCH))
      },
    }
    const build = async (read: LeafReader, expected: Uint8Array, what: string): Promise<Link | undefined> => {
      const root = await buildTrie(read, sink)
      if (!equalBytes(trieRoot(root), expected)) throw invalid(`${what} does not come to its root`)
      placeNodes(root, (node, stored) => sink.place(node, stored))
      await sink.flush()
      return root && { reference: expected, pointer: root.pointer, node: undefined }
    }
    const accounts: LeafReader = async (path, limit) => {
      const items = await this.#leaves(keyIn(keyspace.flatAccount), path, limit, (value) => value)
      // A whole answer is built at once: only then are the storages needed.
      if (items.length === limit) return items
      const complete: TrieItem[] = []
      for (const item of items) {
        const { storageRoot } = decodeAccount(item.value as Uint8Array)
        const storage = equalBytes(storageRoot, EMPTY_ROOT)
          ? undefined
          : await build(this.#words(item.key), storageRoot, 'the storage of an account')
        complete.push(storage ? { ...item, storage } : item)
      }
      return complete
    }
    const root = await build(accounts, this.#stateRoot, `the state of block ${this.block.number}`)
    const id = stateId(this.block)
    writes.push(
      { key: rootKey(id), value: concatBytes(this.#stateRoot, uintBE(BigInt(root?.pointer ?? 0), 8)) },
      { key: FINAL, value: fromHex(id) },
      { key: OLDEST, value: uintBE(this.block.number, 8) },
      { key: PROGRESS, value: undefined },
    )
    return writes
  }

  /** @throws STATE_IMPORT_CLOSED */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => {
      if (this.#closed)
        throw new AppError<ExecutionError>(
          { code: 'STATE_IMPORT_CLOSED', fault: 'local' },
          `the import of the state of block ${this.block.number} is over`,
        )
      return task()
    })
    this.#turn = done.catch(() => undefined)
    return done
  }

  #words(account: Uint8Array): LeafReader {
    return (path, limit) => this.#leaves(keyIn(keyspace.flatStorage, account), path, limit, encodeWord)
  }

  async #leaves(
    prefix: Uint8Array,
    path: readonly number[],
    limit: number,
    valueOf: (flat: Uint8Array) => Uint8Array,
  ): Promise<TrieItem[]> {
    const pad = (nibble: number) => packNibbles([...path, ...new Array<number>(64 - path.length).fill(nibble)])
    const items: TrieItem[] = []
    const range = { gte: concatBytes(prefix, pad(0)), lt: concatBytes(prefix, pad(15), Uint8Array.of(0)), limit }
    for await (const [key, value] of this.#store.entries(range))
      items.push({ key: key.slice(prefix.length), value: valueOf(value) })
    return items
  }

  /** Undefined when the range proves nothing, or says nothing new; else the key to go on with, if there is more. */
  #check(root: Uint8Array, origin: Uint8Array, limit: Uint8Array, range: StateRange) {
    const { end, leaves } = range
    if (end.length !== 32 || compareBytes(end, limit) > 0) return undefined
    if (leaves.length === 0 && !equalBytes(end, limit)) return undefined
    const result = verifyRange({ root, origin, end, leaves, proof: range.proof })
    if (!result.ok) return undefined
    return { key: result.value.more && compareBytes(end, limit) < 0 ? after(end) : undefined }
  }

  #progress(next: Parts): Write {
    const parts = next.map((next) => (next ? concatBytes(Uint8Array.of(1), next) : new Uint8Array(33)))
    return { key: PROGRESS, value: concatBytes(fromHex(this.block.hash), ...parts) }
  }
}

async function empty(store: KeyValueStore, space: number, signal: AbortSignal | undefined): Promise<void> {
  for (;;) {
    signal?.throwIfAborted()
    const keys: Write[] = []
    for await (const [key] of store.entries({ gte: keyIn(space), lt: keyIn(space + 1), limit: MAX_BATCH }))
      keys.push({ key, value: undefined })
    if (keys.length === 0) return
    await store.write(keys)
  }
}

function first(part: number): Uint8Array {
  const key = new Uint8Array(32)
  key[0] = part << 4
  return key
}

function last(part: number): Uint8Array {
  const key = new Uint8Array(32).fill(0xff)
  key[0] = (part << 4) | 15
  return key
}

/** The key after one that is not the last. */
function after(key: Uint8Array): Uint8Array {
  const next = Uint8Array.from(key)
  for (let i = 31; i >= 0; i--) if ((next[i] = ((next[i] as number) + 1) & 0xff) !== 0) break
  return next
}

function invalid(why: string): AppError<ExecutionError> {
  return new AppError<ExecutionError>({ code: 'STATE_IMPORT_INVALID', fault: 'local' }, `${why}; begin the state anew`)
}
