import { RLP } from '@ethereumjs/rlp'
import type { BlockRef, StateRange } from '@hawser/chain'
import { compareBytes, keccak256, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { keyIn, keyspace, MemoryStore, type Write } from '@hawser/storage'
import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { EMPTY_CODE_HASH, EMPTY_ROOT } from './account.ts'
import { NodeStore } from './node-store.ts'
import { readRange } from './range-reader.ts'
import { StateImport } from './state-import.ts'
import { rootKey, stateId } from './state-keys.ts'
import { TrieUpdate } from './trie-update.ts'
import { findLeaf, trieRoot } from './trie.ts'

const NO_NODES = {
  node: () => {
    throw new Error('all is in memory')
  },
}
const FIRST = new Uint8Array(32)
const LAST = new Uint8Array(32).fill(0xff)
const A: BlockRef = { number: 5n, hash: `0x${'aa'.repeat(32)}` as Hash32 }
const B: BlockRef = { number: 9n, hash: `0x${'bb'.repeat(32)}` as Hash32 }

/** A trie of leaves, with the ranges that prove them. */
function trieOf(leaves: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]) {
  const root = new TrieUpdate(NO_NODES).update(
    undefined,
    leaves.toSorted((a, b) => compareBytes(a.key, b.key)),
  )
  const range = (origin: Uint8Array, limit: Uint8Array): StateRange =>
    readRange(NO_NODES, root, origin, limit, Number.MAX_SAFE_INTEGER)
  return { root: trieRoot(root), range }
}

const account = (storageRoot: Uint8Array, codeHash = EMPTY_CODE_HASH) =>
  RLP.encode([Uint8Array.of(1), Uint8Array.of(7), storageRoot, codeHash])
const hashOf = (trie: { readonly root: Uint8Array }) => toHex(trie.root) as Hash32

/** One account in the first part, another in the second. */
const LOW = Uint8Array.of(0x01, ...keccak256(Uint8Array.of(1)).subarray(1))
const HIGH = Uint8Array.of(0x11, ...keccak256(Uint8Array.of(2)).subarray(1))
const SLOT = keccak256(Uint8Array.of(3))
const CODE = Uint8Array.of(0x60, 0x00)
const storage = trieOf([{ key: SLOT, value: RLP.encode(Uint8Array.of(7)) }])
const stateA = trieOf([
  { key: LOW, value: account(storage.root, keccak256(CODE)) },
  { key: HIGH, value: account(EMPTY_ROOT) },
])
const stateB = trieOf([{ key: LOW, value: account(EMPTY_ROOT) }])
const flatSlot = keyIn(keyspace.flatStorage, LOW, SLOT)

/** A store of which single writes fail, or take long. */
class FaultyStore extends MemoryStore {
  fails: (writes: readonly Write[]) => boolean = () => false
  /** What a write waits for. */
  slow: (writes: readonly Write[]) => Promise<void> | undefined = () => undefined
  largestBatch = 0

  override async write(writes: readonly Write[]): Promise<void> {
    if (this.fails(writes)) throw new Error('the disk is gone')
    await this.slow(writes)
    this.largestBatch = Math.max(this.largestBatch, writes.length)
    await super.write(writes)
  }
}

async function contentOf(store: MemoryStore): Promise<string[]> {
  const content: string[] = []
  for await (const [key, value] of store.entries({ gte: Uint8Array.of(0), lt: LAST }))
    content.push(`${toHex(key)} ${toHex(value)}`)
  return content
}

function taken(sink: StateImport, state: ReturnType<typeof trieOf>, part: { origin: Uint8Array; limit: Uint8Array }) {
  const accounts = sink.accounts(part.origin, part.limit, state.range(part.origin, part.limit))
  if (!accounts) throw new Error('the range is true')
  return accounts
}

async function takeAll(sink: StateImport, state: ReturnType<typeof trieOf>): Promise<void> {
  for (const part of sink.missing()) await taken(sink, state, part).commit()
}

