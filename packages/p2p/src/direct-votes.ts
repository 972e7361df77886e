import type { Stream } from '@libp2p/interface'
import type { PeerId, Verdict } from '@hawser/chain'
import { isAppError, messageOf, spawn, type Address, type Clock, type Logger } from '@hawser/primitives'
import { KnownHashes } from './known-hashes.ts'
import { readVoteStream, ValidatorStreams, type ValidatorStreamParts } from './validator-streams.ts'

/** Votes of one stream that the handler is at work on; more are dropped: they come again. */
const MAX_VOTES_AT_WORK = 256
/** Accepted votes that are remembered: those of some rounds of a hundred validators. */
const MAX_REMEMBERED_VOTES = 8_192
/** What a stream costs that is none of votes. */
const BAD_STREAM_SCORE = -100

export type GossipHandler = (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>

export interface DirectVoteParts {
  readonly open: ValidatorStreamParts['open']
  /** Connected peers, and the validators that they proved to be. */
  readonly peers: ReadonlyMap<PeerId, { readonly validator: Address | undefined }>
  /** Resolves when the handshake with a peer is done, or after a while without one. */
  readonly handshake: (peer: PeerId) => Promise<void>
  /** The validators in office; anybody can prove to have some key. */
  readonly validators: () => readonly Address[]
  /** Whether a peer's next vote is within its rate. */
  readonly mayTake: (peer: PeerId) => boolean
  readonly report: (peer: PeerId, delta: number, reason: string) => void
  readonly onTraffic: (direction: 'in' | 'out', bytes: number) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** Votes go from validator to validator without a detour; gossip only serves those that are not connected. */
export class DirectVotes {
  readonly #parts: DirectVoteParts
  readonly #streams: ValidatorStreams
  readonly #accepted = new KnownHashes<string>(MAX_REMEMBERED_VOTES)
  #hear: GossipHandler | undefined

  constructor(parts: DirectVoteParts) {
    this.#parts = parts
    this.#streams = new ValidatorStreams(parts)
  }

  /** Hands a vote to every connected validator; false when one besides `self` is missing, and only gossip reaches it. */
  send(message: Uint8Array, self: Address | undefined): boolean {
    const inOffice = new Set(this.#parts.validators())
    const missing = new Set(inOffice)
    if (self !== undefined) missing.delete(self)
    for (const [id, { validator }] of this.#parts.peers) {
      if (validator === undefined || !inOffice.has(validator)) continue
      this.#streams.send(id, message)
      this.#parts.onTraffic('out', message.length)
      missing.delete(validator)
    }
    return inOffice.size > 0 && missing.size === 0
  }

  /**
   * Takes the handler of votes, and gives the one for gossip: a vote that comes both ways is handled once; the second time it is
   * accepted unread, for gossip to carry on.
   */
  listen(handler: GossipHandler): GossipHandler {
    this.#hear = async (message, from) => {
      const key = Buffer.from(message.buffer, message.byteOffset, message.byteLength).toString('latin1')
      if (this.#accepted.has(key)) return 'accept'
      const verdict = await handler(message, from)
      if (verdict === 'accept') this.#accepted.add(key)
      return verdict
    }
    return this.#hear
  }

  deafen(): void {
    this.#hear = undefined
  }

  /** Reads a validator's stream to its end. */
  async read(stream: Stream, from: PeerId): Promise<void> {
    const { peers, validators, report, logger, handshake } = this.#parts
    // The side that answers the handshake is done first, and may have a vote to send at once.
    if (!peers.has(from)) await handshake(from)
    const validator = peers.get(from)?.validator
    if (validator === undefined || !validators().includes(validator)) {
      stream.abort(new Error('only validators have streams for votes'))
      return
    }
    let atWork = 0
    const onMessage = (message: Uint8Array) => {
      const hear = this.#hear
      this.#parts.onTraffic('in', message.length)
      if (!hear || atWork >= MAX_VOTES_AT_WORK || !this.#parts.mayTake(from)) return
      atWork++
      spawn(
        async () => {
          try {
            await hear(message, from)
          } finally {
            atWork--
          }
        },
        (error) => logger.debug({ peer: from, err: messageOf(error) }, 'a vote could not be handled'),
      )
    }
    try {
      await readVoteStream(stream, onMessage)
    } catch (error) {
      if (isAppError(error) && error.info.fault === 'peer') report(from, BAD_STREAM_SCORE, messageOf(error))
      stream.abort(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** The peer is gone. */
  remove(peer: PeerId): void {
    this.#streams.remove(peer)
  }

  stop(): void {
    this.#streams.stop()
  }
}
