import type { Cancellable, PeerId, PeerInfo, Protocol, Topic, Transport, Verdict } from '@hawser/chain'
import { AppError } from '@hawser/primitives'
import type { ConsensusErrorInfo } from './errors.ts'

type GossipHandler = (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>
type RequestHandler = (message: Uint8Array, from: PeerId) => Promise<Uint8Array>

/**
 * A transport whose subscriptions outlive their handlers: one voter's end is the next one's beginning, and gossip would
 * make a topic that is left wait before it is taken back into the mesh.
 */
export class LastingTransport implements Transport {
  readonly #transport: Transport
  readonly #topics = new Map<Topic, GossipHandler | undefined>()
  readonly #protocols = new Map<Protocol, RequestHandler | undefined>()
  readonly #stops: (() => void)[] = []

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get self(): PeerId {
    return this.#transport.self
  }

  /** Ends the subscriptions themselves. */
  close(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  subscribe(topic: Topic, handler: GossipHandler): () => void {
    if (!this.#topics.has(topic))
      this.#stops.push(
        this.#transport.subscribe(topic, (message, from) => this.#topics.get(topic)?.(message, from) ?? 'ignore'),
      )
    return register(this.#topics, topic, handler)
  }

  /** Between two handlers a request is refused, and may be made again. */
  serve(protocol: Protocol, handler: RequestHandler): () => void {
    if (!this.#protocols.has(protocol))
      this.#stops.push(
        this.#transport.serve(protocol, async (message, from) => {
          const present = this.#protocols.get(protocol)
          if (present !== undefined) return present(message, from)
          throw new AppError<ConsensusErrorInfo>(
            { code: 'GRANDPA_BUSY', fault: 'local', retry: true },
            'one validator set hands over to another',
          )
        }),
      )
    return register(this.#protocols, protocol, handler)
  }

  publish(topic: Topic, message: Uint8Array): Promise<void> {
    return this.#transport.publish(topic, message)
  }

  request(peer: PeerId, protocol: Protocol, message: Uint8Array, options?: Cancellable): Promise<Uint8Array> {
    return this.#transport.request(peer, protocol, message, options)
  }

  peers(): readonly PeerInfo[] {
    return this.#transport.peers()
  }

  onPeer(listener: (peer: PeerId, event: 'joined' | 'left') => void): () => void {
    return this.#transport.onPeer(listener)
  }

  report(peer: PeerId, delta: number, reason: string): void {
    this.#transport.report(peer, delta, reason)
  }
}

function register<K, H>(handlers: Map<K, H | undefined>, name: K, handler: H): () => void {
  handlers.set(name, handler)
  return () => {
    if (handlers.get(name) === handler) handlers.set(name, undefined)
  }
}
