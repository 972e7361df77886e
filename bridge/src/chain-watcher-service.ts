import { HeaderChain, parseHeader, plainAddress, txid as txidOf, type Committee } from '@hawser/bitcoin'
import type { BitcoinSource, BitcoinTip, ChainSpec, CustodyCheckpoint } from '@hawser/chain'
import {
  delay,
  equalBytes,
  messageOf,
  spawn,
  toHex,
  type BtcHash,
  type Clock,
  type Hex,
  type Logger,
} from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import type { AddressBook, RegisteredAddress } from './address-book.ts'
import { refusalOfPayment } from './creditable.ts'
import { CustodyRecords, type ScanCursor } from './custody-records.ts'
import { bridgeError } from './errors.ts'
import { scanBlock, taprootScripts, type CustodySpend, type ScanResult, type ScanTargets } from './scan-block.ts'

/** Headers asked for at a time. */
const HEADERS_PER_REQUEST = 2_000
/** How far back the first look for a fork goes; it doubles. */
const FIRST_STEP_BACK = 6
const RETRY_MS = 1_000
/** Blocks scanned again after a start, so that addresses registered meanwhile are seen. */
const RESCAN_BLOCKS = 12
/** Scripts of recent blocks kept for registrations that come late: some 10 blocks of mainnet. */
const MAX_RECENT_SCRIPTS = 50_000
/** Blocks of one rescan queue; more are covered by a claim. */
const MAX_RESCANS = 256
/** How far back a claim looks for a transaction. */
export const MAX_CLAIM_BLOCKS = 1_000

export interface ChainWatcherParts {
  readonly spec: ChainSpec
  readonly committee: Committee
  readonly db: KeyValueStore
  readonly source: BitcoinSource
  readonly addresses: AddressBook
  readonly clock: Clock
  readonly logger: Logger
  /** Called after every change of the best scanned block. */
  readonly onScanned: () => void
}

/**
 * Follows Bitcoin: headers into a checked HeaderChain, blocks of its best chain into CustodyRecords. The source may
 * fail at any time; the last known state stays.
 */