describe('the import of a state', () => {
  it('takes nothing any more when another one was opened on the database, or when it is finished', async () => {
    const db = new MemoryStore()
    const old = await StateImport.open(db, A, hashOf(stateA))
    const accounts = taken(old, stateA, old.missing()[0] as never)
    const late = () => [
      accounts.commit(),
      old.storage(LOW, storage.root, FIRST, storage.range(FIRST, LAST)),
      old.code(keccak256(CODE), CODE),
    ]
    const young = await StateImport.open(db, B, hashOf(stateB))
    const before = await contentOf(db)
    for (const attempt of late()) await expect(attempt).rejects.toMatchObject({ code: 'STATE_IMPORT_CLOSED' })
    expect(await contentOf(db)).toEqual(before)

    await takeAll(young, stateB)
    await db.write(await young.finish())
    const whole = await contentOf(db)
    await expect(young.storage(LOW, storage.root, FIRST, storage.range(FIRST, LAST))).rejects.toMatchObject({
      code: 'STATE_IMPORT_CLOSED',
    })
    expect(await contentOf(db)).toEqual(whole)
    expect(StateImport.isPending(db)).toBe(false)
  })

  it('waits for what the import before it is writing', async () => {
    const db = new FaultyStore()
    const old = await StateImport.open(db, A, hashOf(stateA))
    let begin!: () => void
    let end!: () => void
    const begun = new Promise<void>((resolve) => (begin = resolve))
    const ended = new Promise<void>((resolve) => (end = resolve))
    db.slow = (writes) => {
      if (!writes.some(({ key, value }) => value && toHex(key) === toHex(flatSlot))) return undefined
      begin()
      return ended
    }
    const write = old.storage(LOW, storage.root, FIRST, storage.range(FIRST, LAST))
    await begun
    const young = StateImport.open(db, B, hashOf(stateB))
    // Whatever does not wait for the disk has happened by then.
    await setImmediate()
    end()
    await Promise.all([write, young])
    expect(db.get(flatSlot)).toBeUndefined()
  })

  it('goes on where it was', async () => {
    const db = new MemoryStore()
    const sink = await StateImport.open(db, A, hashOf(stateA))
    for (const part of sink.missing().slice(0, 3)) await taken(sink, stateA, part).commit()
    expect(sink.missing()).toHaveLength(13)
    const again = await StateImport.open(db, A, hashOf(stateA))
    expect(again.missing()).toEqual(sink.missing())
    expect(db.get(keyIn(keyspace.flatAccount, HIGH))).toBeDefined()
  })

  it('empties the database anew when it was cut off while it did', async () => {
    const db = new FaultyStore()
    await db.write([{ key: flatSlot, value: Uint8Array.of(7) }])
    let writes = 0
    db.fails = () => ++writes === 2
    await expect(StateImport.open(db, B, hashOf(stateB))).rejects.toThrow('the disk is gone')
    expect(StateImport.isPending(db)).toBe(true)
    expect(db.get(flatSlot)).toBeDefined()

    const again = await StateImport.open(db, B, hashOf(stateB))
    expect(db.get(flatSlot)).toBeUndefined()
    expect(again.missing()).toHaveLength(16)
  })

  it('begins anew after it did not come to its root, and is no whole state until then', async () => {
    const db = new MemoryStore()
    const sink = await StateImport.open(db, A, hashOf(stateA))
    // The storage of an account is left out.
    await takeAll(sink, stateA)
    await expect(sink.finish()).rejects.toMatchObject({ code: 'STATE_IMPORT_INVALID' })
    expect(StateImport.isPending(db)).toBe(true)

    const again = await StateImport.open(db, A, hashOf(stateA))
    expect(again.missing()).toHaveLength(16)
    await again.storage(LOW, storage.root, FIRST, storage.range(FIRST, LAST))
    await takeAll(again, stateA)
    await db.write(await again.finish())
    expect(StateImport.isPending(db)).toBe(false)
  })

  it('says of no part that it is here before it is', async () => {
    const db = new FaultyStore()
    const sink = await StateImport.open(db, A, hashOf(stateA))
    const [low, high] = sink.missing() as never as readonly [never, never]
    db.fails = (writes) => writes.some(({ key }) => toHex(key) === toHex(keyIn(keyspace.flatAccount, LOW)))
    const commits = [taken(sink, stateA, low).commit(), taken(sink, stateA, high).commit()]
    expect((await Promise.allSettled(commits)).map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])

    const again = await StateImport.open(db, A, hashOf(stateA))
    expect(again.missing().map(({ origin }) => origin[0])).toEqual([
      0,
      ...Array.from({ length: 14 }, (_, i) => (i + 2) << 4),
    ])
  })

  it('builds a trie of any size in batches that are bounded', async () => {
    const leaves = Array.from({ length: 30_000 }, (_, i) => ({
      key: keccak256(uintBE(BigInt(i), 8)),
      value: account(EMPTY_ROOT),
    }))
    const state = trieOf(leaves)
    const db = new FaultyStore()
    const sink = await StateImport.open(db, A, hashOf(state))
    await takeAll(sink, state)
    const rest = await sink.finish()
    expect(db.largestBatch).toBeLessThanOrEqual(10_000)
    expect(rest.length).toBeLessThanOrEqual(10_000)
    await db.write(rest)

    const pointer = Number(toHex((db.get(rootKey(stateId(A))) as Uint8Array).subarray(32)))
    const nodes = new NodeStore(db)
    for (const { key, value } of leaves.filter((_, i) => i % 1_000 === 0))
      expect(findLeaf(nodes, { reference: undefined, pointer, node: undefined }, key)?.value).toEqual(value)
  })

  it('ends when it is told to', async () => {
    const db = new MemoryStore()
    const reason = new Error('told to stop')
    const signal = AbortSignal.abort(reason)
    await expect(StateImport.open(db, B, hashOf(stateB), { signal })).rejects.toBe(reason)
    const sink = await StateImport.open(db, B, hashOf(stateB))
    await takeAll(sink, stateB)
    await expect(sink.finish({ signal })).rejects.toBe(reason)
    await db.write(await (await StateImport.open(db, B, hashOf(stateB))).finish())
    expect(StateImport.isPending(db)).toBe(false)
  })
})
