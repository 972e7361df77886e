import type { PeerId, PeerInfo, Protocol, Topic, Transport, Verdict } from '@hawser/chain'
import { AppError } from '@hawser/primitives'

type Handler = (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>
type Server = (message: Uint8Array, from: PeerId) => Promise<Uint8Array>

/** Nodes in one process: every message arrives, in order, in a later microtask. */
export class MemoryHub {
  readonly #transports = new Map<PeerId, MemoryTransport>()

  join(id: PeerId): MemoryTransport {
    const transport = new MemoryTransport(id, this)
    this.#transports.set(id, transport)
    return transport
  }

  get(id: PeerId): MemoryTransport | undefined {
    return this.#transports.get(id)
  }

  others(id: PeerId): MemoryTransport[] {
    return [...this.#transports.values()].filter((transport) => transport.self !== id && transport.connected)
  }
}

export class MemoryTransport implements Transport {
  readonly self: PeerId
  connected = true
  readonly reports: { peer: PeerId; delta: number; reason: string }[] = []
  readonly #hub: MemoryHub
  readonly #topics = new Map<Topic, Handler>()
  readonly #servers = new Map<Protocol, Server>()

  constructor(self: PeerId, hub: MemoryHub) {
    this.self = self
    this.#hub = hub
  }

  async publish(topic: Topic, message: Uint8Array): Promise<void> {
    if (!this.connected) return
    await Promise.resolve()
    for (const other of this.#hub.others(this.self)) void other.#topics.get(topic)?.(message, this.self)
  }

  subscribe(topic: Topic, handler: Handler): () => void {
    this.#topics.set(topic, handler)
    return () => this.#topics.delete(topic)
  }

  async request(peer: PeerId, protocol: Protocol, message: Uint8Array): Promise<Uint8Array> {
    const other = this.#hub.get(peer)
    const server = other?.connected && this.connected ? other.#servers.get(protocol) : undefined
    if (server === undefined) throw new AppError({ code: 'PEER_UNREACHABLE', fault: 'peer' }, `${peer} is away`)
    return server(message, this.self)
  }

  serve(protocol: Protocol, handler: Server): () => void {
    this.#servers.set(protocol, handler)
    return () => this.#servers.delete(protocol)
  }

  peers(): readonly PeerInfo[] {
    return this.#hub.others(this.self).map((transport) => ({ id: transport.self, score: 0 }))
  }

  onPeer(): () => void {
    return () => {}
  }

  report(peer: PeerId, delta: number, reason: string): void {
    this.reports.push({ peer, delta, reason })
  }
}
