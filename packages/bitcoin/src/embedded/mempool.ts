import type { BtcHash } from '@hawser/primitives'
import { txid, vsize, weight, wtxid, type Transaction } from '../transaction.ts'

/** Transactions the pool holds at most. */
export const MAX_MEMPOOL_TRANSACTIONS = 10_000
/** bitcoind's default: a transaction may have so many unconfirmed ancestors, itself among them. */
export const MAX_ANCESTORS = 25
/** BIP125 rule 5. */
export const MAX_REPLACED = 100

export interface MempoolEntry {
  readonly tx: Transaction
  readonly txid: BtcHash
  readonly wtxid: BtcHash
  readonly feeSats: bigint
  readonly vsize: number
  readonly weight: number
  readonly timeS: number
  readonly height: number
}

/** `txid:vout` of an outpoint. */
export function outpointKey(outpoint: { readonly txid: BtcHash; readonly vout: number }): string {
  return `${outpoint.txid}:${outpoint.vout}`
}

/** The unconfirmed transactions and who spends what among them; the rules of entry are the chain's. */
export class Mempool {
  readonly #entries = new Map<BtcHash, MempoolEntry>()
  readonly #spentBy = new Map<string, BtcHash>()

  get size(): number {
    return this.#entries.size
  }
  get(txid: BtcHash): MempoolEntry | undefined {
    return this.#entries.get(txid)
  }
  entries(): MempoolEntry[] {
    return [...this.#entries.values()]
  }
  spender(outpoint: { readonly txid: BtcHash; readonly vout: number }): BtcHash | undefined {
    return this.#spentBy.get(outpointKey(outpoint))
  }

  static entry(
    tx: Transaction,
    ids: { txid: BtcHash; wtxid: BtcHash },
    feeSats: bigint,
    timeS: number,
    height: number,
  ): MempoolEntry {
    return { tx, ...ids, feeSats, vsize: vsize(tx), weight: weight(tx), timeS, height }
  }

  add(entry: MempoolEntry): void {
    this.#entries.set(entry.txid, entry)
    for (const input of entry.tx.inputs) this.#spentBy.set(outpointKey(input), entry.txid)
  }

  remove(txid: BtcHash): void {
    const entry = this.#entries.get(txid)
    if (!entry) return
    this.#entries.delete(txid)
    for (const input of entry.tx.inputs)
      if (this.#spentBy.get(outpointKey(input)) === txid) this.#spentBy.delete(outpointKey(input))
  }

  clear(): void {
    this.#entries.clear()
    this.#spentBy.clear()
  }

  parents(tx: Transaction): BtcHash[] {
    return [...new Set(tx.inputs.map((input) => input.txid))].filter((id) => this.#entries.has(id))
  }

  children(txid: BtcHash): BtcHash[] {
    const count = this.#entries.get(txid)?.tx.outputs.length ?? 0
    const spenders = Array.from({ length: count }, (_, vout) => this.spender({ txid, vout }))
    return [...new Set(spenders.filter((id) => id !== undefined))]
  }

  /** A transaction's unconfirmed ancestors, without itself. */
  ancestors(tx: Transaction): Set<BtcHash> {
    return this.#closure(this.parents(tx), (id) => this.parents((this.#entries.get(id) as MempoolEntry).tx))
  }

  /** The given transactions and everything that spends from them. */
  withDescendants(ids: readonly BtcHash[]): Set<BtcHash> {
    return this.#closure(ids, (id) => this.children(id))
  }

  #closure(start: readonly BtcHash[], next: (id: BtcHash) => BtcHash[]): Set<BtcHash> {
    const seen = new Set<BtcHash>()
    const open = [...start]
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (seen.has(id)) continue
      seen.add(id)
      open.push(...next(id))
    }
    return seen
  }
}

/** Both ids of a transaction. */
export function idsOf(tx: Transaction): { txid: BtcHash; wtxid: BtcHash } {
  return { txid: txid(tx), wtxid: wtxid(tx) }
}
