import {
  btcHashFromDisplay,
  delay,
  displayBtcHash,
  fromHex,
  isAppError,
  systemClock,
  type BtcHash,
  type Clock,
} from '@hawser/primitives'
import { decodeBlock, type Block } from '../block.ts'
import { bitcoinError, type BitcoinError } from '../errors.ts'
import { HEADER_BYTES } from '../header.ts'
import { buildInclusionProof, type InclusionProof } from '../inclusion-proof.ts'
import { NETWORKS, type BitcoinNetwork } from '../networks.ts'
import { decodeTransaction, type Transaction } from '../transaction.ts'
import type { BitcoindClient } from './bitcoind-client.ts'

/** Headers that one request asks for at most. */
export const MAX_HEADERS_PER_REQUEST = 2_000
/** How long one waitfornewblock waits: a block that slipped between two waits is seen after it, milliseconds. */
const WAIT_MS = 5_000
const DEFAULT_POLL_MS = 1_000
const METHOD_NOT_FOUND = -32601
const NOT_FOUND = -5
const ALREADY_IN_CHAIN = -27

export interface BitcoinTip {
  readonly hash: BtcHash
  readonly height: number
  readonly chainWork: bigint
}

/** An unspent output as the node sees it. */
export interface UtxoView {
  readonly sats: bigint
  readonly script: Uint8Array
  /** 0 in the mempool. */
  readonly confirmations: number
  readonly isCoinbase: boolean
}

export interface WaitOptions {
  readonly signal?: AbortSignal
}

export interface BitcoindSourceOptions {
  readonly network: BitcoinNetwork
  readonly clock?: Clock
  /** Between two looks when waitfornewblock is not there or the node does not answer, milliseconds. */
  readonly pollMs?: number
  /** Hears of failures that `changes` gets over. */
  readonly onError?: (error: unknown) => void
}

/** What the node asks Bitcoin, answered by a bitcoind. Nothing in it is believed: headers and proofs are checked by the caller. */
export class BitcoindSource {
  readonly client: BitcoindClient
  readonly network: BitcoinNetwork
  readonly #clock: Clock
  readonly #pollMs: number
  readonly #onError: (error: unknown) => void

  constructor(client: BitcoindClient, options: BitcoindSourceOptions) {
    this.client = client
    this.network = options.network
    this.#clock = options.clock ?? systemClock
    this.#pollMs = options.pollMs ?? DEFAULT_POLL_MS
    this.#onError = options.onError ?? (() => undefined)
  }

  /** What the node says of itself: its name, and whether it is on our network. @throws BITCOIND_BAD_ANSWER on another network */
  async identify(options: WaitOptions = {}): Promise<{ subversion: string; deployments: readonly string[] }> {
    const { bitcoindName, genesisHash } = NETWORKS[this.network]
    const info = await this.client.call<{ chain: string }>('getblockchaininfo', [], options)
    const genesis = await this.blockHash(0, options)
    if (info.chain !== bitcoindName || genesis !== `0x${genesisHash}`)
      throw bitcoinError('BITCOIND_BAD_ANSWER', 'local', `bitcoind is on ${info.chain}, we are on ${this.network}`)
    const net = await this.client.call<{ subversion: string }>('getnetworkinfo', [], options)
    const deployments = await this.client.call<{ deployments: object }>('getdeploymentinfo', [], options)
    return { subversion: net.subversion, deployments: Object.keys(deployments.deployments) }
  }

  async tip(options: WaitOptions = {}): Promise<BitcoinTip> {
    const best = await this.client.call<string>('getbestblockhash', [], options)
    return this.#headerInfo(btcHashFromDisplay(best), options)
  }

  /** The main chain's block hash at a height. @throws BITCOIN_NOT_FOUND above the tip */
  async blockHash(height: number, options: WaitOptions = {}): Promise<BtcHash> {
    try {
      return btcHashFromDisplay(await this.client.call<string>('getblockhash', [height], options))
    } catch (error) {
      throw rpcCodeOf(error) === -8 ? notFound(`no block at height ${height}`, error) : error
    }
  }

