import './polyfill.ts'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { gossipsub, TopicValidatorResult, type GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId as LibPeerId, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Cancellable, PeerId, PeerInfo, Protocol, Signer, Topic, Transport, Verdict } from '@hawser/chain'
import {
  AppError,
  isAppError,
  messageOf,
  sha256,
  spawn,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { answer, openResponse, readMessage, refusal, sendMessage } from './framing.ts'
import {
  BAN_MS,
  BAN_SCORE,
  MAX_CONNECTIONS,
  MAX_GOSSIP_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_SCORE,
  MAX_STREAMS_PER_PEER,
  REQUEST_TIMEOUT_MS,
} from './limits.ts'
import { decodeStatus, encodeStatus, type StatusMessage } from './status-message.ts'

/** How often peers that are wanted but not connected are dialled again. */
const REDIAL_MS = 2_000

export interface TransportParts {
  readonly chainId: bigint
  readonly genesisHash: Hash32
  /** 32 bytes, the node's libp2p identity (secp256k1); not the session key. */
  readonly nodeKey: Uint8Array
  /** Multiaddrs to listen on, such as /ip4/127.0.0.1/tcp/30303. */
  readonly listen: readonly string[]
  /** Multiaddrs that end in /p2p/ID: dialled until they answer, and again when they are gone. */
  readonly bootnodes: readonly string[]
  /** The validator to introduce itself as, if any. */
  readonly signer?: Signer
  /** What the handshake says of this node's chain. */
  readonly status: () => Pick<StatusMessage, 'head' | 'finalized'>
  readonly clock: Clock
  readonly logger: Logger
}

interface KnownPeer {
  validator?: Address
  score: number
  status?: StatusMessage
}

/** The Transport port on libp2p: TCP, noise, yamux, gossipsub, and one stream for each request (docs/wire.md). */
export class Libp2pTransport implements Transport {
  readonly #parts: TransportParts
  readonly #libp2p: Libp2p<{ pubsub: GossipSub }>
  readonly #peers = new Map<PeerId, KnownPeer>()
  readonly #bannedUntil: Map<PeerId, number>
  readonly #listeners = new Set<(peer: PeerId, event: 'joined' | 'left') => void>()
  readonly #stopping = new AbortController()
  #identity: StatusMessage['validator']
  #cancelRedial: (() => void) | undefined

  private constructor(parts: TransportParts, libp2p: Libp2p<{ pubsub: GossipSub }>, banned: Map<PeerId, number>) {
    this.#parts = parts
    this.#libp2p = libp2p
    this.#bannedUntil = banned
  }

  /** @throws LISTEN_FAILED when an address is taken or malformed */
  static async start(parts: TransportParts): Promise<Libp2pTransport> {
    const banned = new Map<PeerId, number>()
    const isBanned = (id: LibPeerId) => (banned.get(id.toString()) ?? 0) > parts.clock.nowMs()
    let libp2p: Libp2p<{ pubsub: GossipSub }>
    try {
      libp2p = await createLibp2p({
        privateKey: privateKeyFromRaw(parts.nodeKey),
        addresses: { listen: [...parts.listen] },
        transports: [tcp()],
        connectionEncrypters: [noise()],
        streamMuxers: [yamux()],
        connectionManager: { maxConnections: MAX_CONNECTIONS },
        connectionGater: {
          denyDialPeer: isBanned,
          denyInboundEncryptedConnection: isBanned,
          denyDialMultiaddr: () => false,
        },
        services: {
          identify: identify(),
          ping: ping(),
          pubsub: gossipsub({
            // Payloads are signed by validators themselves: signing again would halve the throughput.
            globalSignaturePolicy: 'StrictNoSign',
            msgIdFn: (message) => sha256(message.data).subarray(0, 20),
            allowPublishToZeroTopicPeers: true,
            ignoreDuplicatePublishError: true,
            floodPublish: true,
            maxInboundDataLength: Math.max(...Object.values(MAX_GOSSIP_BYTES)),
            allowedTopics: (Object.keys(MAX_GOSSIP_BYTES) as Topic[]).map((topic) =>
              protocolId(parts.genesisHash, topic),
            ),
            // Several nodes on one machine share an address: that is no sign of an attack here.
            scoreParams: { IPColocationFactorWeight: 0 },
          }),
        },
      })
    } catch (cause) {
      throw new AppError<P2pError>(
        { code: 'LISTEN_FAILED', fault: 'user' },
        `cannot listen on ${parts.listen.join(', ')}: ${messageOf(cause)}; choose another --p2p-port`,
        { cause },
      )
    }
    const transport = new Libp2pTransport(parts, libp2p, banned)
    await transport.#start()
    return transport
  }

  get self(): PeerId {
    return this.#libp2p.peerId.toString()
  }

  /** Where other nodes reach this one: multiaddrs that end in /p2p/ID. */
  addresses(): readonly string[] {
    return this.#libp2p.getMultiaddrs().map((address) => address.toString())
  }

  /** Connects to a node by its multiaddr, which ends in /p2p/ID. */
  async dial(address: string): Promise<void> {
    await this.#libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) })
  }

  async publish(topic: Topic, message: Uint8Array): Promise<void> {
    await this.#libp2p.services.pubsub.publish(this.#id(topic), message)
  }

  subscribe(topic: Topic, handler: (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>): () => void {
    const { pubsub } = this.#libp2p.services
    const id = this.#id(topic)
    const results = {
      accept: TopicValidatorResult.Accept,
      ignore: TopicValidatorResult.Ignore,
      reject: TopicValidatorResult.Reject,
    } as const
    pubsub.topicValidators.set(id, async (peer, message) => {
      if (message.data.length > MAX_GOSSIP_BYTES[topic]) return TopicValidatorResult.Reject
      try {
        return results[await handler(message.data, peer.toString())]
      } catch (error) {
        this.#blame(peer.toString(), error, topic)
        return TopicValidatorResult.Ignore
      }
    })
    pubsub.subscribe(id)
    return () => {
      pubsub.unsubscribe(id)
      pubsub.topicValidators.delete(id)
    }
  }

  async request(
    peer: PeerId,
    protocol: Protocol,
    message: Uint8Array,
    { signal }: Cancellable = {},
  ): Promise<Uint8Array> {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const both = AbortSignal.any([timeout, this.#stopping.signal, ...(signal ? [signal] : [])])
    let stream: Stream | undefined
    try {
      stream = await this.#libp2p.dialProtocol(peerIdFromString(peer), this.#id(protocol), { signal: both })
      // The reader comes first: unread data beyond libp2p's buffer would reset the stream.
      const response = readMessage(stream, MAX_MESSAGE_BYTES[protocol].response + 1, both)
      response.catch(() => undefined)
      await sendMessage(stream, message, both)
      return openResponse(await response)
    } catch (cause) {
      stream?.abort(cause instanceof Error ? cause : new Error(String(cause)))
      if (isAppError(cause)) throw cause
      const info: P2pError = timeout.aborted
        ? { code: 'PEER_TIMEOUT', fault: 'peer', retry: true }
        : { code: 'PEER_UNREACHABLE', fault: 'peer', retry: true }
      throw new AppError<P2pError>(info, `${protocol} to ${peer}: ${messageOf(cause)}`, { cause })
    }
  }

  serve(protocol: Protocol, handler: (message: Uint8Array, from: PeerId) => Promise<Uint8Array>): () => void {
    const id = this.#id(protocol)
    const onStream = async (stream: Stream, connection: Connection) => {
      const from = connection.remotePeer.toString()
      const signal = AbortSignal.any([AbortSignal.timeout(REQUEST_TIMEOUT_MS), this.#stopping.signal])
      try {
        const message = await readMessage(stream, MAX_MESSAGE_BYTES[protocol].request, signal)
        let response: Uint8Array
        try {
          response = answer(await handler(message, from))
        } catch (error) {
          this.#blame(from, error, protocol)
          response = refusal(error)
        }
        await sendMessage(stream, response, signal)
      } catch (error) {
        this.#blame(from, error, protocol)
        stream.abort(error instanceof Error ? error : new Error(String(error)))
      }
    }
    spawn(
      () => this.#libp2p.handle(id, onStream, { maxInboundStreams: MAX_STREAMS_PER_PEER }),
      (error) => this.#parts.logger.error({ protocol, err: messageOf(error) }, 'a protocol could not be served'),
    )
    return () =>
      spawn(
        () => this.#libp2p.unhandle(id),
        () => undefined,
      )
  }

  peers(): readonly PeerInfo[] {
    return [...this.#peers].map(([id, { validator, score }]) => ({ id, validator, score }))
  }

  /** What a peer said of its chain when last asked. */
  statusOf(peer: PeerId): StatusMessage | undefined {
    return this.#peers.get(peer)?.status
  }

  onPeer(listener: (peer: PeerId, event: 'joined' | 'left') => void): () => void {
    this.#listeners.add(listener)
    for (const id of this.#peers.keys()) listener(id, 'joined')
    return () => this.#listeners.delete(listener)
  }

  report(peer: PeerId, delta: number, reason: string): void {
    const known = this.#peers.get(peer)
    if (!known) return
    known.score = Math.min(MAX_SCORE, known.score + delta)
    if (delta < 0) this.#parts.logger.debug({ peer, delta, score: known.score, reason }, 'a peer lost score')
    if (known.score > BAN_SCORE) return
    this.#parts.logger.warn({ peer, reason }, 'a peer is banned for a while')
    this.#bannedUntil.set(peer, this.#parts.clock.nowMs() + BAN_MS)
    this.#hangUp(peer)
  }

  /** Asks a peer anew who it is and how far it has come. @throws PEER_FOREIGN and what `request` throws */
  async refreshStatus(peer: PeerId): Promise<StatusMessage> {
    const response = await this.request(peer, 'status', this.#ownStatus())
    return this.#accept(peer, response)
  }

  async stop(): Promise<void> {
    this.#cancelRedial?.()
    this.#stopping.abort(new Error('the node is stopping'))
    await this.#libp2p.stop()
  }

  async #start(): Promise<void> {
    const { signer } = this.#parts
    const peerId = this.#libp2p.peerId.toMultihash().bytes
    if (signer) this.#identity = { address: signer.address, signature: await signer.sign({ kind: 'identity', peerId }) }
    this.serve('status', async (message, from) => {
      this.#accept(from, message)
      return this.#ownStatus()
    })
    this.#libp2p.addEventListener('peer:connect', (event) => {
      const peer = event.detail.toString()
      // The one with the smaller id asks, so that there is one handshake for each connection.
      if (this.self < peer)
        spawn(
          () => this.refreshStatus(peer),
          (error) => this.#failedHandshake(peer, error),
        )
    })
    this.#libp2p.addEventListener('peer:disconnect', (event) => {
      const peer = event.detail.toString()
      if (this.#peers.delete(peer)) this.#tell(peer, 'left')
    })
    this.#redial()
  }

  #redial(): void {
    const connected = new Set(this.#libp2p.getPeers().map(String))
    for (const address of this.#parts.bootnodes) {
      const id = address.split('/p2p/').at(-1) ?? ''
      if (id === this.self || connected.has(id)) continue
      spawn(
        () => this.#libp2p.dial(multiaddr(address), { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }),
        (error) => this.#parts.logger.debug({ address, err: messageOf(error) }, 'a bootnode does not answer'),
      )
    }
    this.#cancelRedial = this.#parts.clock.after(REDIAL_MS, () => this.#redial())
  }

  #ownStatus(): Uint8Array {
    const { chainId, genesisHash, status } = this.#parts
    return encodeStatus({ chainId, genesisHash, ...status(), validator: this.#identity })
  }

  #accept(peer: PeerId, message: Uint8Array): StatusMessage {
    const status = decodeStatus(message, peerIdFromString(peer).toMultihash().bytes)
    if (status.genesisHash !== this.#parts.genesisHash || status.chainId !== this.#parts.chainId) {
      this.#hangUp(peer)
      throw new AppError<P2pError>(
        { code: 'PEER_FOREIGN', fault: 'peer' },
        `the peer is on chain ${status.chainId}, genesis ${status.genesisHash}`,
      )
    }
    const known = this.#peers.get(peer)
    if (known) Object.assign(known, { status, validator: status.validator?.address })
    else {
      this.#peers.set(peer, { status, validator: status.validator?.address, score: 0 })
      this.#parts.logger.debug({ peer, validator: status.validator?.address }, 'a peer joined')
      this.#tell(peer, 'joined')
    }
    return status
  }

  #failedHandshake(peer: PeerId, error: unknown): void {
    if (this.#stopping.signal.aborted) return
    this.#parts.logger.debug({ peer, err: messageOf(error) }, 'a handshake failed')
    this.#hangUp(peer)
  }

  #hangUp(peer: PeerId): void {
    spawn(
      () => this.#libp2p.hangUp(peerIdFromString(peer)),
      () => undefined,
    )
  }

  #blame(peer: PeerId, error: unknown, where: string): void {
    this.#parts.logger.debug({ peer, where, err: messageOf(error) }, 'a message was not taken')
    if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry) this.report(peer, -100, error.code)
  }

  #tell(peer: PeerId, event: 'joined' | 'left'): void {
    for (const listener of this.#listeners) listener(peer, event)
  }

  #id(name: Topic | Protocol): string {
    return protocolId(this.#parts.genesisHash, name)
  }
}

/** /hawser/<first 8 hex digits of the genesis hash>/<name>/1 */
export function protocolId(genesisHash: Hash32, name: Topic | Protocol): string {
  return `/hawser/${genesisHash.slice(2, 10)}/${name}/1`
}

/** The peer id of a 32-byte node key (secp256k1), in its text form. */
export function peerIdOf(nodeKey: Uint8Array): PeerId {
  return peerIdFromPrivateKey(privateKeyFromRaw(nodeKey)).toString()
}
