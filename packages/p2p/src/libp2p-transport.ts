import './polyfill.ts'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { TopicValidatorResult } from '@libp2p/gossipsub'
import type { Connection, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import type { Cancellable, PeerId, PeerInfo, Protocol, Signer, Topic, Transport } from '@hawser/chain'
import {
  AppError,
  isAppError,
  messageOf,
  spawn,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { medianOffsetMs, offsetOfMs } from './clock-offset.ts'
import { DirectVotes, type GossipHandler } from './direct-votes.ts'
import type { P2pError } from './errors.ts'
import { answer, openResponse, readMessage, refusal, sendMessage } from './framing.ts'
import { startLibp2p, type Libp2pNode } from './libp2p-node.ts'
import {
  DEFAULT_MAX_PEERS,
  DEFAULT_MAX_PEERS_PER_IP,
  DIAL_TIMEOUT_MS,
  DIRECT_VOTE_RATE,
  FLOOD_SCORE,
  GOSSIP_RATES,
  MAX_GOSSIP_BYTES,
  MAX_MESSAGE_BYTES,
  MAX_STREAMS_PER_PEER,
  REQUEST_RATES,
  REQUEST_TIMEOUT_MS,
} from './limits.ts'
import { PeerBook } from './peer-book.ts'
import type { KeptPeers } from './peer-file.ts'
import { PeerScores } from './peer-scores.ts'
import { keptPeers, PeerService } from './peer-service.ts'
import { decodeStatus, encodeStatus, type StatusMessage } from './status-message.ts'
import { TokenBucket, type Rate } from './token-bucket.ts'

/** The part of all connections that this node seeks itself; the rest is for those who seek it. */
const SOUGHT_PORTION = 2 / 3
/** Peers whose rates are remembered, connected or not. */
const MAX_RATED_PEERS = 1_024
/** How long a stream waits for the handshake of its peer. */
const HANDSHAKE_MS = 2_000
/** Addresses that a peer may give itself. */
const MAX_LISTENING = 8

export interface TransportParts {
  readonly chainId: bigint
  readonly genesisHash: Hash32
  /** 32 bytes, the node's libp2p identity (secp256k1); not the session key. */
  readonly nodeKey: Uint8Array
  /** Multiaddrs to listen on, such as /ip4/127.0.0.1/tcp/30303. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others in place of those: behind port forwarding, they differ. */
  readonly announce?: readonly string[] | undefined
  /** Multiaddrs that end in /p2p/ID: dialled until they answer, and again when they are gone. */
  readonly bootnodes: readonly string[]
  /** Where good peers and bans are kept over a restart; nowhere if it is not given. */
  readonly peerFile?: string
  readonly limits?: { readonly [limit in keyof PeerLimits]?: PeerLimits[limit] | undefined }
  /** The validator to introduce itself as, if any. */
  readonly signer?: Signer
  /** Session addresses of the validators in office: they have streams of their own for votes. */
  readonly validators?: () => readonly Address[]
  /** What the handshake says of this node's chain. */
  readonly status: () => Pick<StatusMessage, 'head' | 'finalized' | 'first'>
  /** Told of each message's payload; of gossip once, however many peers it goes to. */
  readonly onTraffic?: TrafficListener
  /** 0 to 1, for jitter and for whom to ask; Math.random unless it is given. */
  readonly random?: () => number
  readonly clock: Clock
  readonly logger: Logger
}

/** A message by its direction, its topic or protocol, and its length in bytes. */
export type TrafficListener = (direction: 'in' | 'out', name: Topic | Protocol, bytes: number) => void

/** How many connections a node has. */
export interface PeerLimits {
  /** Altogether. */
  readonly maxPeers: number
  /** From one IP address; loopback is free of it. */
  readonly maxPeersPerIp: number
}

interface KnownPeer {
  readonly validator: Address | undefined
  readonly status: StatusMessage
}

/** Streams for votes that one validator may have open to this node: the old one may linger when it opens a new one. */
const MAX_VOTE_STREAMS = 3
const MALFORMED_SCORE = -100

/** The Transport port on libp2p: gossip, one stream for each request, and streams for votes between validators (docs/wire.md). */
export class Libp2pTransport implements Transport {
  readonly #parts: TransportParts
  readonly #libp2p: Libp2pNode
  readonly #scores: PeerScores
  readonly #peers = new Map<PeerId, KnownPeer>()
  /** They outlive connections: who comes again at once has no more than before. */
  readonly #buckets = new Map<PeerId, Map<string, TokenBucket>>()
  readonly #listening = new Map<PeerId, readonly string[]>()
  /** By what each peer's clock differs from this one. */
  readonly #offsets = new Map<PeerId, number>()
  readonly #listeners = new Set<(peer: PeerId, event: 'joined' | 'left') => void>()
  readonly #stopping = new AbortController()
  readonly #service: PeerService
  readonly #votes: DirectVotes
  #identity: StatusMessage['validator']

  private constructor(parts: TransportParts, libp2p: Libp2pNode, scores: PeerScores, kept: KeptPeers) {
    const { bootnodes, peerFile, limits, validators = () => [], random = Math.random, clock, logger } = parts
    this.#parts = parts
    this.#libp2p = libp2p
    this.#scores = scores
    this.#service = new PeerService({
      book: new PeerBook({
        self: this.self,
        bootnodes,
        known: kept.peers,
        random,
        isInOffice: (validator) => validators().includes(validator),
      }),
      scores,
      connector: {
        connected: () =>
          libp2p.getConnections().map(({ remotePeer, remoteAddr }) => ({
            id: remotePeer.toString(),
            address: remoteAddr.toString(),
          })),
        dial: async (addresses) => {
          await libp2p.dial(
            addresses.map((address) => multiaddr(address)),
            { signal: AbortSignal.any([AbortSignal.timeout(DIAL_TIMEOUT_MS), this.#stopping.signal]) },
          )
        },
        askForPeers: (peer) => this.request(peer, 'peers', new Uint8Array()),
      },
      wanted: Math.ceil((limits?.maxPeers ?? DEFAULT_MAX_PEERS) * SOUGHT_PORTION),
      file: peerFile,
      random,
      clock,
      logger,
    })
    this.#votes = new DirectVotes({
      open: (peer, signal) => libp2p.dialProtocol(peerIdFromString(peer), this.#id('direct-votes'), { signal }),
      peers: this.#peers,
      handshake: (peer) => this.#handshake(peer),
      validators,
      mayTake: (peer) => this.#mayTake(peer, 'direct votes', DIRECT_VOTE_RATE),
      onTraffic: (direction, bytes) => parts.onTraffic?.(direction, 'votes', bytes),
      report: (peer, delta, reason) => this.report(peer, delta, reason),
      clock,
      logger,
    })
  }

  /** @throws LISTEN_FAILED when an address is taken or malformed */
  static async start(parts: TransportParts): Promise<Libp2pTransport> {
    const kept = keptPeers(parts.peerFile, parts.logger)
    const scores = new PeerScores(kept.bans)
    const libp2p = await startLibp2p({
      nodeKey: parts.nodeKey,
      listen: parts.listen,
      announce: parts.announce ?? [],
      topics: (Object.keys(MAX_GOSSIP_BYTES) as Topic[]).map((topic) => protocolId(parts.genesisHash, topic)),
      maxPeers: parts.limits?.maxPeers ?? DEFAULT_MAX_PEERS,
      maxPeersPerIp: parts.limits?.maxPeersPerIp ?? DEFAULT_MAX_PEERS_PER_IP,
      isBanned: (peer) => scores.isBanned(peer, parts.clock.nowMs()),
    })
    const transport = new Libp2pTransport(parts, libp2p, scores, kept)
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
    if (topic === 'votes' && this.#votes.send(message, this.#identity?.address)) return
    this.#parts.onTraffic?.('out', topic, message.length)
    await this.#libp2p.services.pubsub.publish(this.#id(topic), message)
  }

  subscribe(topic: Topic, handler: GossipHandler): () => void {
    const { pubsub } = this.#libp2p.services
    const id = this.#id(topic)
    const results = {
      accept: TopicValidatorResult.Accept,
      ignore: TopicValidatorResult.Ignore,
      reject: TopicValidatorResult.Reject,
    } as const
    const hear = topic === 'votes' ? this.#votes.listen(handler) : handler
    pubsub.topicValidators.set(id, async (peer, message) => {
      const from = peer.toString()
      if (message.data.length > MAX_GOSSIP_BYTES[topic]) {
        this.report(from, MALFORMED_SCORE, `a message of ${topic} that is too long`)
        return TopicValidatorResult.Reject
      }
      this.#parts.onTraffic?.('in', topic, message.data.length)
      if (!this.#mayTake(from, `gossip ${topic}`, GOSSIP_RATES[topic])) return TopicValidatorResult.Ignore
      try {
        return results[await hear(message.data, from)]
      } catch (error) {
        this.#blame(from, error, topic)
        return TopicValidatorResult.Ignore
      }
    })
    pubsub.subscribe(id)
    return () => {
      pubsub.unsubscribe(id)
      pubsub.topicValidators.delete(id)
      if (topic === 'votes') this.#votes.deafen()
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
      this.#parts.onTraffic?.('out', protocol, message.length)
      const answered = await response
      this.#parts.onTraffic?.('in', protocol, answered.length)
      return openResponse(answered)
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
        this.#parts.onTraffic?.('in', protocol, message.length)
        let response: Uint8Array
        try {
          if (!this.#mayTake(from, protocol, REQUEST_RATES[protocol]))
            throw new Error('too many requests; ask again later')
          response = answer(await handler(message, from))
        } catch (error) {
          this.#blame(from, error, protocol)
          response = refusal(error)
        }
        await sendMessage(stream, response, signal)
        this.#parts.onTraffic?.('out', protocol, response.length)
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
    const nowMs = this.#parts.clock.nowMs()
    return [...this.#peers].map(([id, { validator }]) => ({ id, validator, score: this.#scores.of(id, nowMs) }))
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
    const { clock, logger } = this.#parts
    const nowMs = clock.nowMs()
    // What was on its way when the ban came changes nothing: a flood must not write the peer file again with each message.
    if (this.#scores.isBanned(peer, nowMs)) return
    if (delta < 0) logger.debug({ peer, delta, reason }, 'a peer lost score')
    if (!this.#scores.add(peer, delta, nowMs)) return
    logger.warn({ peer, reason }, 'a peer is banned for a while')
    this.#service.write()
    this.#hangUp(peer)
  }

  /** Asks a peer anew who it is and how far it has come. @throws PEER_FOREIGN, PEER_UNREACHABLE and what `request` throws */
  async refreshStatus(peer: PeerId): Promise<StatusMessage> {
    const { clock } = this.#parts
    const sentMs = clock.nowMs()
    try {
      const response = await this.request(peer, 'status', this.#ownStatus())
      const status = this.#accept(peer, response)
      this.#offsets.set(peer, offsetOfMs(status.timeMs, sentMs, clock.nowMs()))
      return status
    } catch (error) {
      // Should its leaving have been missed: whoever counts on peers must not count on one that is gone.
      if (this.#peers.has(peer) && !this.#isConnected(peer)) this.#forget(peer)
      throw error
    }
  }

  /** How far this clock is behind those of the validators that are connected, in milliseconds; negative when it is ahead. */
  clockOffsetMs(): number {
    const inOffice = new Set(this.#parts.validators?.() ?? [])
    const offsets: number[] = []
    for (const [id, { validator }] of this.#peers) {
      const offset = this.#offsets.get(id)
      if (offset !== undefined && validator !== undefined && inOffice.has(validator)) offsets.push(offset)
    }
    return medianOffsetMs(offsets)
  }

  /** The node below: for tests that play a peer which breaks the rules. */
  inspect(): { readonly libp2p: Libp2pNode } {
    return { libp2p: this.#libp2p }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the node is stopping'))
    this.#service.stop()
    this.#votes.stop()
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
    this.serve('peers', async (_, from) => this.#service.answer(from))
    await this.#libp2p.handle(
      this.#id('direct-votes'),
      (stream, { remotePeer }) => this.#votes.read(stream, remotePeer.toString()),
      { maxInboundStreams: MAX_VOTE_STREAMS },
    )
    this.#libp2p.addEventListener('peer:identify', ({ detail }) => {
      const id = detail.peerId.toString()
      const addresses = detail.listenAddrs.slice(0, MAX_LISTENING).map((address) => `${address.toString()}/p2p/${id}`)
      this.#listening.set(id, addresses)
      const known = this.#peers.get(id)
      if (known) this.#service.joined(id, addresses, known.validator)
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
      this.#forget(event.detail.toString())
    })
    this.#service.start()
  }

  #isConnected(peer: PeerId): boolean {
    return this.#libp2p.getConnections(peerIdFromString(peer)).some(({ status }) => status === 'open')
  }

  /** The peer is gone. */
  #forget(peer: PeerId): void {
    this.#votes.remove(peer)
    this.#listening.delete(peer)
    this.#offsets.delete(peer)
    this.#service.left(peer)
    if (this.#peers.delete(peer)) this.#tell(peer, 'left')
  }

  #ownStatus(): Uint8Array {
    const { chainId, genesisHash, status } = this.#parts
    const timeMs = BigInt(Math.floor(this.#parts.clock.nowMs()))
    return encodeStatus({ chainId, genesisHash, ...status(), timeMs, validator: this.#identity })
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
    // It hung up while its message was on the way: nothing would tell any more that it is gone.
    if (!this.#isConnected(peer))
      throw new AppError<P2pError>({ code: 'PEER_UNREACHABLE', fault: 'peer', retry: true }, `${peer} has hung up`)
    const known = this.#peers.get(peer)
    this.#peers.set(peer, { status, validator: status.validator?.address })
    // It began anew on an older disk or none, and an old connection outlived it: what was known of it holds no more.
    if (known !== undefined && status.finalized.number < known.status.finalized.number) {
      this.#tell(peer, 'left')
      this.#tell(peer, 'joined')
    }
    if (!known) {
      this.#parts.logger.debug({ peer, validator: status.validator?.address }, 'a peer joined')
      this.#service.joined(peer, this.#listening.get(peer) ?? [], status.validator?.address)
      this.#tell(peer, 'joined')
    }
    return status
  }

  #handshake(peer: PeerId): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        stop()
        cancel()
        resolve()
      }
      const cancel = this.#parts.clock.after(HANDSHAKE_MS, done)
      const stop = this.onPeer((id) => id === peer && queueMicrotask(done))
    })
  }

  /** Counts something that a peer did against its rate; false, and a little less score, when it is too much. */
  #mayTake(peer: PeerId, what: string, rate: Rate): boolean {
    const nowMs = this.#parts.clock.nowMs()
    let buckets = this.#buckets.get(peer)
    if (!buckets) {
      this.#buckets.set(peer, (buckets = new Map()))
      const oldest = this.#buckets.keys().next()
      if (this.#buckets.size > MAX_RATED_PEERS && !oldest.done) this.#buckets.delete(oldest.value)
    }
    let bucket = buckets.get(what)
    if (!bucket) buckets.set(what, (bucket = new TokenBucket(rate, nowMs)))
    if (bucket.take(nowMs)) return true
    this.report(peer, FLOOD_SCORE, `too many messages: ${what}`)
    return false
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
    if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
      this.report(peer, MALFORMED_SCORE, error.code)
  }

  #tell(peer: PeerId, event: 'joined' | 'left'): void {
    for (const listener of this.#listeners) listener(peer, event)
  }

  #id(name: Topic | Protocol | 'direct-votes'): string {
    return protocolId(this.#parts.genesisHash, name)
  }
}

/** /hawser/<first 8 hex digits of the genesis hash>/<name>/1 */
export function protocolId(genesisHash: Hash32, name: Topic | Protocol | 'direct-votes'): string {
  return `/hawser/${genesisHash.slice(2, 10)}/${name}/1`
}

/** The peer id of a 32-byte node key (secp256k1), in its text form. */
export function peerIdOf(nodeKey: Uint8Array): PeerId {
  return peerIdFromPrivateKey(privateKeyFromRaw(nodeKey)).toString()
}
