import { decodeTransaction, txid, type HeaderChain } from '@hawser/bitcoin'
import type { BitcoinSource } from '@hawser/chain'
import { displayBtcHash, messageOf, spawn, type BtcHash, type Logger } from '@hawser/primitives'
import type { BatchInput } from '@hawser/bitcoin'
import type { BatchMaterial } from './batch-material.ts'
import type { CustodyRecords } from './custody-records.ts'

/** Bitcoin blocks after which a transaction that was not mined is replaced by the next rung. */
const LINGER_BLOCKS = 2
/** Confirmation within so many blocks is what the first rung is chosen for. */
const FEE_TARGET_BLOCKS = 2

interface Sent {
  rung: number
  readonly sinceHeight: number
  readonly txid: string
  readonly rate: number
}

export interface BroadcasterParts {
  readonly source: BitcoinSource
  readonly chain: HeaderChain
  readonly records: CustodyRecords
  readonly logger: Logger
}

/** Brings signed batches to Bitcoin, and the next rung when one lingers. Which rung and when is each node's choice. */
export class Broadcaster {
  readonly #parts: BroadcasterParts
  readonly #sent = new Map<bigint, Sent>()
  readonly #busy = new Set<bigint>()

  constructor(parts: BroadcasterParts) {
    this.#parts = parts
  }

  /** The version that the network took last. */
  last(id: bigint): { readonly txid: string; readonly rate: number } | undefined {
    return this.#sent.get(id)
  }

  forget(id: bigint): void {
    this.#sent.delete(id)
  }

  /** The spend of the batch's anchor in a block of our best chain. */
  mined(material: BatchMaterial): { readonly txid: BtcHash; readonly height: number } | undefined {
    const { records, chain } = this.#parts
    const spend = records.spendOf(material.inputs[0] as BatchInput)
    return spend && chain.isOnMainChain(spend.blockHash) ? spend : undefined
  }

  /** Hands the rung of the hour to the network, in the background. */
  broadcast(material: BatchMaterial, signed: readonly Uint8Array[]): void {
    const id = material.batchId
    if (this.#busy.has(id) || this.mined(material)) return
    this.#busy.add(id)
    spawn(
      async () => {
        try {
          await this.#send(material, signed)
        } finally {
          this.#busy.delete(id)
        }
      },
      (error) =>
        this.#parts.logger.warn(
          { batch: Number(id), err: messageOf(error) },
          'a batch could not be broadcast; trying again',
        ),
    )
  }

  async #send(material: BatchMaterial, signed: readonly Uint8Array[]): Promise<void> {
    const { source, chain, logger } = this.#parts
    const id = material.batchId
    const before = this.#sent.get(id)
    const height = chain.best.height
    const lingers = before !== undefined && height - before.sinceHeight >= LINGER_BLOCKS
    const wanted = Math.max(await this.#affordable(material, signed), before ? before.rung + (lingers ? 1 : 0) : 0)
    const rung = Math.min(wanted, signed.length - 1)
    const raw = signed[rung] as Uint8Array
    const outcome = await source.broadcast(raw)
    const rate = material.rates[rung] as number
    const name = displayBtcHash(txid(decodeTransaction(raw)))
    this.#sent.set(id, { rung, sinceHeight: before?.rung === rung ? before.sinceHeight : height, txid: name, rate })
    if (outcome === 'accepted' || before?.rung !== rung)
      logger.info({ batch: Number(id), txid: name, rate, outcome }, 'a batch is on its way on Bitcoin')
  }

  /** The first rung at or above what the source thinks is needed; the first of all when it does not say. */
  async #affordable(material: BatchMaterial, signed: readonly Uint8Array[]): Promise<number> {
    try {
      const rate = await this.#parts.source.feeRate(FEE_TARGET_BLOCKS)
      const rung = material.rates.slice(0, signed.length).findIndex((candidate) => candidate >= rate)
      return rung === -1 ? signed.length - 1 : rung
    } catch {
      return 0
    }
  }
}
