import type { PeerId } from '@hawser/chain'
import { messageOf, spawn, type Address, type Clock, type Logger } from '@hawser/primitives'
import { hostOf, isLoopback, isPrivate, peerIn } from './peer-address.ts'
import type { PeerBook } from './peer-book.ts'
import { readPeerFile, writePeerFile, type KeptPeers } from './peer-file.ts'
import { decodeAddresses, encodeAddresses } from './peer-messages.ts'
import type { PeerScores } from './peer-scores.ts'
import { MAX_EXCHANGED } from './limits.ts'

/** How often the book is looked at for somebody to dial. */
const DIAL_MS = 500
/** Attempts at the same time. */
const MAX_DIALLING = 8
/** How often one peer is asked whom it knows, while there are too few. */
const EXCHANGE_MS = 30_000
/** How often the peer file is written. */
const WRITE_MS = 60_000

/** A connection that stands. */
export interface ConnectedPeer {
  readonly id: PeerId
  /** The other end, as a multiaddr with or without /p2p/ID. */
  readonly address: string
}

/** What the service needs of the transport. */
export interface Connector {
  connected(): readonly ConnectedPeer[]
  dial(addresses: readonly string[]): Promise<void>
  askForPeers(peer: PeerId): Promise<Uint8Array>
}

export interface PeerServiceParts {
  readonly book: PeerBook
  readonly scores: PeerScores
  readonly connector: Connector
  /** How many peers are sought. */
  readonly wanted: number
  /** Where peers and bans are kept over a restart; nowhere if it is not given. */
  readonly file: string | undefined
  readonly random: () => number
  readonly clock: Clock
  readonly logger: Logger
}

/** Finds peers and keeps them: dials what the book has, with back-off, asks peers for others, and writes down who was good. */
export class PeerService {
  readonly #parts: PeerServiceParts
  readonly #cancels: (() => void)[] = []
  #dialling = 0
  #stopped = false

  constructor(parts: PeerServiceParts) {
    this.#parts = parts
  }

  start(): void {
    this.#dial()
    this.#every(DIAL_MS, () => this.#dial())
    this.#every(EXCHANGE_MS, () => this.#exchange())
    this.#every(WRITE_MS, () => this.write())
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of this.#cancels) cancel()
    this.write()
  }

  /** A peer is on our chain. `listening`: the addresses that it gives itself; `validator`: whom it proved to be. */
  joined(peer: PeerId, listening: readonly string[], validator: Address | undefined): void {
    const { book, connector, clock } = this.#parts
    const remote = connector.connected().find(({ id }) => id === peer)?.address ?? ''
    // Addresses of its own network are of use only to who is in that network too.
    const usable = listening.filter((address) => isPrivate(hostOf(remote)) || !isPrivate(hostOf(address)))
    book.reached(peer, usable, clock.nowMs(), validator)
    if (connector.connected().length < this.#parts.wanted) this.#askForPeers(peer)
  }

  left(peer: PeerId): void {
    this.#parts.book.failed(peer, this.#parts.clock.nowMs())
  }

  /** Whom this node is connected with, as told to a peer that asks. */
  answer(to: PeerId): Uint8Array {
    const { book, connector, random } = this.#parts
    const peers = connector.connected()
    const host = hostOf(peers.find(({ id }) => id === to)?.address ?? '')
    const tellable = (address: string) => {
      const its = hostOf(address)
      return isLoopback(host) || (isPrivate(host) ? !isLoopback(its) : !isPrivate(its))
    }
    const others = [...new Set(peers.map(({ id }) => id))].filter((id) => id !== to)
    for (let i = others.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      ;[others[i], others[j]] = [others[j] as PeerId, others[i] as PeerId]
    }
    const addresses = others.flatMap((id) =>
      book
        .addressesOf(id)
        .filter(tellable)
        .filter((a) => peerIn(a) === id),
    )
    return encodeAddresses(addresses.slice(0, MAX_EXCHANGED))
  }

  write(): void {
    const { file, book, scores, clock, logger } = this.#parts
    if (file === undefined) return
    try {
      writePeerFile(file, { peers: book.kept(), bans: scores.bans(clock.nowMs()) })
    } catch (error) {
      logger.warn({ file, err: messageOf(error) }, 'the peer file could not be written')
    }
  }

  #dial(): void {
    const { book, scores, connector, wanted, clock, logger } = this.#parts
    if (this.#stopped) return
    const nowMs = clock.nowMs()
    const connected = new Set(connector.connected().map(({ id }) => id))
    const count = Math.min(MAX_DIALLING - this.#dialling, wanted - connected.size - this.#dialling)
    for (const { id, addresses } of book.toDial(
      nowMs,
      count,
      (one) => connected.has(one) || scores.isBanned(one, nowMs),
    )) {
      this.#dialling++
      spawn(
        async () => {
          try {
            await connector.dial(addresses)
            // Whether it is one of ours shows in the handshake; if it is not, the connection ends.
          } finally {
            this.#dialling--
          }
        },
        (error) => {
          book.failed(id, clock.nowMs())
          logger.debug({ peer: id, err: messageOf(error) }, 'a peer does not answer')
        },
      )
    }
  }

  #exchange(): void {
    const { connector, wanted, random } = this.#parts
    const peers = connector.connected()
    if (peers.length >= wanted) return
    const peer = peers[Math.floor(random() * peers.length)]
    if (peer) this.#askForPeers(peer.id)
  }

  #askForPeers(peer: PeerId): void {
    const { connector, book, logger } = this.#parts
    spawn(
      async () => {
        for (const address of decodeAddresses(await connector.askForPeers(peer))) book.hear(address, peer)
        this.#dial()
      },
      (error) => logger.debug({ peer, err: messageOf(error) }, 'a peer did not tell whom it knows'),
    )
  }

  #every(periodMs: number, task: () => void): void {
    let cancel = () => {}
    const again = () => {
      cancel = this.#parts.clock.after(periodMs, () => {
        again()
        task()
      })
    }
    again()
    this.#cancels.push(() => cancel())
  }
}

/** What an earlier run wrote down. */
export function keptPeers(file: string | undefined, logger: Logger): KeptPeers {
  return file === undefined ? { peers: [], bans: [] } : readPeerFile(file, logger)
}
