import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import {
  btcHashFromDisplay,
  displayBtcHash,
  equalBytes,
  isAppError,
  taggedHash,
  uintBE,
  type BtcHash,
} from '@hawser/primitives'
import { Transaction as SigningTransaction } from '@scure/btc-signer'
import { addressToScript, scriptToAddress } from '../bitcoin-address.ts'
import { bitcoinError } from '../errors.ts'
import { DUST_LIMIT_SATS, hash160, p2trScript, p2wpkhScript } from '../script.ts'
import { tapTweakKey } from '../taproot.ts'
import { decodeTransaction, isCoinbase, txid, type Transaction } from '../transaction.ts'
import type { BitcoindSource, WaitOptions } from './bitcoind-source.ts'

/** Receiving addresses of each kind that a wallet watches. */
export const MAX_WALLET_ADDRESSES = 20
const COINBASE_MATURITY = 100
const SEQUENCE_RBF = 0xfffffffd
const DEFAULT_FEE_RATE_SAT_PER_VB = 2
/** Blocks mined in one call: a large call would block the node. */
const MINE_CHUNK = 50
/** vsize of a spend, rounded up: overhead, P2WPKH input (a P2TR one is smaller), and 8 + 1 + script per output. */
const OVERHEAD_VBYTES = 11
const INPUT_VBYTES = 69

export type WalletAddressKind = 'p2wpkh' | 'p2tr'

interface WalletKey {
  readonly secret: Uint8Array
  readonly script: Uint8Array
  /** x-only internal key of a P2TR address. */
  readonly internalKey?: Uint8Array
}

/** A coin of the wallet. */
export interface WalletCoin {
  readonly txid: BtcHash
  readonly vout: number
  readonly sats: bigint
  readonly script: Uint8Array
  /** 0 while unconfirmed. */
  readonly height: number
  readonly isCoinbase: boolean
}

export interface WalletOutput {
  /** An address of the source's network, or a script. */
  readonly to: string | Uint8Array
  readonly sats: bigint
}

export interface SentTransaction {
  readonly txid: BtcHash
  readonly tx: Transaction
  readonly raw: Uint8Array
  readonly feeSats: bigint
}

/**
 * A small wallet for devnets and tests: keys from a seed, coins found by reading blocks, raw transactions. It needs no
 * wallet in bitcoind, so it is the same against the embedded chain. Not for real money.
 */
export class L1Wallet {
  readonly source: BitcoindSource
  readonly #keys: { p2wpkh: WalletKey[]; p2tr: WalletKey[] }
  readonly #byScript = new Map<string, WalletKey>()
  #coins = new Map<string, WalletCoin>()
  #blocks: BtcHash[] = []
  readonly #startHeight: number
  #pending: Transaction[] = []