  /** Up to `count` main-chain headers (80 bytes each) from a height on; fewer at the tip. */
  async headers(fromHeight: number, count: number, options: WaitOptions = {}): Promise<Uint8Array[]> {
    const heights = Array.from({ length: Math.min(count, MAX_HEADERS_PER_REQUEST) }, (_, i) => fromHeight + i)
    const hashes = await this.client.batch<string>(
      heights.map((height) => ({ method: 'getblockhash', params: [height] })),
      options,
    )
    const end = hashes.findIndex((hash) => !hash.ok)
    const known = (end === -1 ? hashes : hashes.slice(0, end)).map((hash) => (hash.ok ? hash.value : ''))
    const raw = await this.client.batch<string>(
      known.map((hash) => ({ method: 'getblockheader', params: [hash, false] })),
      options,
    )
    return raw.map((answer) => {
      if (!answer.ok) throw answer.error
      return hexBytes(answer.value, HEADER_BYTES)
    })
  }

  /** One raw header. @throws BITCOIN_NOT_FOUND */
  async header(hash: BtcHash, options: WaitOptions = {}): Promise<Uint8Array> {
    return hexBytes(await this.#find<string>('getblockheader', [displayBtcHash(hash), false], options), HEADER_BYTES)
  }

  /** A whole block, decoded under size limits. @throws BITCOIN_NOT_FOUND, BITCOIND_BAD_ANSWER */
  async block(hash: BtcHash, options: WaitOptions = {}): Promise<Block> {
    const block = decodeBlock(hexBytes(await this.#find<string>('getblock', [displayBtcHash(hash), 0], options)))
    if (block.header.hash !== hash) throw badAnswer(`another block than ${hash}`)
    return block
  }

  /** A raw transaction from the mempool, or from the block given. @throws BITCOIN_NOT_FOUND */
  async transaction(txid: BtcHash, blockHash?: BtcHash, options: WaitOptions = {}): Promise<Transaction> {
    return decodeTransaction(await this.#rawTransaction(txid, blockHash, options))
  }

  /** The verified proof that a transaction is in a block. @throws BITCOIN_NOT_FOUND, MERKLE_TREE_INVALID, INCLUSION_INVALID */
  async transactionProof(txid: BtcHash, blockHash: BtcHash, options: WaitOptions = {}): Promise<InclusionProof> {
    const block = await this.#find<{ tx: string[] }>('getblock', [displayBtcHash(blockHash), 1], options)
    const first = block.tx[0]
    if (typeof first !== 'string') throw badAnswer('a block without transactions')
    const coinbaseId = btcHashFromDisplay(first)
    const ids = [...new Set([first, displayBtcHash(txid)])]
    const partialTree = await this.#find<string>('gettxoutproof', [ids, displayBtcHash(blockHash)], options)
    const coinbase = await this.#rawTransaction(coinbaseId, blockHash, options)
    const transaction = coinbaseId === txid ? coinbase : await this.#rawTransaction(txid, blockHash, options)
    return buildInclusionProof({ partialTree: hexBytes(partialTree), coinbase, transaction })
  }

  /**
   * Hands a raw transaction to the network; what is known already counts as done.
   * @throws BROADCAST_REJECTED with `reason` in bitcoind's words
   */
  async broadcast(raw: Uint8Array, options: WaitOptions = {}): Promise<'accepted' | 'known'> {
    try {
      await this.client.call('sendrawtransaction', [bare(raw)], options)
      return 'accepted'
    } catch (error) {
      const code = rpcCodeOf(error)
      const reason = isAppError(error) ? ((error as BitcoinError).info.reason ?? '') : ''
      if (code === ALREADY_IN_CHAIN || /^txn-already-(known|in-mempool)/.test(reason)) return 'known'
      if (code === undefined) throw error
      const retry = /missingorspent|missing-inputs|non-BIP68-final|non-final|premature/.test(reason)
      throw bitcoinError('BROADCAST_REJECTED', 'user', `bitcoind refused the transaction: ${reason}`, {
        cause: error,
        rpcCode: code,
        reason,
        retry,
      })
    }
  }

  /** Whether the mempool would take a transaction, and if not, why in bitcoind's words. */
  async testAccept(raw: Uint8Array, options: WaitOptions = {}): Promise<{ allowed: boolean; reason?: string }> {
    const [verdict] = await this.client.call<{ allowed: boolean; 'reject-reason'?: string }[]>(
      'testmempoolaccept',
      [[bare(raw)]],
      options,
    )
    if (!verdict) throw badAnswer('testmempoolaccept said nothing')
    return { allowed: verdict.allowed, reason: verdict['reject-reason'] }
  }

  /** The node's estimate in sat/vB for confirmation within `blocks`; its relay minimum while it has none. */
  async feeRate(blocks = 2, options: WaitOptions = {}): Promise<number> {
    const estimate = await this.client.call<{ feerate?: number }>('estimatesmartfee', [blocks], options)
    if (typeof estimate.feerate === 'number') return (estimate.feerate * 1e8) / 1000
    const { relayfee } = await this.client.call<{ relayfee: number }>('getnetworkinfo', [], options)
    return Math.max((relayfee * 1e8) / 1000, 1)
  }

  /** An unspent output; undefined when it does not exist or is spent. */
  async utxo(
    txid: BtcHash,
    vout: number,
    options: WaitOptions & { includeMempool?: boolean } = {},
  ): Promise<UtxoView | undefined> {
    const { includeMempool = true, ...wait } = options
    const out = await this.client.call<{
      value: number
      scriptPubKey: { hex: string }
      confirmations: number
      coinbase: boolean
    } | null>('gettxout', [displayBtcHash(txid), vout, includeMempool], wait)
    if (!out) return undefined
    return {
      sats: BigInt(Math.round(out.value * 1e8)),
      script: hexBytes(out.scriptPubKey.hex),
      confirmations: out.confirmations,
      isCoinbase: out.coinbase,
    }
  }

  /** Whether a transaction waits in the mempool. */
  async isInMempool(txid: BtcHash, options: WaitOptions = {}): Promise<boolean> {
    try {
      await this.client.call('getmempoolentry', [displayBtcHash(txid)], options)
      return true
    } catch (error) {
      if (rpcCodeOf(error) === NOT_FOUND) return false
      throw error
    }
  }

  /** The tip now and after every change, until the signal aborts; failures are reported and gotten over. */
  async *changes(signal: AbortSignal): AsyncGenerator<BitcoinTip> {
    let last: BtcHash | undefined
    let canWait = true
    while (!signal.aborted) {
      try {
        const tip = await this.tip({ signal })
        if (tip.hash !== last) {
          last = tip.hash
          yield tip
          continue
        }
        if (canWait) await this.client.call('waitfornewblock', [WAIT_MS], { signal, timeoutMs: 2 * WAIT_MS })
        else await delay(this.#pollMs, { signal, clock: this.#clock })
      } catch (error) {
        if (signal.aborted) return
        if (rpcCodeOf(error) === METHOD_NOT_FOUND) canWait = false
        else {
          this.#onError(error)
          await delay(this.#pollMs, { signal, clock: this.#clock }).catch(() => undefined)
        }
      }
    }
  }

  async #headerInfo(hash: BtcHash, options: WaitOptions): Promise<BitcoinTip> {
    const info = await this.#find<{ height: number; chainwork: string }>(
      'getblockheader',
      [displayBtcHash(hash)],
      options,
    )
    if (!Number.isSafeInteger(info.height) || !/^[0-9a-f]{1,64}$/.test(info.chainwork))
      throw badAnswer('a strange header')
    return { hash, height: info.height, chainWork: BigInt(`0x${info.chainwork}`) }
  }

  async #rawTransaction(txid: BtcHash, blockHash: BtcHash | undefined, options: WaitOptions): Promise<Uint8Array> {
    const params = [displayBtcHash(txid), false, ...(blockHash ? [displayBtcHash(blockHash)] : [])]
    return hexBytes(await this.#find<string>('getrawtransaction', params, options))
  }

  async #find<T>(method: string, params: readonly unknown[], options: WaitOptions): Promise<T> {
    try {
      return await this.client.call<T>(method, params, options)
    } catch (error) {
      throw rpcCodeOf(error) === NOT_FOUND ? notFound(`${method} found nothing`, error) : error
    }
  }
}

function rpcCodeOf(error: unknown): number | undefined {
  return isAppError(error, 'BITCOIND_RPC') ? (error as BitcoinError).info.rpcCode : undefined
}

function bare(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function hexBytes(value: unknown, length?: number): Uint8Array {
  if (typeof value !== 'string' || !/^([0-9a-f]{2})*$/.test(value)) throw badAnswer('not hex')
  const bytes = fromHex(value)
  if (length !== undefined && bytes.length !== length) throw badAnswer(`${bytes.length} bytes instead of ${length}`)
  return bytes
}

function badAnswer(why: string) {
  return bitcoinError('BITCOIND_BAD_ANSWER', 'peer', `bitcoind's answer cannot be used: ${why}`)
}

function notFound(why: string, cause: unknown) {
  return bitcoinError('BITCOIN_NOT_FOUND', 'peer', why, { cause, retry: true })
}
