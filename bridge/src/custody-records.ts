import { RLP } from '@ethereumjs/rlp'
import type { InclusionProof } from '@hawser/bitcoin'
import type { CustodyCheckpoint } from '@hawser/chain'
import { decodeRlp, fromHex, readUintBE, toHex, uintBE, utf8, type Address, type BtcHash } from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'
import { checkpointOf, isLater } from './checkpoint.ts'
import { outpointKey, type CustodyPayment, type CustodySpend, type Outpoint, type ScanResult } from './scan-block.ts'

/** A done record that is a week deep is history: no reorganisation brings it back. */
export const HISTORY_BLOCKS = 1_008
/** Payments that can never be credited and are remembered, in memory alone: the oldest give way. */
export const MAX_REFUSED = 1_024
const PAYMENT = utf8('o')
const PROOF = utf8('p')
const SPEND = utf8('s')
const CURSOR = keyIn(keyspace.bridge, utf8('k'))
const KINDS = ['address', 'op-return', 'plain'] as const
const NONE = new Uint8Array()

/** The last block that was scanned. */
export interface ScanCursor {
  readonly height: number
  readonly hash: BtcHash
}

interface Entry<T> {
  record: T
  /** The Bitcoin block in which the final state has it as credited or settled. */
  doneBlock?: BtcHash
}

interface SpendEntry extends Entry<CustodySpend> {
  readonly checkpoint?: CustodyCheckpoint
}

/** What the watcher found on Bitcoin, in memory and on disk. */
export class CustodyRecords {
  readonly #db: KeyValueStore
  readonly #isRefused: (payment: CustodyPayment) => boolean
  readonly #payments = new Map<string, Entry<CustodyPayment>>()
  readonly #refused = new Map<string, CustodyPayment>()
  readonly #spends = new Map<BtcHash, SpendEntry>()
  /** The transaction that spends an outpoint, by the last block that had one. */
  readonly #spender = new Map<string, BtcHash>()
  /** Payments that are not history yet. */
  readonly #open = new Set<string>()
  cursor: ScanCursor | undefined

  /** `isRefused`: whether a payment can never be credited. */
  constructor(db: KeyValueStore, isRefused: (payment: CustodyPayment) => boolean) {
    this.#db = db
    this.#isRefused = isRefused
  }

