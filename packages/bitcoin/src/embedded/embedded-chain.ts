import { systemClock, type BtcHash, type Clock } from '@hawser/primitives'
import { decodeBlock, encodeBlock } from '../block.ts'
import { workOfBits } from '../compact-target.ts'
import { MEDIAN_TIME_BLOCKS, medianTime } from '../header-rules.ts'
import type { BlockHeader } from '../header.ts'
import { isCoinbase, txid, type Transaction, type TxOutput } from '../transaction.ts'
import { buildCoinbase, mineHeader, REGTEST_GENESIS, selectTransactions, subsidySats } from './block-builder.ts'
import { BlockJournal } from './block-journal.ts'
import { checkForMempool, type MempoolVerdict } from './mempool-policy.ts'
import { Mempool, outpointKey } from './mempool.ts'

/** Blocks mined at once at most. */
export const MAX_MINED_AT_ONCE = 10_000

/** An unspent output. */
export interface Coin extends TxOutput {
  readonly height: number
  readonly isCoinbase: boolean
}

/** A block that the chain knows. */
export interface EmbeddedBlock {
  readonly header: BlockHeader
  readonly height: number
  readonly chainWork: bigint
  readonly transactions: readonly Transaction[]
  readonly txids: readonly BtcHash[]
  readonly raw: Uint8Array
  /** Order of arrival: the first seen wins a tie. */
  readonly sequence: number
}

export interface EmbeddedChainOptions {
  readonly clock?: Clock
  /** Folder to keep blocks in; without it the chain lives in memory. */
  readonly dataDir?: string
  /** 1 sat/vB by default, as bitcoind's. */
  readonly minRelayFeeRateSatPerVb?: number
}

/**
 * A regtest chain inside the process: real headers, proof of work, Merkle trees, scripts, coin set and mempool.
 * It makes all its blocks itself; there is no peer-to-peer network.
 */
export class EmbeddedChain {
  readonly clock: Clock
  readonly minRelayFeeRateSatPerVb: number
  readonly mempool = new Mempool()
  /** Coins by `txid:vout`. */
  readonly coins = new Map<string, Coin>()
  readonly #blocks = new Map<BtcHash, EmbeddedBlock>()
  readonly #main: EmbeddedBlock[] = []
  readonly #undo = new Map<BtcHash, [string, Coin][]>()
  readonly #invalid = new Set<BtcHash>()
  readonly #listeners = new Set<() => void>()
  readonly #journal: BlockJournal | undefined
  #extraNonce = 0
  #feeRateSatPerVb = 1

  constructor(options: EmbeddedChainOptions = {}) {
    this.clock = options.clock ?? systemClock
    this.minRelayFeeRateSatPerVb = options.minRelayFeeRateSatPerVb ?? 1
    this.#connect(this.#index(REGTEST_GENESIS))
    if (options.dataDir === undefined) return
    const journal = new BlockJournal(options.dataDir)
    for (const record of journal.read()) {
      if (record.kind === 'block') this.#index(record.bytes)
      else if (record.kind === 'invalidate') this.#invalid.add(record.hash)
      else this.#invalid.delete(record.hash)
    }
    this.#activateBest()
    this.#extraNonce = this.#blocks.size
    this.#journal = journal
  }

  get tip(): EmbeddedBlock {
    return this.#main.at(-1) as EmbeddedBlock
  }
  get height(): number {
    return this.#main.length - 1
  }
  block(hash: BtcHash): EmbeddedBlock | undefined {
    return this.#blocks.get(hash)
  }
  atHeight(height: number): EmbeddedBlock | undefined {
    return this.#main[height]
  }
  isOnMainChain(block: EmbeddedBlock): boolean {
    return this.#main[block.height] === block
  }
  coin(txid: BtcHash, vout: number): Coin | undefined {
    return this.coins.get(outpointKey({ txid, vout }))
  }

