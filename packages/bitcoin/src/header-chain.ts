import { fromHex, isAppError, type BtcHash, type Hex } from '@hawser/primitives'
import { workOfTarget } from './compact-target.ts'
import { bitcoinError, type BitcoinError } from './errors.ts'
import {
  checkHeader,
  checkProofOfWork,
  childContext,
  MEDIAN_TIME_BLOCKS,
  medianTime,
  type HeaderContext,
} from './header-rules.ts'
import { parseHeader, type BlockHeader } from './header.ts'
import { NETWORKS, type BitcoinNetwork, type NetworkParameters } from './networks.ts'

/** Headers a chain keeps at most: at 400 bytes each about 400 MB, five times what mainnet makes in three years. */
export const MAX_HEADERS = 1_000_000

/** Where a header chain starts: trusted, from the chain spec. */
export interface BitcoinCheckpoint {
  readonly network: BitcoinNetwork
  readonly height: number
  /** The 80 bytes as hex. */
  readonly header: Hex
  /** Work of the whole chain up to and with this header. */
  readonly chainWork: bigint
  /** Time of the first block of its retarget period (height - height mod 2016), Unix seconds. */
  readonly periodStartTimeS: number
  /** Bits of that first block. */
  readonly periodBits: number
}

/** A header in the chain. */
export interface HeaderRecord extends HeaderContext {
  readonly header: BlockHeader
  readonly hash: BtcHash
  /** Work up to and with this header. */
  readonly chainWork: bigint
}

/** What became of a header. `disconnected` and `connected` are main-chain hashes, lowest height first. */
export type AddHeaderOutcome =
  | {
      readonly status: 'added'
      readonly record: HeaderRecord
      readonly becameBest: boolean
      readonly disconnected: readonly BtcHash[]
      readonly connected: readonly BtcHash[]
    }
  | { readonly status: 'known'; readonly record: HeaderRecord }
  | { readonly status: 'rejected'; readonly error: BitcoinError }

/**
 * Bitcoin's headers from a checkpoint on: all branches, best by work, the first seen on a tie.
 * Holds state but reads no clock and no network: time is handed in.
 */
export class HeaderChain {
  readonly checkpoint: BitcoinCheckpoint
  readonly parameters: NetworkParameters
  readonly #records = new Map<BtcHash, HeaderRecord>()
  readonly #main: BtcHash[] = []
  readonly #maxHeaders: number
  #best: HeaderRecord

