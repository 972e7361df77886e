import { verifyInclusionProof, type HeaderChain } from '@hawser/bitcoin'
import type { BitcoinHeaderView, BitcoinSource, BitcoinTip, BitcoinView, BitcoinViewName } from '@hawser/chain'
import { displayBtcHash, isAppError, messageOf, toHex, type BtcHash, type Clock } from '@hawser/primitives'
import type { ContractReader } from './contract-reader.ts'
import { bridgeError } from './errors.ts'

/** What a caller waits for the own Bitcoin node. */
const SOURCE_TIMEOUT_MS = 5_000
/** Proofs that are asked of it at the same time: each makes it read a block. */
export const MAX_PROOFS_AT_A_TIME = 4
/** An estimate is good for so long; there are at most as many as there are targets. */
const FEE_RATE_FRESH_MS = 10_000
const MAX_FEE_RATES = 1_008

export interface BitcoinViewsParts {
  readonly source: BitcoinSource
  readonly chain: HeaderChain
  readonly status: () => { readonly tip?: BitcoinTip; readonly error?: string }
  readonly readerAtHead: () => ContractReader
  readonly clock: Clock
}

/** Bitcoin as the chain's light client and as this node's own checked chain have it. */
export class BitcoinViews implements BitcoinView {
  readonly #parts: BitcoinViewsParts
  readonly #feeRates = new Map<number, { readonly atMs: number; readonly rate: number }>()
  #proofs = 0

  constructor(parts: BitcoinViewsParts) {
    this.#parts = parts
  }

  async status(): Promise<{ source?: BitcoinTip; sourceError?: string; lightClient: BitcoinTip }> {
    const { hash, height } = await this.#parts.readerAtHead().bestBitcoinBlock()
    const { tip, error } = this.#parts.status()
    return { source: tip, sourceError: error, lightClient: { hash, height } }
  }

  header(view: BitcoinViewName, id?: BtcHash | number): Promise<BitcoinHeaderView | undefined> {
    return view === 'node' ? Promise.resolve(this.#ownHeader(id)) : this.#lightHeader(id)
  }

  async proveTransaction(txid: BtcHash, blockHash: BtcHash): Promise<void> {
    if (this.#proofs >= MAX_PROOFS_AT_A_TIME) throw sourceDown(new Error('too many proofs are asked for'))
    this.#proofs++
    try {
      const proof = await this.#parts.source.transactionProof(txid, blockHash, {
        signal: AbortSignal.timeout(SOURCE_TIMEOUT_MS),
      })
      const proven = verifyInclusionProof(proof)
      if (proven.txid === txid && proven.blockHash === blockHash) return
    } catch (cause) {
      if (!isAppError(cause) || cause.info.code === 'BITCOIND_UNREACHABLE') throw sourceDown(cause)
    } finally {
      this.#proofs--
    }
    throw bridgeError(
      'BITCOIN_TX_NOT_FOUND',
      'user',
      `transaction ${displayBtcHash(txid)} is not in block ${displayBtcHash(blockHash)}, or this node's Bitcoin does not have it`,
    )
  }

  async feeRate(blocks: number): Promise<number> {
    const { source, clock } = this.#parts
    const known = this.#feeRates.get(blocks)
    if (known && clock.nowMs() - known.atMs < FEE_RATE_FRESH_MS) return known.rate
    try {
      const rate = await source.feeRate(blocks, { signal: AbortSignal.timeout(SOURCE_TIMEOUT_MS) })
      if (this.#feeRates.size >= MAX_FEE_RATES) this.#feeRates.clear()
      this.#feeRates.set(blocks, { atMs: clock.nowMs(), rate })
      return rate
    } catch (cause) {
      throw sourceDown(cause)
    }
  }

  #ownHeader(id?: BtcHash | number): BitcoinHeaderView | undefined {
    const { chain } = this.#parts
    const record = id === undefined ? chain.best : typeof id === 'number' ? chain.atHeight(id) : chain.get(id)
    if (!record) return undefined
    const { hash, height, chainWork, header } = record
    return {
      hash: displayBtcHash(hash),
      height,
      time: header.timeS,
      chainWork: chainWork.toString(),
      onBestChain: chain.isOnMainChain(hash),
      confirmations: chain.confirmations(hash),
      header: toHex(header.raw),
    }
  }

  async #lightHeader(id?: BtcHash | number): Promise<BitcoinHeaderView | undefined> {
    const reader = this.#parts.readerAtHead()
    const best = await reader.bestBitcoinBlock()
    // Outside of the best chain the contract answers the zero hash, which it stores no header of.
    const hash = id === undefined ? best.hash : typeof id === 'number' ? await reader.bitcoinHashAt(id) : id
    const { time, height, work, onBestChain } = await reader.bitcoinHeader(hash)
    if (time === 0) return undefined
    return {
      hash: displayBtcHash(hash),
      height,
      time,
      chainWork: work.toString(),
      onBestChain,
      confirmations: onBestChain ? best.height - height + 1 : 0,
    }
  }
}

function sourceDown(cause: unknown) {
  return bridgeError(
    'BITCOIN_SOURCE_DOWN',
    'local',
    `this node's Bitcoin does not answer: ${messageOf(cause)}; try again later`,
    {
      cause,
      retry: true,
    },
  )
}
