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
  CustodyCheckpoint,
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
import {
  btcHashFromDisplay,
  displayBtcHash,
  invariant,
  messageOf,
  satsToWei,
  spawn,
  WEI_PER_SAT,
  type Address,
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
import { ContractReader } from './contract-reader.ts'
import { CustodyViews } from './custody-views.ts'
import { DepositViews } from './deposit-views.ts'
import { bridgeError } from './errors.ts'
import { finishRecords } from './finish-records.ts'
import type { SigningPolicy } from './policy.ts'
import type { CustodyPayment } from './scan-block.ts'
import { WithdrawalSignerService } from './withdrawal-signer-service.ts'
import { WithdrawalViews } from './withdrawal-views.ts'

/** Between two looks at the Bitcoin source and at batches that wait. */
const TICK_MS = 10_000
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
  /** Called when this node has caught up with Bitcoin once more. */
  readonly onScanned?: () => void
}

/** The two-way peg off chain, joined: addresses, watcher, inherents, views (protocol.md, sections 5 to 8). */
export class BridgeService implements Inherents, BridgeView {
  readonly #parts: BridgeServiceParts
  readonly #addresses: AddressBook
  readonly #watcher: ChainWatcherService
  readonly #inherents: BridgeInherents
  readonly #signer: WithdrawalSignerService
  readonly #deposits: DepositViews
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
      onScanned: () => {
        this.#signer.onBitcoinBlock()
        parts.onScanned?.()
      },
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
    const finalNumber = () => parts.store.pointers().finalized.number
    const refusalOf = (payment: CustodyPayment) => this.#inherents.refusalOf(payment)
    this.#deposits = new DepositViews({ bridge: spec.bridge, chain, records, refusalOf, readerAtHead })
    this.#withdrawals = new WithdrawalViews({ ...parts, signer: this.#signer, readerAtHead, finalNumber })
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

  /** Signs nothing more for the committee; the rest goes on. */
  stopSigning(): void {
    this.#signer.stop()
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

  /** The newest block that custody on Bitcoin names as final (consensus.md, 2.10). */
  checkpoint(): CustodyCheckpoint | undefined {
    return this.#watcher.checkpoint
  }

  /** Whether our view of Bitcoin lets us vote for a block; true when we cannot judge. */
  acceptableBlock(hash: Hash32): boolean {
    const block = this.#parts.store.block(hash)?.block
    return !block || isAcceptable(block, this.#watcher.chain, this.#watcher.checkpoint)
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

  deposits(account: Address): Promise<readonly DepositView[]> {
    return this.#deposits.deposits(account)
  }

  deposit(txid: string, vout: number): Promise<DepositView | undefined> {
    return this.#deposits.deposit({ txid: btcHashFromDisplay(txid), vout })
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
