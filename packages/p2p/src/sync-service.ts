import { RLP } from '@ethereumjs/rlp'
import type { Common } from '@ethereumjs/common'
import {
  blockRef,
  decodeSealedBlock,
  encodeSealedBlock,
  MAX_BLOCK_BYTES,
  type BlockImporter,
  type ChainStore,
  type FinalityGadget,
  type PeerId,
  type SealedBlock,
} from '@hawser/chain'
import {
  AppError,
  fromHex,
  isAppError,
  messageOf,
  readUintBE,
  spawn,
  toHex,
  uintBE,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import type { Libp2pTransport } from './libp2p-transport.ts'
import { MAX_HASHES, MAX_RANGE_BLOCKS } from './limits.ts'

/** Score for blocks that a peer said it had, and did not deliver. */
const UNDELIVERED_SCORE = -50
/** How often a node asks a peer whether it has fallen behind, beside what gossip tells it. */
const CHECK_MS = 2_000

export interface SyncParts {
  readonly common: Common
  readonly store: ChainStore
  readonly importer: BlockImporter
  readonly finality: FinalityGadget
  readonly transport: Libp2pTransport
  readonly clock: Clock
  readonly logger: Logger
}

/** Serves blocks to others and fetches what this node lacks: by range after a pause, by hash when one parent is missing. */
export class SyncService {
  readonly #parts: SyncParts
  readonly #stops: (() => void)[] = []
  #cancelCheck: (() => void) | undefined
  #running = false
  /** The last block of the batch at work: what a peer has shown, not what it claims. */
  #importing = 0n
  #stopped = false
  #target = 0n

  constructor(parts: SyncParts) {
    this.#parts = parts
  }

  /** The highest block that a peer was known to have, while this node is behind it. */
  get progress(): { readonly syncing: boolean; readonly target: bigint } {
    return {
      syncing: this.#importing > this.#parts.store.pointers().head.number + 2n,
      target: this.#target,
    }
  }

  start(): void {
    const { transport } = this.#parts
    this.#stops.push(
      transport.serve('blocks-by-range', async (message) => this.#range(message)),
      transport.serve('blocks-by-hash', async (message) => this.#byHash(message)),
      transport.onPeer((peer, event) => event === 'joined' && this.catchUpWith(peer)),
    )
    this.#check()
  }

  stop(): void {
    this.#stopped = true
    this.#cancelCheck?.()
    for (const stop of this.#stops) stop()
  }

  /** Fetches what a peer has beyond this node, unless a fetch is under way. */
  catchUpWith(peer: PeerId): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    spawn(
      async () => {
        try {
          await this.#fetch(peer)
        } finally {
          this.#running = false
          this.#importing = 0n
        }
      },
      (error) => {
        this.#parts.logger.debug({ peer, err: messageOf(error) }, 'sync with a peer ended')
        if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
          this.#parts.transport.report(peer, -500, error.code)
      },
    )
  }

  #check(): void {
    if (this.#stopped) return
    this.#cancelCheck = this.#parts.clock.after(CHECK_MS, () => this.#check())
    const peers = this.#parts.transport.peers()
    const peer = peers[Math.floor(this.#parts.clock.nowMs() / CHECK_MS) % Math.max(1, peers.length)]
    if (peer) this.catchUpWith(peer.id)
  }

  async #fetch(peer: PeerId): Promise<void> {
    const { transport, store, logger } = this.#parts
    const status = await transport.refreshStatus(peer)
    const behindFinal = status.finalized.number > store.pointers().finalized.number
    if (status.head.number <= store.pointers().head.number && !behindFinal) return
    this.#target = status.head.number
    if (status.head.number > store.pointers().head.number + 8n)
      logger.info(
        { peer, from: Number(store.pointers().head.number), to: Number(status.head.number) },
        'syncing blocks',
      )
    // What is final is common to both; above it the peer's best chain may be another than ours.
    let next = store.pointers().finalized.number + 1n
    while (next <= status.head.number && !this.#stopped) {
      const batch = decodeBatch(
        await transport.request(peer, 'blocks-by-range', encodeRange(next, MAX_RANGE_BLOCKS)),
        this.#parts.common,
      )
      if (batch.length === 0) {
        // A reorganisation may have taken it meanwhile; who claims for ever what he does not have loses his place.
        transport.report(peer, UNDELIVERED_SCORE, 'claimed blocks were not delivered')
        return
      }
      this.#importing = next + BigInt(batch.length) - 1n
      for (const { sealed, justification } of batch) {
        if (sealed.block.header.number !== next) throw malformed('blocks out of order')
        await this.#parts.importer.import(sealed, 'sync')
        if (justification.length > 0 && next > store.pointers().finalized.number)
          await this.#parts.finality.importJustification(justification, blockRef(sealed.block))
        next++
      }
    }
  }

  #range(message: Uint8Array): Uint8Array {
    const { store } = this.#parts
    const [from, count] = decodeRange(message)
    const blocks: [Uint8Array, Uint8Array][] = []
    let bytes = 0
    for (let number = from; number < from + BigInt(count); number++) {
      const hash = store.canonicalHash(number)
      const sealed = hash && store.block(hash)
      if (!sealed) break
      const entry: [Uint8Array, Uint8Array] = [encodeSealedBlock(sealed), store.justification(hash) ?? new Uint8Array()]
      bytes += entry[0].length + entry[1].length
      if (blocks.length > 0 && bytes > MAX_BLOCK_BYTES) break
      blocks.push(entry)
    }
    return RLP.encode(blocks)
  }

  #byHash(message: Uint8Array): Uint8Array {
    const hashes = decodeList(message)
    if (hashes.length > MAX_HASHES) throw malformed(`more than ${MAX_HASHES} hashes`)
    const blocks: [Uint8Array, Uint8Array][] = []
    let bytes = 0
    for (const hash of hashes) {
      if (!(hash instanceof Uint8Array) || hash.length !== 32) throw malformed('a hash is not 32 bytes')
      const sealed = this.#parts.store.block(toHex(hash) as Hash32)
      if (!sealed) continue
      const encoded = encodeSealedBlock(sealed)
      bytes += encoded.length
      if (blocks.length > 0 && bytes > MAX_BLOCK_BYTES) break
      blocks.push([encoded, new Uint8Array()])
    }
    return RLP.encode(blocks)
  }

  /** Fetches single blocks by hash and imports them; for a finality vote on a block that never arrived. */
  async fetchByHash(peer: PeerId, hashes: readonly Hash32[]): Promise<void> {
    const request = RLP.encode(hashes.slice(0, MAX_HASHES).map((hash) => fromHex(hash)))
    for (const { sealed } of decodeBatch(
      await this.#parts.transport.request(peer, 'blocks-by-hash', request),
      this.#parts.common,
    ))
      await this.#parts.importer.import(sealed, 'sync')
  }
}

function encodeRange(from: bigint, count: number): Uint8Array {
  return RLP.encode([uintBE(from, 8), uintBE(count, 2)])
}

function decodeRange(message: Uint8Array): [bigint, number] {
  const [from, count, ...rest] = decodeList(message)
  if (
    !(from instanceof Uint8Array) ||
    from.length !== 8 ||
    !(count instanceof Uint8Array) ||
    count.length !== 2 ||
    rest.length > 0
  )
    throw malformed('not [from, count]')
  return [readUintBE(from), Math.min(Number(readUintBE(count)), MAX_RANGE_BLOCKS)]
}

function decodeBatch(message: Uint8Array, common: Common): { sealed: SealedBlock; justification: Uint8Array }[] {
  const entries = decodeList(message)
  if (entries.length > MAX_RANGE_BLOCKS) throw malformed('too many blocks')
  return entries.map((entry) => {
    const [block, justification] = Array.isArray(entry) ? entry : []
    if (!(block instanceof Uint8Array) || !(justification instanceof Uint8Array))
      throw malformed('not [block, justification]')
    return { sealed: decodeSealedBlock(block, common), justification }
  })
}

function decodeList(message: Uint8Array) {
  try {
    const list = RLP.decode(message)
    if (Array.isArray(list)) return list
  } catch {
    // Said below.
  }
  throw malformed('not an RLP list')
}

function malformed(why: string): AppError<P2pError> {
  return new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, `malformed message: ${why}`)
}