  /** @throws CHECKPOINT_INVALID when the checkpoint's header has no valid proof of work. */
  constructor(checkpoint: BitcoinCheckpoint, options: { maxHeaders?: number } = {}) {
    this.checkpoint = checkpoint
    this.parameters = NETWORKS[checkpoint.network]
    this.#maxHeaders = options.maxHeaders ?? MAX_HEADERS
    const header = parseHeader(fromHex(checkpoint.header))
    const pow = checkProofOfWork(this.parameters, header)
    if (!pow.ok || !Number.isSafeInteger(checkpoint.height) || checkpoint.height < 0)
      throw bitcoinError('CHECKPOINT_INVALID', 'local', `the checkpoint is no header of ${checkpoint.network}`)
    this.#best = {
      header,
      hash: header.hash,
      height: checkpoint.height,
      timeS: header.timeS,
      bits: header.bits,
      periodStartTimeS: checkpoint.periodStartTimeS,
      periodBits: checkpoint.periodBits,
      chainWork: checkpoint.chainWork,
    }
    this.#records.set(header.hash, this.#best)
    this.#main.push(header.hash)
  }

  /** The tip with most work. */
  get best(): HeaderRecord {
    return this.#best
  }

  /** Headers held, with side branches and the checkpoint. */
  get size(): number {
    return this.#records.size
  }

  /** Checks one header and adds it; a refusal changes nothing. */
  add(raw: Uint8Array, nowS: number): AddHeaderOutcome {
    let header: BlockHeader
    try {
      header = parseHeader(raw)
    } catch (error) {
      if (isAppError(error)) return { status: 'rejected', error: error as BitcoinError }
      throw error
    }
    const known = this.#records.get(header.hash)
    if (known) return { status: 'known', record: known }
    const parent = this.#records.get(header.previousHash)
    if (!parent)
      return reject('HEADER_UNKNOWN_PARENT', `no header ${header.previousHash} to build on; send its ancestors first`)
    if (this.#records.size >= this.#maxHeaders)
      return reject('HEADER_CHAIN_FULL', `the chain holds its ${this.#maxHeaders} headers; take a newer checkpoint`)
    const verdict = checkHeader(this.parameters, header, parent, this.#timesUpTo(parent), nowS)
    if (!verdict.ok) return { status: 'rejected', error: verdict.error }
    const record: HeaderRecord = {
      ...childContext(header, parent),
      header,
      hash: header.hash,
      chainWork: parent.chainWork + workOfTarget(verdict.value),
    }
    this.#records.set(record.hash, record)
    if (record.chainWork <= this.#best.chainWork)
      return { status: 'added', record, becameBest: false, disconnected: [], connected: [] }
    return { status: 'added', record, becameBest: true, ...this.#switchTo(record) }
  }

  get(hash: BtcHash): HeaderRecord | undefined {
    return this.#records.get(hash)
  }

  /** The main chain's header at a height; undefined below the checkpoint and above the tip. */
  atHeight(height: number): HeaderRecord | undefined {
    const hash = this.#main[height - this.checkpoint.height]
    return hash === undefined ? undefined : this.#records.get(hash)
  }

  isOnMainChain(hash: BtcHash): boolean {
    const record = this.#records.get(hash)
    return record !== undefined && this.#main[record.height - this.checkpoint.height] === hash
  }

  /** 1 for the tip; 0 for what is unknown or off the main chain. */
  confirmations(hash: BtcHash): number {
    const record = this.#records.get(hash)
    return record && this.isOnMainChain(hash) ? this.#best.height - record.height + 1 : 0
  }

  /** The last common ancestor of two known headers; undefined when one is unknown. */
  forkPoint(a: BtcHash, b: BtcHash): HeaderRecord | undefined {
    let x = this.#records.get(a)
    let y = this.#records.get(b)
    while (x && y && x.hash !== y.hash) {
      if (x.height >= y.height) x = this.#records.get(x.header.previousHash)
      else y = this.#records.get(y.header.previousHash)
    }
    return x && y ? x : undefined
  }

  /** The first main-chain ancestor of a known header (itself when it is on the main chain). */
  mainAncestor(hash: BtcHash): HeaderRecord | undefined {
    let record = this.#records.get(hash)
    while (record && !this.isOnMainChain(record.hash)) record = this.#records.get(record.header.previousHash)
    return record
  }

  /** BIP113's median of the last eleven times up to a known header, Unix seconds. */
  medianTimeS(hash: BtcHash): number | undefined {
    const record = this.#records.get(hash)
    return record && medianTime(this.#timesUpTo(record))
  }

  #timesUpTo(record: HeaderRecord): number[] {
    const times: number[] = []
    let at: HeaderRecord | undefined = record
    while (at && times.length < MEDIAN_TIME_BLOCKS) {
      times.push(at.timeS)
      at = this.#records.get(at.header.previousHash)
    }
    return times
  }

  #switchTo(record: HeaderRecord): { disconnected: BtcHash[]; connected: BtcHash[] } {
    const connected: BtcHash[] = []
    let at: HeaderRecord | undefined = record
    while (at && !this.isOnMainChain(at.hash)) {
      connected.push(at.hash)
      at = this.#records.get(at.header.previousHash)
    }
    const keep = (at?.height ?? this.checkpoint.height) - this.checkpoint.height + 1
    const disconnected = this.#main.splice(keep)
    connected.reverse()
    this.#main.push(...connected)
    this.#best = record
    return { disconnected, connected }
  }
}

function reject(code: 'HEADER_UNKNOWN_PARENT' | 'HEADER_CHAIN_FULL', message: string): AddHeaderOutcome {
  return { status: 'rejected', error: bitcoinError(code, 'peer', message, { retry: true }) }
}