  async load(): Promise<void> {
    const from = (part: Uint8Array) => ({
      gte: keyIn(keyspace.bridge, part),
      lt: keyIn(keyspace.bridge, Uint8Array.of((part[0] ?? 0) + 1)),
    })
    const proofs = new Map<string, InclusionProof>()
    for await (const [key, value] of this.#db.entries(from(PROOF))) {
      const proof = decodeProof(decodeRlp(value, Infinity) as Fields)
      if (proof) proofs.set(toHex(key.subarray(2)), proof)
    }
    for await (const [key, value] of this.#db.entries(from(PAYMENT))) {
      const decoded = decodePayment(key.subarray(2), value)
      const { doneBlock } = decoded
      const record = decoded.isOpen ? { ...decoded.record, proof: proofs.get(decoded.record.txid) } : decoded.record
      // Written before such payments were told apart.
      if (record.kind !== 'plain' && this.#isRefused(record)) continue
      const name = outpointKey(record)
      this.#payments.set(name, { record, doneBlock })
      if (record.proof) this.#open.add(name)
    }
    for await (const [key, value] of this.#db.entries(from(SPEND))) this.#keepSpend(decodeSpend(key.subarray(2), value))
    const cursor = this.#db.get(CURSOR)
    if (cursor)
      this.cursor = { height: Number(readUintBE(cursor.subarray(0, 4))), hash: toHex(cursor.subarray(4)) as BtcHash }
  }

  isCustody(outpoint: Outpoint): boolean {
    return this.#payments.has(outpointKey(outpoint))
  }

  payment(outpoint: Outpoint): CustodyPayment | undefined {
    return this.#payments.get(outpointKey(outpoint))?.record
  }

  /** A payment by its outpoint, also a recent one that can never be credited. */
  paymentAt(outpoint: Outpoint): CustodyPayment | undefined {
    return this.payment(outpoint) ?? this.#refused.get(outpointKey(outpoint))
  }

  /** Payments with an account that are not known to be credited from the block they stand in. */
  unfinishedPayments(): CustodyPayment[] {
    return [...this.#open].flatMap((name) => {
      const entry = this.#payments.get(name)
      return entry && entry.doneBlock !== entry.record.blockHash ? [entry.record] : []
    })
  }

  /** Payments to an account that are still kept with their proofs, and recent ones that can never be credited. */
  paymentsTo(account: Address): CustodyPayment[] {
    const open = [...this.#open].flatMap((name) => this.#payments.get(name)?.record ?? [])
    return [...open, ...this.#refused.values()].filter((record) => record.account === account)
  }

  /** Spends of custody that are not known to be settled or reported from the block they stand in. */
  unfinishedSpends(): CustodySpend[] {
    return [...this.#spends.values()].filter((e) => e.doneBlock !== e.record.blockHash).map((e) => e.record)
  }

  spendOf(outpoint: Outpoint): CustodySpend | undefined {
    const id = this.#spender.get(outpointKey(outpoint))
    return id && this.#spends.get(id)?.record
  }

  /** The checkpoint that stands last in Bitcoin, of those whose spends count. */
  newestCheckpoint(counts: (spend: CustodySpend) => boolean): CustodyCheckpoint | undefined {
    return this.#newest(({ record }) => counts(record))?.checkpoint
  }

  /** Takes up what one block has, and moves the cursor when it is given. */
  async take(found: Pick<ScanResult, 'payments' | 'spends' | 'refused'>, cursor?: ScanCursor) {
    const writes: Write[] = []
    for (const record of found.refused) {
      const name = outpointKey(record)
      this.#refused.delete(name)
      if (this.#refused.size >= MAX_REFUSED) this.#refused.delete(this.#refused.keys().next().value as string)
      this.#refused.set(name, record)
    }
    const proven = new Set<BtcHash>()
    for (const record of found.payments) {
      const name = outpointKey(record)
      const entry = { record, doneBlock: this.#payments.get(name)?.doneBlock }
      this.#payments.set(name, entry)
      if (record.proof) this.#open.add(name)
      if (record.proof && !proven.has(record.txid)) {
        proven.add(record.txid)
        writes.push({ key: proofKey(record.txid), value: RLP.encode(proofFields(record.proof)) })
      }
      writes.push(paymentWrite(entry))
    }
    for (const record of found.spends) {
      const entry = { record, doneBlock: this.#spends.get(record.txid)?.doneBlock }
      this.#keepSpend(entry)
      writes.push(spendWrite(entry))
    }
    if (cursor) {
      this.cursor = cursor
      writes.push({ key: CURSOR, value: cursorBytes(cursor) })
    }
    await this.#db.write(writes)
  }

  /** Notes that the final state has a payment as credited from the block it stands in. */
  async finishPayment(record: CustodyPayment): Promise<void> {
    const entry = this.#payments.get(outpointKey(record))
    if (!entry || entry.record.blockHash !== record.blockHash) return
    entry.doneBlock = record.blockHash
    const writes = [paymentWrite(entry)]
    // A spend that concerned nobody while the payment was not credited has to be reported now.
    const spender = this.#spender.get(outpointKey(record))
    const spend = spender && this.#spends.get(spender)
    if (spend?.doneBlock) {
      spend.doneBlock = undefined
      writes.push(spendWrite(spend))
    }
    await this.#db.write(writes)
  }

  async finishSpend(record: CustodySpend): Promise<void> {
    const entry = this.#spends.get(record.txid)
    if (!entry || entry.record.blockHash !== record.blockHash) return
    entry.doneBlock = record.blockHash
    await this.#db.write([spendWrite(entry)])
  }

  /**
   * Drops the proofs of what is done and deep, and the coins that are spent and deep: memory follows what is open. The newest checkpoint
   * among them stays, for the next one may be far off.
   */
  async archive(bestHeight: number): Promise<void> {
    const writes: Write[] = []
    const isHistory = (e: Entry<CustodyPayment | CustodySpend>) =>
      e.doneBlock === e.record.blockHash && e.record.height + HISTORY_BLOCKS <= bestHeight
    const proofless = new Set<BtcHash>()
    for (const name of this.#open) {
      const entry = this.#payments.get(name)
      if (!entry || !isHistory(entry)) continue
      proofless.add(entry.record.txid)
      this.#open.delete(name)
      entry.record = { ...entry.record, proof: undefined }
      writes.push(paymentWrite(entry))
    }
    const newest = this.#newest(isHistory)
    for (const entry of this.#spends.values()) {
      if (!isHistory(entry) || entry === newest) continue
      this.#spends.delete(entry.record.txid)
      writes.push({ ...spendWrite(entry), value: undefined })
      for (const { outpoint } of entry.record.spent) {
        const name = outpointKey(outpoint)
        this.#spender.delete(name)
        this.#payments.delete(name)
        proofless.add(outpoint.txid)
        this.#open.delete(name)
        writes.push({ key: paymentKey(outpoint), value: undefined })
      }
    }
    if (writes.length === 0) return
    for (const name of this.#open) proofless.delete(this.#payments.get(name)?.record.txid as BtcHash)
    for (const id of proofless) writes.push({ key: proofKey(id), value: undefined })
    await this.#db.write(writes)
  }

  #keepSpend({ record, doneBlock }: Entry<CustodySpend>): void {
    const checkpoint = checkpointOf(record, (outpoint) => this.payment(outpoint))
    this.#spends.set(record.txid, { record, doneBlock, checkpoint })
    for (const { outpoint } of record.spent) this.#spender.set(outpointKey(outpoint), record.txid)
  }

  #newest(counts: (entry: SpendEntry) => boolean): SpendEntry | undefined {
    let newest: SpendEntry | undefined
    for (const entry of this.#spends.values()) {
      if (!entry.checkpoint || !counts(entry)) continue
      if (!newest || isLater(entry.record, newest.record)) newest = entry
    }
    return newest
  }
}

function cursorBytes({ height, hash }: ScanCursor): Uint8Array {
  return Uint8Array.of(...uintBE(height, 4), ...fromHex(hash))
}

function paymentKey({ txid, vout }: Outpoint): Uint8Array {
  return keyIn(keyspace.bridge, PAYMENT, fromHex(txid), uintBE(vout, 4))
}

function proofKey(txid: BtcHash): Uint8Array {
  return keyIn(keyspace.bridge, PROOF, fromHex(txid))
}

function paymentWrite({ record, doneBlock }: Entry<CustodyPayment>): Write {
  const { kind, sats, blockHash, height, isCoinbase, account, refundKey, qy, proof } = record
  const value = RLP.encode([
    Uint8Array.of(KINDS.indexOf(kind), isCoinbase ? 1 : 0),
    sats,
    fromHex(blockHash),
    height,
    account ? fromHex(account) : NONE,
    refundKey ?? NONE,
    qy ?? NONE,
    proof ? 1 : 0,
    doneBlock ? fromHex(doneBlock) : NONE,
  ])
  return { key: paymentKey(record), value }
}

function decodePayment(key: Uint8Array, value: Uint8Array): Entry<CustodyPayment> & { readonly isOpen: boolean } {
  const [flags, sats, block, height, account, refundKey, qy, proof, done] = decodeRlp(value, Infinity) as Fields
  const record: CustodyPayment = {
    txid: toHex(key.subarray(0, 32)) as BtcHash,
    vout: Number(readUintBE(key.subarray(32))),
    kind: KINDS[bytes(flags)[0] ?? 2] ?? 'plain',
    isCoinbase: bytes(flags)[1] === 1,
    sats: readUintBE(bytes(sats)),
    blockHash: toHex(bytes(block)) as BtcHash,
    height: Number(readUintBE(bytes(height))),
    account: optional(account) && (toHex(bytes(account)) as Address),
    refundKey: optional(refundKey),
    qy: optional(qy),
  }
  const isOpen = bytes(proof).length > 0
  return { record, isOpen, doneBlock: optional(done) && (toHex(bytes(done)) as BtcHash) }
}

function spendWrite({ record, doneBlock }: Entry<CustodySpend>): Write {
  const value = RLP.encode([
    fromHex(record.blockHash),
    record.height,
    record.spent.map(({ index, outpoint }) => [index, fromHex(outpoint.txid), outpoint.vout]),
    proofFields(record.proof),
    doneBlock ? fromHex(doneBlock) : NONE,
  ])
  return { key: keyIn(keyspace.bridge, SPEND, fromHex(record.txid)), value }
}

function decodeSpend(key: Uint8Array, value: Uint8Array): Entry<CustodySpend> {
  const [block, height, spent, proof, done] = decodeRlp(value, Infinity) as Fields
  const record: CustodySpend = {
    txid: toHex(key) as BtcHash,
    blockHash: toHex(bytes(block)) as BtcHash,
    height: Number(readUintBE(bytes(height))),
    spent: (spent as Fields[]).map(([index, txid, vout]) => ({
      index: Number(readUintBE(bytes(index))),
      outpoint: { txid: toHex(bytes(txid)) as BtcHash, vout: Number(readUintBE(bytes(vout))) },
    })),
    proof: decodeProof(proof as Fields) as InclusionProof,
  }
  return { record, doneBlock: optional(done) && (toHex(bytes(done)) as BtcHash) }
}

function proofFields(proof: InclusionProof) {
  return [proof.header, proof.index, proof.coinbase, [...proof.coinbaseBranch], proof.transaction, [...proof.branch]]
}

function decodeProof(fields: Fields): InclusionProof | undefined {
  if (fields.length === 0) return undefined
  const [header, index, coinbase, coinbaseBranch, transaction, branch] = fields
  return {
    header: bytes(header),
    index: Number(readUintBE(bytes(index))),
    coinbase: bytes(coinbase),
    coinbaseBranch: (coinbaseBranch as Fields).map(bytes),
    transaction: bytes(transaction),
    branch: (branch as Fields).map(bytes),
  }
}

type Field = Uint8Array | Field[]
type Fields = Field[]

function bytes(field: Field | undefined): Uint8Array {
  return field instanceof Uint8Array ? field : NONE
}

function optional(field: Field | undefined): Uint8Array | undefined {
  const value = bytes(field)
  return value.length > 0 ? value : undefined
}
