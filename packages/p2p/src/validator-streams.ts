import type { Stream } from '@libp2p/interface'
import type { PeerId } from '@hawser/chain'
import { AppError, concatBytes, messageOf, spawn, uintBE, type Clock, type Logger } from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { MAX_GOSSIP_BYTES } from './limits.ts'

/** Votes that wait for one slow validator; of more, the oldest are lost: old votes are worth least, and can be asked for. */
export const MAX_WAITING_VOTES = 1_024
/** A stream that takes nothing for so long is given up. */
const STALL_MS = 20_000
/** Between attempts to open a stream: doubled each time. */
const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 30_000
const LENGTH_BYTES = 2

interface Sender {
  readonly waiting: Uint8Array[]
  stream: Stream | undefined
  busy: boolean
  failures: number
  cancelWait: (() => void) | undefined
  readonly gone: AbortController
}

export interface ValidatorStreamParts {
  readonly open: (peer: PeerId, signal: AbortSignal) => Promise<Stream>
  readonly clock: Clock
  readonly logger: Logger
}

/** One stream to each validator, which stays open; each message is its length (u16) and its bytes. */
export class ValidatorStreams {
  readonly #parts: ValidatorStreamParts
  readonly #senders = new Map<PeerId, Sender>()

  constructor(parts: ValidatorStreamParts) {
    this.#parts = parts
  }

  /** Sends when it can; opens the stream if it is not. */
  send(peer: PeerId, message: Uint8Array): void {
    let sender = this.#senders.get(peer)
    if (!sender) {
      const gone = new AbortController()
      sender = { waiting: [], stream: undefined, busy: false, failures: 0, cancelWait: undefined, gone }
      this.#senders.set(peer, sender)
    }
    sender.waiting.push(concatBytes(uintBE(BigInt(message.length), LENGTH_BYTES), message))
    if (sender.waiting.length > MAX_WAITING_VOTES) sender.waiting.shift()
    this.#pump(peer, sender)
  }

  /** The peer is gone, with what waited for it. */
  remove(peer: PeerId): void {
    const sender = this.#senders.get(peer)
    this.#senders.delete(peer)
    sender?.cancelWait?.()
    sender?.gone.abort(new Error('the peer is gone'))
  }

  stop(): void {
    for (const peer of [...this.#senders.keys()]) this.remove(peer)
  }

  #pump(peer: PeerId, sender: Sender): void {
    if (sender.busy || sender.cancelWait || sender.gone.signal.aborted) return
    sender.busy = true
    spawn(
      async () => {
        try {
          await this.#drain(peer, sender)
          sender.failures = 0
        } finally {
          sender.busy = false
        }
      },
      (error) => {
        this.#parts.logger.debug({ peer, err: messageOf(error) }, 'a vote stream broke')
        sender.stream?.abort(new Error('given up'))
        sender.stream = undefined
        if (sender.gone.signal.aborted) return
        const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(20, sender.failures++))
        sender.cancelWait = this.#parts.clock.after(wait, () => {
          sender.cancelWait = undefined
          if (sender.waiting.length > 0) this.#pump(peer, sender)
        })
      },
    )
  }

  async #drain(peer: PeerId, sender: Sender): Promise<void> {
    const signal = () => AbortSignal.any([sender.gone.signal, AbortSignal.timeout(STALL_MS)])
    while (sender.waiting.length > 0) {
      if (sender.stream?.status !== 'open') sender.stream = await this.#parts.open(peer, signal())
      const { stream } = sender
      // What could not be sent stays the first; a full buffer has taken it all the same.
      const isFull = !stream.send(sender.waiting[0] as Uint8Array)
      sender.waiting.shift()
      if (isFull) await stream.onDrain({ signal: signal() })
    }
  }
}

/**
 * Hands over each message of another's stream. Nothing is held back: `onMessage` decides at once what it takes.
 * @throws MESSAGE_MALFORMED when a length is zero or above a vote's
 */
export async function readVoteStream(stream: Stream, onMessage: (message: Uint8Array) => void): Promise<void> {
  let rest = new Uint8Array()
  for await (const chunk of stream) {
    let bytes = concatBytes(rest, chunk.subarray())
    while (bytes.length >= LENGTH_BYTES) {
      const length = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
      if (length === 0 || length > MAX_GOSSIP_BYTES.votes)
        throw new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, `a vote of ${length} bytes`)
      if (bytes.length < LENGTH_BYTES + length) break
      onMessage(bytes.slice(LENGTH_BYTES, LENGTH_BYTES + length))
      bytes = bytes.subarray(LENGTH_BYTES + length)
    }
    rest = bytes.slice()
  }
}
