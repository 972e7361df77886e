import type { BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { concatBytes, fromHex, invariant, readUintBE, toHex, uintBE, utf8, type Hash32 } from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'
import { BlockCache } from './block-cache.ts'
import {
  blockRef,
  decodeReceipts,
  decodeSealedBlock,
  decodeSealedHeader,
  encodeReceipts,
  encodeSealedBlock,
} from './block-types.ts'
import type { ForkSchedule, Receipt, SealedBlock } from './block-types.ts'
import type { BlockRef, ChainChange, ChainStore } from './ports.ts'
import { transactionHash } from './transaction.ts'

const HEAD = keyIn(keyspace.pointer, utf8('head'))
const FINALIZED = keyIn(keyspace.pointer, utf8('finalized'))
/** Where the number of the first block after a gap stands: absent on a chain that is whole. */
const FIRST = keyIn(keyspace.pointer, utf8('first'))

/** Blocks that finality cut off, kept in memory for those who still hear votes for them: at most 8 MB. */
const MAX_ABANDONED = 64
/** The longest of them, in bytes; a full block is worth less than its room. */
const MAX_ABANDONED_BYTES = 128 * 1024

/** The chain's database over a key-value store; docs/schema.md lists the keys. */
export class StoredChain implements ChainStore {
  readonly #db: KeyValueStore
  readonly #rules: Common | ForkSchedule
  readonly #cache = new BlockCache()
  readonly #abandoned = new Map<Hash32, Uint8Array>()
  readonly #unfinalized = new Map<Hash32, BlockRef>()
  #head: BlockRef
  #finalized: BlockRef

  private constructor(db: KeyValueStore, rules: Common | ForkSchedule, head: BlockRef, finalized: BlockRef) {
    this.#db = db
    this.#rules = rules
    this.#head = head
    this.#finalized = finalized
  }

  /** Opens the chain, writing the genesis block and its state when the database is empty. */
  static async open(
    db: KeyValueStore,
    rules: Common | ForkSchedule,
    genesis: { readonly sealed: SealedBlock; readonly state: readonly Write[] },
  ): Promise<StoredChain> {
    const head = db.get(HEAD)
    const finalized = db.get(FINALIZED)
    if (!head || !finalized) {
      const ref = blockRef(genesis.sealed.block)
      const chain = new StoredChain(db, rules, ref, ref)
      await chain.commit({
        block: { sealed: genesis.sealed, receipts: [], state: { writes: genesis.state, apply: () => undefined } },
        head: { ref, added: [ref], removed: [] },
        finalized: { ref, pruned: [] },
      })
      return chain
    }
    const chain = new StoredChain(db, rules, decodeRef(head), decodeRef(finalized))
    const from = keyIn(keyspace.unfinalized)
    for await (const [key] of db.entries({ gte: from, lt: keyIn(keyspace.unfinalized + 1) })) {
      const ref = { number: readUintBE(key.subarray(1, 9)), hash: toHex(key.subarray(9)) as Hash32 }
      chain.#unfinalized.set(ref.hash, ref)
    }
    return chain
  }

  /**
   * Begins an empty chain at a final block whose state came in, with blocks before it for what execution asks of them. Below the
   * first of them the chain has a gap. `state`: what makes the state whole, in the same batch.
   */
  async beginAt(
    base: SealedBlock,
    justification: Uint8Array,
    ancestors: readonly SealedBlock[],
    state: readonly Write[],
  ): Promise<void> {
    invariant(this.#head.number === 0n, 'a chain that has blocks goes on from them')
    const ref = blockRef(base.block)
    const writes: Write[] = [...state]
    for (const sealed of [...ancestors, base]) {
      const { number, hash } = blockRef(sealed.block)
      writes.push({ key: keyIn(keyspace.block, fromHex(hash)), value: encodeSealedBlock(sealed) })
      writes.push({ key: keyIn(keyspace.canonical, uintBE(number, 8)), value: fromHex(hash) })
    }
    writes.push({ key: keyIn(keyspace.justification, fromHex(ref.hash)), value: justification })
    writes.push({ key: FIRST, value: uintBE(ref.number + 1n, 8) })
    writes.push({ key: HEAD, value: encodeRef(ref) }, { key: FINALIZED, value: encodeRef(ref) })
    await this.#db.write(writes, { sync: true })
    this.#head = ref
    this.#finalized = ref
  }

  /** The first block from which on all blocks are here with their receipts: 1, but on a chain that began at a fetched state. */
  first(): bigint {
    const bytes = this.#db.get(FIRST)
    return bytes ? readUintBE(bytes) : 1n
  }

  pointers(): { readonly head: BlockRef; readonly finalized: BlockRef } {
    return { head: this.#head, finalized: this.#finalized }
  }

  block(hash: Hash32): SealedBlock | undefined {
    const cached = this.#cache.block(hash)
    if (cached) return cached
    const bytes = this.#db.get(keyIn(keyspace.block, fromHex(hash)))
    if (!bytes) return undefined
    const sealed = decodeSealedBlock(bytes, this.#rules)
    this.#cache.addBlock(hash, sealed)
    return sealed
  }

  /** A stored block's header; its body is not read. */
  header(hash: Hash32): BlockHeader | undefined {
    const cached = this.#cache.header(hash)
    if (cached) return cached
    const bytes = this.#db.get(keyIn(keyspace.block, fromHex(hash)))
    if (!bytes) return undefined
    const header = decodeSealedHeader(bytes, this.#rules)
    this.#cache.addHeader(hash, header)
    return header
  }

  /** A sealed block as RLP, without decoding what is only passed on; also one that finality cut off of late. */
  encodedBlock(hash: Hash32): Uint8Array | undefined {
    return this.#db.get(keyIn(keyspace.block, fromHex(hash))) ?? this.#abandoned.get(hash)
  }

  receipts(hash: Hash32): readonly Receipt[] | undefined {
    const bytes = this.#db.get(keyIn(keyspace.receipts, fromHex(hash)))
    return bytes && decodeReceipts(bytes)
  }

  canonicalHash(number: bigint): Hash32 | undefined {
    if (number < 0n || number > this.#head.number) return undefined
    const bytes = this.#db.get(keyIn(keyspace.canonical, uintBE(number, 8)))
    return bytes && (toHex(bytes) as Hash32)
  }

  transactionLocation(hash: Hash32): { readonly blockHash: Hash32; readonly index: number } | undefined {
    const bytes = this.#db.get(keyIn(keyspace.transaction, fromHex(hash)))
    return bytes && { blockHash: toHex(bytes.subarray(0, 32)) as Hash32, index: Number(readUintBE(bytes.subarray(32))) }
  }

  justification(hash: Hash32): Uint8Array | undefined {
    return this.#db.get(keyIn(keyspace.justification, fromHex(hash)))
  }

  unfinalized(): readonly BlockRef[] {
    return [...this.#unfinalized.values()].sort((a, b) => Number(a.number - b.number))
  }

  async commit(change: ChainChange): Promise<void> {
    const writes: Write[] = []
    if (change.block) this.#writeBlock(writes, change.block)
    if (change.head) this.#writeHead(writes, change.head, change.block?.sealed)
    if (change.finalized) {
      this.#keepAbandoned(change.finalized.pruned)
      this.#writeFinalized(writes, change.finalized)
    }
    // A final block must not be lost by a power cut: only then is the disk waited for.
    await this.#db.write(writes, { sync: change.finalized !== undefined })
    change.block?.state.apply()
    change.finalized?.state?.apply()
    if (change.block) {
      const ref = blockRef(change.block.sealed.block)
      this.#cache.addBlock(ref.hash, change.block.sealed)
      this.#unfinalized.set(ref.hash, ref)
    }
    if (change.head) this.#head = change.head.ref
    if (change.finalized) {
      this.#finalized = change.finalized.ref
      for (const ref of change.finalized.pruned) this.#cache.delete(ref.hash)
      for (const ref of this.#doneWith(change.finalized)) this.#unfinalized.delete(ref.hash)
    }
  }

  /** Forgets what proves these blocks final; they stay final. */
  dropJustifications(hashes: readonly Hash32[]): Promise<void> {
    return this.#db.write(
      hashes.map((hash) => ({ key: keyIn(keyspace.justification, fromHex(hash)), value: undefined })),
    )
  }

  #writeBlock(writes: Write[], { sealed, receipts, state }: NonNullable<ChainChange['block']>): void {
    const ref = blockRef(sealed.block)
    const hash = fromHex(ref.hash)
    for (const write of state.writes) writes.push(write)
    writes.push({ key: keyIn(keyspace.block, hash), value: encodeSealedBlock(sealed) })
    writes.push({ key: keyIn(keyspace.receipts, hash), value: encodeReceipts(receipts) })
    writes.push({ key: unfinalizedKey(ref), value: new Uint8Array() })
  }

  #writeHead(writes: Write[], { ref, added, removed }: NonNullable<ChainChange['head']>, fresh?: SealedBlock): void {
    for (const old of removed) {
      writes.push({ key: keyIn(keyspace.canonical, uintBE(old.number, 8)), value: undefined })
      for (const tx of this.#body(old.hash, fresh).block.transactions)
        writes.push({ key: keyIn(keyspace.transaction, fromHex(transactionHash(tx))), value: undefined })
    }
    for (const block of added) {
      const hash = fromHex(block.hash)
      writes.push({ key: keyIn(keyspace.canonical, uintBE(block.number, 8)), value: hash })
      this.#body(block.hash, fresh).block.transactions.forEach((tx, index) =>
        writes.push({
          key: keyIn(keyspace.transaction, fromHex(transactionHash(tx))),
          value: concatBytes(hash, uintBE(index, 4)),
        }),
      )
    }
    writes.push({ key: HEAD, value: encodeRef(ref) })
  }

  #writeFinalized(writes: Write[], change: NonNullable<ChainChange['finalized']>): void {
    for (const write of change.state?.writes ?? []) writes.push(write)
    writes.push({ key: FINALIZED, value: encodeRef(change.ref) })
    if (change.justification)
      writes.push({ key: keyIn(keyspace.justification, fromHex(change.ref.hash)), value: change.justification })
    for (const ref of change.pruned) {
      writes.push({ key: keyIn(keyspace.block, fromHex(ref.hash)), value: undefined })
      writes.push({ key: keyIn(keyspace.receipts, fromHex(ref.hash)), value: undefined })
    }
    for (const ref of this.#doneWith(change)) writes.push({ key: unfinalizedKey(ref), value: undefined })
    if (change.ref.number === 0n) writes.push({ key: unfinalizedKey(change.ref), value: undefined })
  }

  #keepAbandoned(pruned: readonly BlockRef[]): void {
    for (const { hash } of pruned) {
      const bytes = this.#db.get(keyIn(keyspace.block, fromHex(hash)))
      if (bytes === undefined || bytes.length > MAX_ABANDONED_BYTES) continue
      this.#abandoned.set(hash, bytes)
      const oldest = this.#abandoned.keys().next()
      if (this.#abandoned.size > MAX_ABANDONED && !oldest.done) this.#abandoned.delete(oldest.value)
    }
  }

  /** The blocks that are no longer above the last final one. */
  #doneWith(change: NonNullable<ChainChange['finalized']>): BlockRef[] {
    const pruned = new Set(change.pruned.map((ref) => ref.hash))
    return [...this.#unfinalized.values()].filter((ref) => ref.number <= change.ref.number || pruned.has(ref.hash))
  }

  #body(hash: Hash32, fresh?: SealedBlock): SealedBlock {
    const sealed = fresh && blockRef(fresh.block).hash === hash ? fresh : this.block(hash)
    invariant(sealed, `block ${hash} is stored`)
    return sealed
  }
}

function unfinalizedKey(ref: BlockRef): Uint8Array {
  return keyIn(keyspace.unfinalized, uintBE(ref.number, 8), fromHex(ref.hash))
}

function encodeRef(ref: BlockRef): Uint8Array {
  return concatBytes(fromHex(ref.hash), uintBE(ref.number, 8))
}

function decodeRef(bytes: Uint8Array): BlockRef {
  return { hash: toHex(bytes.subarray(0, 32)) as Hash32, number: readUintBE(bytes.subarray(32)) }
}