  /** @param seed 32 bytes. @param startHeight blocks before it are not read. */
  constructor(source: BitcoindSource, seed: Uint8Array, options: { startHeight?: number } = {}) {
    this.source = source
    this.#startHeight = options.startHeight ?? 0
    const indices = Array.from({ length: MAX_WALLET_ADDRESSES }, (_, i) => i)
    const secretOf = (kind: number, i: number) => taggedHash('Hawser/l1-wallet', seed, uintBE(kind, 1), uintBE(i, 4))
    this.#keys = {
      p2wpkh: indices.map((i) => {
        const secret = secretOf(0, i)
        return { secret, script: p2wpkhScript(hash160(secp256k1.getPublicKey(secret))) }
      }),
      p2tr: indices.map((i) => {
        const secret = secretOf(1, i)
        const internalKey = schnorr.getPublicKey(secret)
        return { secret, internalKey, script: p2trScript(tapTweakKey(internalKey).x) }
      }),
    }
    for (const key of [...this.#keys.p2wpkh, ...this.#keys.p2tr]) this.#byScript.set(String(key.script), key)
  }

  /** The output script of an address of the wallet. */
  script(kind: WalletAddressKind = 'p2wpkh', index = 0): Uint8Array {
    const key = this.#keys[kind][index]
    if (!key)
      throw bitcoinError('L1_WALLET_EMPTY', 'user', `the wallet has ${MAX_WALLET_ADDRESSES} addresses of a kind`)
    return key.script
  }

  address(kind: WalletAddressKind = 'p2wpkh', index = 0): string {
    return scriptToAddress(this.script(kind, index), this.source.network)
  }

  /** Reads the blocks that are new; after a reorganisation it reads the chain anew. */
  async sync(options: WaitOptions = {}): Promise<void> {
    const tip = await this.source.tip(options)
    if (!(await this.#isCurrent(options))) this.#forget()
    for (let height = this.#startHeight + this.#blocks.length; height <= tip.height; height++) {
      const hash = await this.source.blockHash(height, options)
      const block = await this.source.block(hash, options)
      const parent = this.#blocks.at(-1)
      // The chain changed while we were reading.
      if (parent !== undefined && block.header.previousHash !== parent) {
        this.#forget()
        return this.sync(options)
      }
      for (const tx of block.transactions) this.#apply(tx, height)
      this.#blocks.push(hash)
    }
  }

  /** Spendable coins: confirmed and mature ones, and change of own unconfirmed transactions. */
  coins(): WalletCoin[] {
    const tipHeight = this.#startHeight + this.#blocks.length - 1
    const all = new Map(this.#coins)
    // A pending transaction whose inputs are gone was replaced or mined elsewhere.
    this.#pending = this.#pending.filter((tx) => {
      if (!tx.inputs.every((input) => all.has(key(input)))) return false
      for (const input of tx.inputs) all.delete(key(input))
      for (const coin of this.#own(tx, 0)) all.set(key(coin), coin)
      return true
    })
    return [...all.values()].filter((coin) => !coin.isCoinbase || tipHeight + 1 - coin.height >= COINBASE_MATURITY)
  }

  /** Sum of the spendable coins, sats. */
  balanceSats(): bigint {
    return this.coins().reduce((sum, coin) => sum + coin.sats, 0n)
  }

  /** Builds, signs and broadcasts a payment; change returns to the first P2WPKH address. @throws L1_WALLET_EMPTY, BROADCAST_REJECTED */
  async send(
    outputs: readonly WalletOutput[],
    options: WaitOptions & { feeRateSatPerVb?: number; coins?: readonly WalletCoin[] } = {},
  ): Promise<SentTransaction> {
    await this.sync(options)
    const sent = this.build(outputs, options)
    await this.source.broadcast(sent.raw, options)
    this.#pending.push(sent.tx)
    return sent
  }

  /** Builds and signs without broadcasting; `coins` picks the inputs, otherwise the largest come first. */
  build(
    outputs: readonly WalletOutput[],
    options: { feeRateSatPerVb?: number; coins?: readonly WalletCoin[] } = {},
  ): SentTransaction {
    const rate = options.feeRateSatPerVb ?? DEFAULT_FEE_RATE_SAT_PER_VB
    const paid = outputs.map(({ to, sats }) => ({
      sats,
      script: typeof to === 'string' ? addressToScript(to, this.source.network) : to,
    }))
    const changeScript = this.script()
    const outVbytes = [...paid.map((o) => o.script), changeScript].reduce(
      (sum, s) => sum + 9 + s.length,
      OVERHEAD_VBYTES,
    )
    const need = paid.reduce((sum, o) => sum + o.sats, 0n)
    const feeFor = (inputs: number) => BigInt(Math.ceil(rate * (outVbytes + inputs * INPUT_VBYTES)))
    const chosen: WalletCoin[] = [...(options.coins ?? [])]
    const available = options.coins ? [] : this.coins().sort((a, b) => Number(b.sats - a.sats))
    const total = () => chosen.reduce((sum, coin) => sum + coin.sats, 0n)
    while (total() < need + feeFor(chosen.length)) {
      const next = available.shift()
      if (!next)
        throw bitcoinError(
          'L1_WALLET_EMPTY',
          'user',
          `the wallet's coins do not cover ${need} sat and ${feeFor(chosen.length)} of fee`,
        )
      chosen.push(next)
    }
    const change = total() - need - feeFor(chosen.length)
    const all = change >= DUST_LIMIT_SATS.p2wpkh ? [...paid, { sats: change, script: changeScript }] : paid
    const raw = this.#sign(chosen, all)
    const tx = decodeTransaction(raw)
    return { txid: txid(tx), tx, raw, feeSats: total() - all.reduce((sum, o) => sum + o.sats, 0n) }
  }

  /** Mines blocks to the wallet (or to another address) and answers their hashes. */
  async mine(count: number, options: WaitOptions & { to?: string } = {}): Promise<BtcHash[]> {
    const hashes: string[] = []
    for (let left = count; left > 0; left -= MINE_CHUNK) {
      const params = [Math.min(left, MINE_CHUNK), options.to ?? this.address()]
      hashes.push(...(await this.source.client.call<string[]>('generatetoaddress', params, { signal: options.signal })))
    }
    return hashes.map(btcHashFromDisplay)
  }

  /** Mines until the wallet can spend so much; a fresh regtest chain needs 101 blocks. */
  async ensureFunds(sats: bigint, options: WaitOptions = {}): Promise<void> {
    await this.sync(options)
    for (let i = 0; this.balanceSats() < sats; i++) {
      if (i > 20)
        throw bitcoinError('L1_WALLET_EMPTY', 'user', `mining does not yield ${sats} sat; the subsidy has run out`)
      await this.mine(i === 0 && this.balanceSats() === 0n ? COINBASE_MATURITY + 1 : 10, options)
      await this.sync(options)
    }
  }

  /** Undoing a block would need the coins it spent: a devnet's chain is short, so it is read again. */
  #forget(): void {
    this.#blocks = []
    this.#coins = new Map()
  }

  async #isCurrent(options: WaitOptions): Promise<boolean> {
    const last = this.#blocks.at(-1)
    if (last === undefined) return true
    try {
      return (await this.source.blockHash(this.#startHeight + this.#blocks.length - 1, options)) === last
    } catch (error) {
      if (isAppError(error, 'BITCOIN_NOT_FOUND')) return false
      throw error
    }
  }

  #apply(tx: Transaction, height: number): void {
    for (const input of tx.inputs) this.#coins.delete(key(input))
    for (const coin of this.#own(tx, height)) this.#coins.set(key(coin), coin)
  }

  #own(tx: Transaction, height: number): WalletCoin[] {
    const coinbase = isCoinbase(tx)
    const mine = tx.outputs.flatMap((output, vout) =>
      this.#byScript.has(String(output.script)) ? [{ ...output, vout }] : [],
    )
    if (mine.length === 0) return []
    const id = txid(tx)
    return mine.map(({ sats, script, vout }) => ({ txid: id, vout, sats, script, height, isCoinbase: coinbase }))
  }

  #sign(coins: readonly WalletCoin[], outputs: readonly { sats: bigint; script: Uint8Array }[]): Uint8Array {
    const tx = new SigningTransaction({ version: 2, allowUnknownOutputs: true })
    const keys = coins.map((coin) => this.#byScript.get(String(coin.script)) as WalletKey)
    coins.forEach((coin, i) =>
      tx.addInput({
        txid: displayBtcHash(coin.txid),
        index: coin.vout,
        sequence: SEQUENCE_RBF,
        witnessUtxo: { script: coin.script, amount: coin.sats },
        tapInternalKey: keys[i]?.internalKey,
      }),
    )
    for (const { script, sats } of outputs) tx.addOutput({ script, amount: sats })
    keys.forEach(({ secret }, i) => tx.signIdx(secret, i))
    tx.finalize()
    return tx.extract()
  }

  /** Whether a script belongs to the wallet. */
  owns(script: Uint8Array): boolean {
    const known = this.#byScript.get(String(script))
    return known !== undefined && equalBytes(known.script, script)
  }
}

function key(outpoint: { readonly txid: BtcHash; readonly vout: number }): string {
  return `${outpoint.txid}:${outpoint.vout}`
}