export class ChainWatcherService {
  readonly chain: HeaderChain
  readonly records: CustodyRecords
  readonly plainScript: Uint8Array
  readonly #parts: ChainWatcherParts
  readonly #abort = new AbortController()
  readonly #recent = new Map<Hex, number>()
  readonly #rescans = new Set<number>()
  #wanted: BitcoinTip | undefined
  #tip: BitcoinTip | undefined
  #error: string | undefined
  #checkpoint: CustodyCheckpoint | undefined
  #aliveAtMs = 0
  #wake: (() => void) | undefined
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: ChainWatcherParts) {
    const { checkpoint, network } = parts.spec.parent
    this.#parts = parts
    this.chain = new HeaderChain({
      network,
      height: checkpoint.height,
      header: checkpoint.header as Hex,
      chainWork: BigInt(checkpoint.chainWork),
      periodStartTimeS: checkpoint.periodStartTime,
      periodBits: checkpoint.periodBits,
    })
    this.records = new CustodyRecords(parts.db, (payment) => refusalOfPayment(payment, parts.spec.bridge) !== undefined)
    this.plainScript = plainAddress(parts.committee, network).scriptPubKey
  }

  /** What the source said last, and why it does not answer now. */
  get status(): { readonly tip?: BitcoinTip; readonly error?: string; readonly aliveAtMs: number } {
    return { tip: this.#tip, error: this.#error, aliveAtMs: this.#aliveAtMs }
  }

  /** The newest block that custody names as final, buried as deep as a deposit on the best chain. */
  get checkpoint(): CustodyCheckpoint | undefined {
    return this.#checkpoint
  }

  async start(): Promise<void> {
    await this.records.load()
    // Until the headers are here again, what was buried at the last scan counts: a restart must not open a gap.
    const scanned = this.records.cursor?.height ?? 0
    this.#readCheckpoint(({ height }) => scanned - height + 1)
    const guarded = async (loop: () => Promise<void>) => {
      while (!this.#abort.signal.aborted) {
        try {
          await loop()
        } catch (error) {
          if (this.#abort.signal.aborted) return
          this.#error = messageOf(error)
          this.#parts.logger.warn({ err: this.#error }, 'Bitcoin could not be followed; trying again')
        }
        await this.#pause(RETRY_MS)
      }
    }
    this.#running = Promise.all([guarded(() => this.#listen()), guarded(() => this.#work())])
  }

  async stop(): Promise<void> {
    this.#abort.abort(new Error('the watcher stops'))
    this.#wake?.()
    await this.#running
  }

  /** Looks at recent blocks again for an address that was registered after they were scanned. */
  addressAdded(entry: RegisteredAddress): void {
    const height = this.#recent.get(toHex(entry.scriptPubKey))
    if (height === undefined || this.#rescans.size >= MAX_RESCANS) return
    this.#rescans.add(height)
    this.#wake?.()
  }

  /** Asks the source whether it is there; failures are noted, not thrown. */
  async probe(): Promise<void> {
    try {
      const tip = await this.#parts.source.tip({ signal: this.#abort.signal })
      this.#heard(tip)
      if (!this.chain.get(tip.hash)) this.#want(tip)
    } catch (error) {
      this.#error = messageOf(error)
    }
  }

  /** Finds a transaction in the last MAX_CLAIM_BLOCKS blocks and takes up what it pays, to the asked address too. @throws DEPOSIT_NOT_FOUND */
  async claim(txid: BtcHash, asked?: RegisteredAddress): Promise<void> {
    const { best, checkpoint } = this.chain
    for (let height = best.height; height > Math.max(checkpoint.height, best.height - MAX_CLAIM_BLOCKS); height--) {
      const hash = this.chain.atHeight(height)?.hash
      if (!hash) continue
      const block = await this.#parts.source.block(hash, { signal: this.#abort.signal })
      if (!block.transactions.some((tx) => txidOf(tx) === txid)) continue
      await this.#take(scanBlock(block, height, this.#targets(asked)))
      return
    }
    throw bridgeError(
      'DEPOSIT_NOT_FOUND',
      'user',
      `the transaction is in none of the last ${MAX_CLAIM_BLOCKS} Bitcoin blocks; if it waits in the mempool, claim it once it is mined`,
      { retry: true },
    )
  }

  async #listen(): Promise<void> {
    for await (const tip of this.#parts.source.changes(this.#abort.signal)) {
      this.#heard(tip)
      this.#want(tip)
    }
  }

  #heard(tip: BitcoinTip): void {
    this.#tip = { hash: tip.hash, height: tip.height }
    this.#error = undefined
    this.#aliveAtMs = this.#parts.clock.nowMs()
  }

  #want(tip: BitcoinTip): void {
    this.#wanted = tip
    this.#wake?.()
  }

  /** The one writer: catches up with what is wanted, then waits. */
  async #work(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      const tip = this.#wanted
      const rescans = [...this.#rescans]
      if (!tip && rescans.length === 0) {
        await new Promise<void>((resolve) => (this.#wake = resolve))
        this.#wake = undefined
        continue
      }
      if (tip) {
        await this.#syncHeaders(tip)
        await this.#scan()
        this.#readCheckpoint(({ blockHash }) => this.chain.confirmations(blockHash))
        // Only what was done is dropped: a failure leaves it wanted, and the work starts again.
        if (this.#wanted === tip) this.#wanted = undefined
      }
      for (const height of rescans) {
        await this.#scanAt(height, false)
        this.#rescans.delete(height)
      }
      this.#parts.onScanned()
    }
  }

  async #syncHeaders(tip: BitcoinTip): Promise<void> {
    const { source, clock } = this.#parts
    const { signal } = this.#abort
    const floor = this.chain.checkpoint.height + 1
    let back = 0
    while (!this.chain.get(tip.hash)) {
      const from = Math.max(floor, Math.min(this.chain.best.height, tip.height) + 1 - back)
      const headers = await source.headers(from, HEADERS_PER_REQUEST, { signal })
      const first = headers[0]
      if (!first) {
        // The source has no block above our best: it reorganised to a shorter chain, or lags behind.
        if (back > 0 || from === floor) return
        back = FIRST_STEP_BACK
        continue
      }
      if (!this.chain.get(parseHeader(first).previousHash)) {
        if (from === floor)
          throw bridgeError(
            'BITCOIN_SOURCE_FOREIGN',
            'local',
            'the Bitcoin node is on a chain without our checkpoint; check bitcoin.url',
            { retry: true },
          )
        back = Math.max(FIRST_STEP_BACK, 2 * back)
        continue
      }
      let fresh = 0
      for (const raw of headers) {
        const outcome = this.chain.add(raw, Math.floor(clock.nowMs() / 1000))
        if (outcome.status === 'rejected') throw outcome.error
        if (outcome.status === 'added') fresh++
      }
      // The tip moved on meanwhile: `changes` will tell. A side branch of less work is followed from its end.
      if (headers.length < HEADERS_PER_REQUEST) return
      if (fresh === 0) back = 0
    }
  }

  async #scan(): Promise<void> {
    const { checkpoint } = this.chain
    const { records } = this
    let at = checkpoint.height
    const { cursor } = records
    if (cursor) {
      const ancestor = this.chain.mainAncestor(cursor.hash)
      at =
        ancestor?.height ?? Math.max(checkpoint.height, Math.min(cursor.height, this.chain.best.height) - RESCAN_BLOCKS)
      if (this.#recent.size === 0) at = Math.max(checkpoint.height, at - RESCAN_BLOCKS)
    }
    while (at < this.chain.best.height && !this.#abort.signal.aborted) {
      at++
      // A reorganisation during the scan is seen by the next one: its blocks are on the branch that left.
      await this.#scanAt(at, true)
    }
    await records.archive(this.chain.best.height)
  }

  async #scanAt(height: number, moveCursor: boolean): Promise<void> {
    const hash = this.chain.atHeight(height)?.hash
    if (!hash) return
    const block = await this.#parts.source.block(hash, { signal: this.#abort.signal })
    const found = scanBlock(block, height, this.#targets())
    await this.#take(found, moveCursor ? { height, hash } : undefined)
    for (const script of taprootScripts(block)) {
      this.#recent.delete(script as Hex)
      if (this.#recent.size >= MAX_RECENT_SCRIPTS) this.#recent.delete(this.#recent.keys().next().value as Hex)
      this.#recent.set(script as Hex, height)
    }
    this.#log(found)
  }

  async #take(found: ScanResult, cursor?: ScanCursor): Promise<void> {
    await this.records.take(found, cursor)
    for (const { kind, account } of found.payments)
      if (kind === 'address' && account) await this.#parts.addresses.paid(account)
  }

  /** What stood in Bitcoin before this chain began was said of another chain of the same keys: a devnet before this one. */
  #readCheckpoint(confirmations: (spend: CustodySpend) => number): void {
    const { bridge, genesisTime } = this.#parts.spec
    this.#checkpoint = this.records.newestCheckpoint(
      (spend) =>
        confirmations(spend) >= bridge.depositConfirmations && parseHeader(spend.proof.header).timeS >= genesisTime,
    )
  }

  #targets(asked?: RegisteredAddress): ScanTargets {
    return {
      chainId: BigInt(this.#parts.spec.chainId),
      plainScript: this.plainScript,
      addressOf: (script) =>
        asked && equalBytes(script, asked.scriptPubKey) ? asked : this.#parts.addresses.byScript(script),
      refusalOf: (payment) => refusalOfPayment(payment, this.#parts.spec.bridge),
      isCustody: (outpoint) => this.records.isCustody(outpoint),
    }
  }

  #log({ payments, spends, refused, dropped }: ScanResult): void {
    if (refused.length + dropped > 0)
      this.#parts.logger.info(
        { refused: refused.length, dropped },
        'saw payments that are not credited or not taken up',
      )
    for (const { kind, txid, vout, sats, account, height } of payments)
      this.#parts.logger.info(
        { kind, txid, vout, sats: sats.toString(), account, height },
        'saw a payment to the bridge',
      )
    for (const { txid, height } of spends) this.#parts.logger.info({ txid, height }, 'saw custody spent')
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, { signal: this.#abort.signal, clock: this.#parts.clock }).catch(() => undefined)
  }
}

/** Runs a probe in the background. */
export function probeSoon(watcher: ChainWatcherService, logger: Logger): void {
  spawn(
    () => watcher.probe(),
    (error) => logger.debug({ err: messageOf(error) }, 'Bitcoin could not be probed'),
  )
}