  /** BIP113 median time of the block and the ten before it, Unix seconds. */
  medianTimeS(block: EmbeddedBlock): number {
    const times: number[] = []
    let at: EmbeddedBlock | undefined = block
    while (at && times.length < MEDIAN_TIME_BLOCKS) {
      times.push(at.header.timeS)
      at = this.#blocks.get(at.header.previousHash)
    }
    return medianTime(times)
  }

  /** The fee rate that estimates answer and below which the miner leaves transactions alone: for fee spikes on demand. */
  get feeRateSatPerVb(): number {
    return this.#feeRateSatPerVb
  }
  setFeeRate(satPerVb: number): void {
    this.#feeRateSatPerVb = satPerVb
  }

  /** Calls back after every change of the tip; the returned function stops it. */
  onTip(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Whether the mempool would take a transaction; changes nothing. */
  test(tx: Transaction): MempoolVerdict {
    return checkForMempool(this, tx)
  }

  /** Puts a transaction into the mempool, replacing what it outbids. */
  submit(tx: Transaction): MempoolVerdict {
    const verdict = checkForMempool(this, tx)
    if (!verdict.accepted) return verdict
    for (const id of verdict.replaces) this.mempool.remove(id)
    this.mempool.add(verdict.entry)
    return verdict
  }

  /** Mines blocks to a script, with what the mempool has; returns them in order. */
  mine(count: number, script: Uint8Array, options: { includeMempool?: boolean } = {}): EmbeddedBlock[] {
    return Array.from({ length: Math.min(count, MAX_MINED_AT_ONCE) }, () => {
      const entries = options.includeMempool === false ? [] : selectTransactions(this.mempool, this.#feeRateSatPerVb)
      const height = this.height + 1
      const fees = entries.reduce((sum, entry) => sum + entry.feeSats, 0n)
      const transactions = entries.map((entry) => entry.tx)
      const reward = { sats: subsidySats(height) + fees, script }
      const coinbase = buildCoinbase(height, this.#extraNonce++, reward, transactions)
      const timeS = Math.max(Math.floor(this.clock.nowMs() / 1000), this.medianTimeS(this.tip) + 1)
      const all = [coinbase, ...transactions]
      const raw = encodeBlock(mineHeader(this.tip.header.hash, all, timeS), all)
      const block = this.#index(raw)
      this.#journal?.append({ kind: 'block', bytes: raw })
      // It extends the tip, so it is the best: no need to look at all branches.
      this.#connect(block)
      this.#tellListeners()
      return block
    })
  }

  /** Marks a block and all on it as invalid and moves to the best other chain. */
  invalidate(hash: BtcHash): boolean {
    if (!this.#blocks.has(hash) || this.#main[0]?.header.hash === hash) return false
    this.#invalid.add(hash)
    this.#journal?.append({ kind: 'invalidate', hash })
    this.#activateBest()
    return true
  }

  /** Takes the mark from a block, its ancestors and its descendants. */
  reconsider(hash: BtcHash): boolean {
    const block = this.#blocks.get(hash)
    if (!block) return false
    for (const marked of [...this.#invalid]) {
      const other = this.#blocks.get(marked)
      if (!other || !(this.#isAncestor(other, block) || this.#isAncestor(block, other))) continue
      this.#invalid.delete(marked)
      this.#journal?.append({ kind: 'reconsider', hash: marked })
    }
    this.#activateBest()
    return true
  }

  /**
   * Replaces the last `depth` blocks by `blocks` others (depth + 1 unless told), as a reorganisation does. Their
   * transactions return to the mempool and are mined again unless `includeMempool` is false.
   */
  reorganise(
    depth: number,
    script: Uint8Array,
    options: { blocks?: number; includeMempool?: boolean } = {},
  ): EmbeddedBlock[] {
    const first = this.#main[this.height - depth + 1]
    if (depth > 0 && first) this.invalidate(first.header.hash)
    return this.mine(options.blocks ?? depth + 1, script, options)
  }

  close(): void {
    this.#journal?.close()
  }

  #index(raw: Uint8Array): EmbeddedBlock {
    const { header, transactions } = decodeBlock(raw)
    const parent = this.#blocks.get(header.previousHash)
    const block: EmbeddedBlock = {
      header,
      height: parent ? parent.height + 1 : 0,
      chainWork: (parent?.chainWork ?? 0n) + workOfBits(header.bits),
      transactions,
      txids: transactions.map(txid),
      raw,
      sequence: this.#blocks.size,
    }
    this.#blocks.set(header.hash, block)
    return block
  }

  #activateBest(): void {
    const before = this.#main.at(-1)
    const best = this.#findBest()
    if (best === before) return
    const path: EmbeddedBlock[] = []
    let at: EmbeddedBlock = best
    while (!this.isOnMainChain(at)) {
      path.push(at)
      at = this.#blocks.get(at.header.previousHash) as EmbeddedBlock
    }
    const returned: Transaction[] = []
    while (this.tip !== at) returned.unshift(...this.#disconnect())
    for (const block of path.reverse()) this.#connect(block)
    if (returned.length > 0) this.#refillMempool(returned)
    this.#tellListeners()
  }

  #tellListeners(): void {
    for (const listener of this.#listeners) listener()
  }

  #findBest(): EmbeddedBlock {
    let best = this.#main[0] as EmbeddedBlock
    const bad = new Set<BtcHash>()
    // Blocks are kept in order of arrival, parents before children.
    for (const block of this.#blocks.values()) {
      if (this.#invalid.has(block.header.hash) || bad.has(block.header.previousHash)) bad.add(block.header.hash)
      else if (block.chainWork > best.chainWork) best = block
    }
    return best
  }

  #isAncestor(ancestor: EmbeddedBlock, block: EmbeddedBlock): boolean {
    let at: EmbeddedBlock | undefined = block
    while (at && at.height > ancestor.height) at = this.#blocks.get(at.header.previousHash)
    return at === ancestor
  }

  #connect(block: EmbeddedBlock): void {
    const undo: [string, Coin][] = []
    for (const [i, tx] of block.transactions.entries()) {
      const id = block.txids[i] as BtcHash
      const coinbase = isCoinbase(tx)
      if (!coinbase) {
        for (const input of tx.inputs) {
          const key = outpointKey(input)
          undo.push([key, this.coins.get(key) as Coin])
          this.coins.delete(key)
          const rival = this.mempool.spender(input)
          if (rival !== undefined && rival !== id)
            for (const gone of this.mempool.withDescendants([rival])) this.mempool.remove(gone)
        }
        this.mempool.remove(id)
      }
      // Nobody can spend the genesis block's coinbase, nor an OP_RETURN.
      if (block.height === 0) continue
      tx.outputs.forEach((output, vout) => {
        if (output.script[0] !== 0x6a)
          this.coins.set(outpointKey({ txid: id, vout }), { ...output, height: block.height, isCoinbase: coinbase })
      })
    }
    this.#undo.set(block.header.hash, undo)
    this.#main.push(block)
  }

  #disconnect(): Transaction[] {
    const block = this.#main.pop() as EmbeddedBlock
    block.transactions.forEach((tx, i) =>
      tx.outputs.forEach((_, vout) => this.coins.delete(outpointKey({ txid: block.txids[i] as BtcHash, vout }))),
    )
    const made = new Set(block.txids)
    for (const [key, coin] of (this.#undo.get(block.header.hash) ?? []).reverse())
      if (!made.has(key.split(':')[0] as BtcHash)) this.coins.set(key, coin)
    this.#undo.delete(block.header.hash)
    return block.transactions.slice(1)
  }

  #refillMempool(returned: readonly Transaction[]): void {
    const all = [...returned, ...this.mempool.entries().map((entry) => entry.tx)]
    this.mempool.clear()
    for (const tx of all) this.submit(tx)
  }
}
