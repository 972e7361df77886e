import type { BlockHeader } from '@ethereumjs/block'
import { type Committee } from '@hawser/bitcoin'
import type {
  BatchView,
  BitcoinSource,
  BitcoinTip,
  BitcoinView,
  BlockRef,
  BridgeView,
  Cancellable,
  ChainSpec,
  ChainStore,
  CustodyView,
  DepositView,
  ExecutionEngine,
  InherentCall,
  Inherents,
  Page,
  ReservesView,
  Transport,
  WithdrawalView,
} from '@hawser/chain'
import { CoinStatus } from '@hawser/contracts'
import {
  btcHashFromDisplay,
  displayBtcHash,
  invariant,
  messageOf,
  satsToWei,
  spawn,
  WEI_PER_SAT,
  ZERO_ADDRESS,
  type Address,
  type BtcHash,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import { isAcceptable } from './acceptable-block.ts'
import { AddressBook } from './address-book.ts'
import { BitcoinViews } from './bitcoin-views.ts'
import { BridgeInherents } from './bridge-inherents.ts'
import { ChainWatcherService, probeSoon } from './chain-watcher-service.ts'
import { ContractReader, type CoinState } from './contract-reader.ts'
import { refusalOfPayment } from './creditable.ts'
import { CustodyViews } from './custody-views.ts'
import { bridgeError } from './errors.ts'
import { finishRecords } from './finish-records.ts'
import type { SigningPolicy } from './policy.ts'
import { outpointKey, type CustodyPayment } from './scan-block.ts'
import { WithdrawalSignerService } from './withdrawal-signer-service.ts'
import { WithdrawalViews } from './withdrawal-views.ts'

/** Between two looks at the Bitcoin source and at batches that wait. */
const TICK_MS = 10_000
/** Deposits of an account that a view shows. */
const MAX_SHOWN_DEPOSITS = 100n
const COINBASE_MATURITY = 100
export interface BridgeServiceParts {
  readonly spec: ChainSpec
  readonly committee: Committee
  readonly store: ChainStore
  readonly db: KeyValueStore
  readonly engine: ExecutionEngine
  readonly source: BitcoinSource
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  /** The 32-byte secret of a committee member; without it the node signs nothing. */
  readonly bitcoinKey?: Uint8Array
  /** What the operator allows on top of the protocol. */
  readonly policy?: SigningPolicy
}

/** The two-way peg off chain, joined: addresses, watcher, inherents, views (protocol.md, sections 5 to 8). */
export class BridgeService implements Inherents, BridgeView {
  readonly #parts: BridgeServiceParts
  readonly #addresses: AddressBook
  readonly #watcher: ChainWatcherService
  readonly #inherents: BridgeInherents
  readonly #signer: WithdrawalSignerService
  readonly #withdrawals: WithdrawalViews
  readonly bitcoin: BitcoinView
  readonly custody: CustodyView
  readonly #abort = new AbortController()
  #cancelTick: () => void = () => undefined
  #finishing = false

  constructor(parts: BridgeServiceParts) {
    const { spec, clock } = parts
    const logger = parts.logger.child({ room: 'bridge' })
    this.#parts = { ...parts, logger }
    this.#addresses = new AddressBook({ ...this.#parts, onAdded: (entry) => this.#watcher.addressAdded(entry) })
    this.#watcher = new ChainWatcherService({
      ...this.#parts,
      addresses: this.#addresses,
      onScanned: () => this.#signer.onBitcoinBlock(),
    })
    const { chain, records } = this.#watcher
    this.#inherents = new BridgeInherents({ spec, chain, records, clock, logger })
    this.#signer = new WithdrawalSignerService({
      ...this.#parts,
      chain,
      records,
      sourceAliveAtMs: () => this.#watcher.status.aliveAtMs,
    })
    const readerAtHead = () => this.#readerAtHead()
    const readerAtFinal = () => this.#readerAt(parts.store.pointers().finalized)
    this.#withdrawals = new WithdrawalViews({ ...parts, signer: this.#signer, readerAtHead, readerAtFinal })
    this.bitcoin = new BitcoinViews({ ...parts, chain, status: () => this.#watcher.status, readerAtHead })
    this.custody = new CustodyViews(parts)
  }

  async start(): Promise<void> {
    await this.#addresses.start()
    await this.#watcher.start()
    await this.#signer.start()
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('the bridge stops'))
    this.#cancelTick()
    this.#signer.stop()
    this.#addresses.stop()
    await this.#watcher.stop()
  }

  /** A block is final: records that its state has credited or settled are done. */
  onFinalized(ref: BlockRef): void {
    this.#signer.onFinalized(ref)
    if (this.#finishing) return
    this.#finishing = true
    spawn(
      async () => {
        try {
          await this.#finishRecords(ref)
        } finally {
          this.#finishing = false
        }
      },
      (error) => this.#parts.logger.debug({ err: messageOf(error) }, 'the final state could not be compared'),
    )
  }

  /** Whether our view of Bitcoin lets us vote for a block; true when we cannot judge. */
  acceptableBlock(hash: Hash32): boolean {
    const block = this.#parts.store.block(hash)?.block
    return !block || isAcceptable(block, this.#watcher.chain)
  }

  /** Votes to resume the bridge, in this node's next block. */
  requestResume(pauseId: bigint): void {
    this.#inherents.requestResume(pauseId)
  }

  async inherents(parent: BlockRef, options: Cancellable = {}): Promise<readonly InherentCall[]> {
    const header = this.#parts.store.block(parent.hash)?.block.header
    if (!header) return []
    try {
      return await this.#inherents.gather(new ContractReader(this.#parts.engine, header, options))
    } catch (error) {
      // A block without news from Bitcoin is better than none.
      this.#parts.logger.warn({ err: messageOf(error) }, 'inherents could not be gathered')
      return []
    }
  }

  /** How far this node has read Bitcoin, for health checks and tests. */
  progress(): { readonly scanned?: BitcoinTip; readonly source?: BitcoinTip; readonly addresses: number } {
    const { records, status } = this.#watcher
    return { scanned: records.cursor, source: status.tip, addresses: this.#addresses.size }
  }

  // --- BridgeView

  async registerDepositAddress(account: Address, refundKey?: Uint8Array) {
    const { address, scriptPubKey } = await this.#addresses.register(account, refundKey)
    return { address, scriptPubKey }
  }

  async deposits(account: Address): Promise<readonly DepositView[]> {
    const reader = this.#readerAtHead()
    const light = await reader.bestBitcoinBlock()
    const credited = await reader.depositsOf(account, 0n, MAX_SHOWN_DEPOSITS)
    const known = new Set(credited.map((coin) => outpointKey({ txid: coin.txid as BtcHash, vout: coin.vout })))
    const pending = this.#watcher.records.paymentsTo(account).filter((payment) => !known.has(outpointKey(payment)))
    return [
      ...credited.map((coin) => this.#creditedView(coin, light.height)),
      ...pending.map((payment) => this.#pendingView(payment, light.height)),
    ]
  }

  async deposit(txid: string, vout: number): Promise<DepositView | undefined> {
    const outpoint = { txid: btcHashFromDisplay(txid), vout }
    const reader = this.#readerAtHead()
    const [coin, light] = await Promise.all([reader.coin(outpoint.txid, vout), reader.bestBitcoinBlock()])
    if (coin.status !== CoinStatus.None)
      // What no account was credited for is change of a batch.
      return coin.account === ZERO_ADDRESS ? undefined : this.#creditedView(coin, light.height)
    const payment = this.#watcher.records.paymentAt(outpoint)
    return payment?.account && this.#pendingView(payment, light.height)
  }

  async claim(txid: string, account: Address, refundKey?: Uint8Array): Promise<readonly DepositView[]> {
    const id = btcHashFromDisplay(txid)
    // With a refund key it is looked for, to tell why it is not credited, but not kept.
    const asked = refundKey ? this.#addresses.derive(account, refundKey) : await this.#addresses.register(account)
    const mine = async () => (await this.deposits(account)).filter((view) => view.txid === displayBtcHash(id))
    const known = await mine()
    if (known.length > 0) return known
    await this.#watcher.claim(id, asked)
    const found = await mine()
    if (found.length === 0)
      throw bridgeError('DEPOSIT_NOT_FOUND', 'user', 'the transaction pays no deposit address of this account')
    return found
  }

  withdrawals(account: Address, page: Page): Promise<readonly WithdrawalView[]> {
    return this.#withdrawals.withdrawals(account, page)
  }

  withdrawal(id: bigint): Promise<WithdrawalView | undefined> {
    return this.#withdrawals.withdrawal(id)
  }

  batch(id: bigint): Promise<BatchView> {
    return this.#withdrawals.batch(id)
  }

  async reserves(at: BlockHeader): Promise<ReservesView> {
    const state = await new ContractReader(this.#parts.engine, at).reserves()
    const owedWei =
      state.circulatingWei + satsToWei((state.pendingSats + state.maxFeeSats) as never) + state.claimableWei
    const liabilitySats = (owedWei + WEI_PER_SAT - 1n) / WEI_PER_SAT
    return {
      block: { number: at.number.toString(), hash: `0x${Buffer.from(at.hash()).toString('hex')}` as Hash32 },
      custodySats: state.custodySats.toString(),
      circulatingWei: state.circulatingWei.toString(),
      pendingSats: state.pendingSats.toString(),
      maxFeeSats: state.maxFeeSats.toString(),
      claimableWei: state.claimableWei.toString(),
      liabilitySats: liabilitySats.toString(),
      shortfallSats: state.shortfallSats.toString(),
      paused: state.paused,
      covered: state.custodySats >= liabilitySats,
    }
  }

  #readerAtHead(): ContractReader {
    return this.#readerAt(this.#parts.store.pointers().head)
  }

  #readerAt(ref: BlockRef): ContractReader {
    const header = this.#parts.store.block(ref.hash)?.block.header
    invariant(header, 'head and final block are stored')
    return new ContractReader(this.#parts.engine, header)
  }

  #creditedView(coin: CoinState, lightHeight: number): DepositView {
    return {
      txid: displayBtcHash(coin.txid as BtcHash),
      vout: coin.vout,
      account: coin.account.toLowerCase() as Address,
      sats: coin.sats.toString(),
      status: 'credited',
      confirmations: Math.max(0, lightHeight - coin.height + 1),
      required: this.#parts.spec.bridge.depositConfirmations,
    }
  }

  #pendingView(payment: CustodyPayment, lightHeight: number): DepositView {
    const { bridge } = this.#parts.spec
    const { chain } = this.#watcher
    const onBest = chain.isOnMainChain(payment.blockHash)
    // What the chain counts is the light client's view; it may lag behind the source by a block.
    const confirmations = onBest ? Math.max(0, lightHeight - payment.height + 1) : 0
    const required = payment.isCoinbase
      ? Math.max(COINBASE_MATURITY, bridge.depositConfirmations)
      : bridge.depositConfirmations
    const base = {
      txid: displayBtcHash(payment.txid),
      vout: payment.vout,
      account: payment.account as Address,
      sats: payment.sats.toString(),
      confirmations,
      required,
    }
    const never = refusalOfPayment(payment, bridge)
    if (never !== undefined) return { ...base, status: 'refused', reason: never }
    if (!onBest) return { ...base, status: 'unconfirmed' }
    if (confirmations < required) return { ...base, status: 'confirming' }
    const reason = this.#inherents.refusalOf(payment)
    if (reason?.startsWith('ReclaimTooNear')) return { ...base, status: 'refused', reason }
    return { ...base, status: 'creditable', ...(reason && { reason }) }
  }

  /** Compares unfinished records with the final state, so that blocks to come need not look at them. */
  async #finishRecords(ref: BlockRef): Promise<void> {
    const { records, chain } = this.#watcher
    const isFailing = (payment: CustodyPayment) => this.#inherents.refusalOf(payment) !== undefined
    await finishRecords(this.#readerAt(ref), records, chain, { isFailing, round: Number(ref.number) })
  }

  #tick(): void {
    probeSoon(this.#watcher, this.#parts.logger)
    this.#signer.onBitcoinBlock()
    this.#cancelTick = this.#parts.clock.after(TICK_MS, () => {
      if (!this.#abort.signal.aborted) this.#tick()
    })
  }
}
