import type { TypedTransaction } from '@ethereumjs/tx'
import {
  encodedTransaction,
  transactionHash,
  type PeerId,
  type Protocol,
  type Transport,
  type TransactionPool,
  type TransactionPoolService,
} from '@hawser/chain'
import {
  isAppError,
  keccak256,
  messageOf,
  spawn,
  toHex,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { KnownHashes } from './known-hashes.ts'
import { MAX_ANNOUNCED, MAX_BATCH_BYTES, MAX_FETCHED, MAX_PUSHED } from './limits.ts'
import {
  decodeAnnouncement,
  decodeHashes,
  decodeTransactions,
  encodeAnnouncement,
  encodeHashes,
  encodeTransactions,
  type Announced,
} from './transaction-messages.ts'

/** How long transactions are gathered before they are sent on. */
const GATHER_MS = 50
/** Larger ones are announced only, as in eth/68. */
const MAX_PUSHED_BYTES = 4 * 1024
/** Hashes that a peer is known to have. */
const MAX_KNOWN = 32_768
/** Transactions that wait to be sent to one peer; of more, the oldest are not told. */
const MAX_OUTGOING = 4_096
/** Announced hashes that are fetched at the same time, from all peers. */
const MAX_FETCHING = 8_192
const GARBAGE_SCORE = -100
const NOT_THERE_SCORE = -10
/** How long nothing is asked of a peer that did not deliver; twice as long each time, up to the most. It may only be busy. */
const REST_MS = 5_000
const MAX_REST_MS = 120_000

export interface TransactionGossipParts {
  readonly transport: Transport
  readonly pool: Pick<TransactionPool, 'get' | 'has' | 'all'>
  readonly service: Pick<TransactionPoolService, 'onPending' | 'receive'>
  readonly clock: Clock
  readonly logger: Logger
}

interface Peer {
  readonly known: KnownHashes
  /** Announced by it, not yet asked for. */
  readonly wanted: Map<Hash32, Announced>
  /** Being asked, or at rest. */
  fetching: boolean
  restMs: number
  cancelRest: (() => void) | undefined
  sending: boolean
  push: Uint8Array[]
  announce: Announced[]
}

/** Tells peers of transactions: whole ones to a few (the square root of all), hashes to the others, who fetch what they lack. */
export class TransactionGossip {
  readonly #parts: TransactionGossipParts
  readonly #peers = new Map<PeerId, Peer>()
  readonly #fetching = new Set<Hash32>()
  readonly #stops: (() => void)[] = []
  #gathered: TypedTransaction[] = []
  #cancel: (() => void) | undefined
  #turn = 0
  #stopped = false

  constructor(parts: TransactionGossipParts) {
    this.#parts = parts
  }

  start(): void {
    const { transport, service, pool } = this.#parts
    this.#stops.push(
      transport.serve('transactions', async (message, from) => {
        await this.#receive(from, decodeTransactions(message, MAX_PUSHED))
        return new Uint8Array()
      }),
      transport.serve('transaction-hashes', async (message, from) => {
        this.#hear(from, decodeAnnouncement(message))
        return new Uint8Array()
      }),
      transport.serve('pooled-transactions', async (message) => {
        const found: Uint8Array[] = []
        let bytes = 0
        for (const hash of decodeHashes(message, MAX_FETCHED)) {
          const tx = pool.get(hash)
          if (!tx || bytes >= MAX_BATCH_BYTES) continue
          found.push(encodedTransaction(tx))
          bytes += encodedTransaction(tx).length
        }
        return encodeTransactions(found)
      }),
      transport.onPeer((peer, event) => {
        if (event === 'joined') this.#greet(peer)
        else this.#forget(peer)
      }),
      service.onPending((tx) => this.#gather(tx)),
    )
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
    for (const peer of this.#peers.values()) peer.cancelRest?.()
    for (const stop of this.#stops) stop()
  }

  /** A peer that joins hears of what is in the pool already. */
  #greet(id: PeerId): void {
    const peer = newPeer()
    this.#peers.set(id, peer)
    for (const tx of this.#parts.pool.all()) {
      if (peer.announce.length >= MAX_OUTGOING) break
      peer.announce.push(announcementOf(tx))
    }
    if (peer.announce.length > 0) this.#inBackground(id, () => this.#send(id, peer))
  }

  #gather(tx: TypedTransaction): void {
    if (this.#peers.size === 0) return
    this.#gathered.push(tx)
    this.#cancel ??= this.#parts.clock.after(GATHER_MS, () => {
      this.#cancel = undefined
      this.#spread()
    })
  }

  #spread(): void {
    const batch = this.#gathered
    this.#gathered = []
    const peers = [...this.#peers]
    // Another few each time, so that every peer is soon told something whole.
    const few = Math.ceil(Math.sqrt(peers.length))
    const first = this.#turn++
    for (const [i, [id, peer]] of peers.entries()) {
      const whole = (i - (first % peers.length) + peers.length) % peers.length < few
      for (const tx of batch) {
        const hash = transactionHash(tx)
        if (peer.known.has(hash)) continue
        peer.known.add(hash)
        const encoded = encodedTransaction(tx)
        if (whole && encoded.length <= MAX_PUSHED_BYTES) peer.push.push(encoded)
        else peer.announce.push(announcementOf(tx))
      }
      if (peer.push.length > MAX_OUTGOING) peer.push.splice(0, peer.push.length - MAX_OUTGOING)
      if (peer.announce.length > MAX_OUTGOING) peer.announce.splice(0, peer.announce.length - MAX_OUTGOING)
      if (!peer.sending && peer.push.length + peer.announce.length > 0)
        this.#inBackground(id, () => this.#send(id, peer))
    }
  }

  async #send(id: PeerId, peer: Peer): Promise<void> {
    peer.sending = true
    try {
      while (peer.push.length + peer.announce.length > 0 && !this.#stopped) {
        let [count, bytes] = [0, 0]
        while (count < Math.min(peer.push.length, MAX_PUSHED) && bytes < MAX_BATCH_BYTES)
          bytes += (peer.push[count++] as Uint8Array).length
        if (count > 0) await this.#ask(id, 'transactions', encodeTransactions(peer.push.splice(0, count)))
        const announced = peer.announce.splice(0, MAX_ANNOUNCED)
        if (announced.length > 0) await this.#ask(id, 'transaction-hashes', encodeAnnouncement(announced))
      }
    } finally {
      peer.sending = false
    }
  }

  async #receive(from: PeerId, raws: readonly Uint8Array[]): Promise<void> {
    const { service, transport } = this.#parts
    const peer = this.#peers.get(from)
    for (const raw of raws) peer?.known.add(toHex(keccak256(raw)) as Hash32)
    const verdicts = await service.receive(raws)
    if (verdicts.includes('reject')) transport.report(from, GARBAGE_SCORE, 'transactions that are none')
  }

  #hear(from: PeerId, announced: readonly Announced[]): void {
    const peer = this.#peers.get(from)
    if (!peer) return
    for (const one of announced) {
      peer.known.add(one.hash)
      if (!this.#parts.pool.has(one.hash) && peer.wanted.size < MAX_OUTGOING) peer.wanted.set(one.hash, one)
    }
    if (!peer.fetching && peer.wanted.size > 0) this.#inBackground(from, () => this.#fetch(from, peer))
  }

  /** Asks a peer for what it announced, until nothing is left that the pool lacks and nobody else is asked for. */
  async #fetch(from: PeerId, peer: Peer): Promise<void> {
    const { pool, transport } = this.#parts
    peer.fetching = true
    const asked = new Map<Hash32, Announced>()
    try {
      while (!this.#stopped) {
        asked.clear()
        let bytes = 0
        for (const [hash, one] of peer.wanted) {
          if (asked.size >= MAX_FETCHED || bytes >= MAX_BATCH_BYTES || this.#fetching.size >= MAX_FETCHING) break
          if (this.#fetching.has(hash)) continue
          peer.wanted.delete(hash)
          if (pool.has(hash)) continue
          asked.set(hash, one)
          bytes += one.size
          this.#fetching.add(hash)
        }
        if (asked.size === 0) return
        const answer = await transport.request(from, 'pooled-transactions', encodeHashes([...asked.keys()]))
        peer.restMs = REST_MS
        const raws = decodeTransactions(answer, asked.size)
        const wrong = raws.some((raw) => {
          const one = asked.get(toHex(keccak256(raw)) as Hash32)
          return one?.size !== raw.length || one.type !== ((raw[0] as number) >= 0xc0 ? 0 : raw[0])
        })
        if (wrong) transport.report(from, GARBAGE_SCORE, 'transactions that were not asked for, or not as announced')
        else await this.#receive(from, raws)
        // It may be in a block by now; who never has what he announces loses his place.
        if (raws.length === 0) transport.report(from, NOT_THERE_SCORE, 'announced transactions were not there')
        for (const hash of asked.keys()) this.#fetching.delete(hash)
      }
    } catch (error) {
      if (isAppError(error) && error.info.fault === 'peer' && error.info.retry) this.#rest(from, peer, asked)
      throw error
    } finally {
      peer.fetching = peer.cancelRest !== undefined
      for (const hash of asked.keys()) this.#fetching.delete(hash)
      this.#fetchElsewhere(from)
    }
  }

  /** Slow, busy or gone: what it announces waits meanwhile, and is had from others if they announce it too. */
  #rest(id: PeerId, peer: Peer, asked: ReadonlyMap<Hash32, Announced>): void {
    if (this.#stopped || this.#peers.get(id) !== peer) return
    for (const [hash, one] of asked) peer.wanted.set(hash, one)
    peer.cancelRest = this.#parts.clock.after(peer.restMs, () => {
      peer.cancelRest = undefined
      this.#inBackground(id, () => this.#fetch(id, peer))
    })
    peer.restMs = Math.min(MAX_REST_MS, 2 * peer.restMs)
  }

  /** What one peer did not deliver, others that announced it are asked for. */
  #fetchElsewhere(than: PeerId): void {
    for (const [id, peer] of this.#peers) {
      for (const hash of peer.wanted.keys()) if (this.#parts.pool.has(hash)) peer.wanted.delete(hash)
      const open =
        this.#fetching.size < MAX_FETCHING && [...peer.wanted.keys()].some((hash) => !this.#fetching.has(hash))
      if (id !== than && !peer.fetching && open && !this.#stopped) this.#inBackground(id, () => this.#fetch(id, peer))
    }
  }

  async #ask(id: PeerId, protocol: Protocol, message: Uint8Array): Promise<void> {
    await this.#parts.transport.request(id, protocol, message)
  }

  #forget(id: PeerId): void {
    this.#peers.get(id)?.cancelRest?.()
    this.#peers.delete(id)
    this.#fetchElsewhere(id)
  }

  #inBackground(id: PeerId, task: () => Promise<void>): void {
    spawn(task, (error) => {
      this.#parts.logger.debug({ peer: id, err: messageOf(error) }, 'transactions could not be exchanged')
      if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
        this.#parts.transport.report(id, GARBAGE_SCORE, error.code)
    })
  }
}

function announcementOf(tx: TypedTransaction): Announced {
  return { hash: transactionHash(tx), type: tx.type, size: encodedTransaction(tx).length }
}

function newPeer(): Peer {
  return {
    known: new KnownHashes(MAX_KNOWN),
    wanted: new Map(),
    fetching: false,
    restMs: REST_MS,
    cancelRest: undefined,
    sending: false,
    push: [],
    announce: [],
  }
}
