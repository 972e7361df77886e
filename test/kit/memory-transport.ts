import type { Cancellable, PeerId, PeerInfo, Protocol, Topic, Transport, Verdict } from '@hawser/chain'
import { AppError, type Address } from '@hawser/primitives'

type GossipHandler = (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>
type RequestHandler = (message: Uint8Array, from: PeerId) => Promise<Uint8Array>

/** Nodes in one process that hear one another: the Transport port without a network. */
export class MemoryNetwork {
  readonly nodes: MemoryTransport[] = []

  join(validator?: Address): MemoryTransport {
    const node = new MemoryTransport(this, `peer-${this.nodes.length}`, validator)
    this.nodes.push(node)
    return node
  }

  /** Takes a node off the network, or puts it on again; the others see it leave or join. */
  setOnline(node: MemoryTransport, online: boolean): void {
    if (node.online === online) return
    node.online = online
    for (const other of this.nodes)
      if (other !== node && other.online) other.tell(node.self, online ? 'joined' : 'left')
  }
}

export class MemoryTransport implements Transport {
  readonly self: PeerId
  readonly validator: Address | undefined
  online = true
  /** Every report of a peer's score, for assertions. */
  readonly reports: { peer: PeerId; delta: number; reason: string }[] = []
  /** Changes what others get as this node's answers: for members that misbehave. */
  tamper: ((protocol: Protocol, answer: Uint8Array) => Uint8Array) | undefined
  readonly #network: MemoryNetwork
  readonly #topics = new Map<Topic, Set<GossipHandler>>()
  readonly #protocols = new Map<Protocol, RequestHandler>()
  readonly #listeners = new Set<(peer: PeerId, event: 'joined' | 'left') => void>()

  constructor(network: MemoryNetwork, self: PeerId, validator: Address | undefined) {
    this.#network = network
    this.self = self
    this.validator = validator
  }

  async publish(topic: Topic, message: Uint8Array): Promise<void> {
    if (!this.online) return
    for (const node of this.#others()) await node.hear(topic, Uint8Array.from(message), this.self)
  }

  subscribe(topic: Topic, handler: GossipHandler): () => void {
    const handlers = this.#topics.get(topic) ?? new Set()
    this.#topics.set(topic, handlers.add(handler))
    return () => handlers.delete(handler)
  }

  async request(peer: PeerId, protocol: Protocol, message: Uint8Array, _options?: Cancellable): Promise<Uint8Array> {
    const node = this.#others().find((other) => other.self === peer)
    if (!this.online || !node) throw new AppError({ code: 'PEER_UNREACHABLE', fault: 'peer' }, `${peer} is not there`)
    return node.answer(protocol, Uint8Array.from(message), this.self)
  }

  serve(protocol: Protocol, handler: RequestHandler): () => void {
    this.#protocols.set(protocol, handler)
    return () => this.#protocols.delete(protocol)
  }

  peers(): readonly PeerInfo[] {
    return this.online ? this.#others().map(({ self, validator }) => ({ id: self, validator, score: 0 })) : []
  }

  onPeer(listener: (peer: PeerId, event: 'joined' | 'left') => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  report(peer: PeerId, delta: number, reason: string): void {
    this.reports.push({ peer, delta, reason })
  }

  tell(peer: PeerId, event: 'joined' | 'left'): void {
    for (const listener of this.#listeners) listener(peer, event)
  }

  async hear(topic: Topic, message: Uint8Array, from: PeerId): Promise<void> {
    for (const handler of this.#topics.get(topic) ?? []) await handler(message, from)
  }

  async answer(protocol: Protocol, message: Uint8Array, from: PeerId): Promise<Uint8Array> {
    const handler = this.#protocols.get(protocol)
    if (!handler) throw new AppError({ code: 'PEER_REFUSED', fault: 'peer' }, `${this.self} does not speak ${protocol}`)
    const answer = await handler(message, from)
    return this.tamper?.(protocol, answer) ?? answer
  }

  #others(): MemoryTransport[] {
    return this.#network.nodes.filter((node) => node !== this && node.online)
  }
}
