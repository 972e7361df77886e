import './polyfill.ts'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { gossipsub, type GossipSub } from '@libp2p/gossipsub'
import { identify, type Identify } from '@libp2p/identify'
import type { Connection, Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping, type Ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { PeerId } from '@hawser/chain'
import { AppError, messageOf, sha256 } from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { MAX_GOSSIP_BYTES } from './limits.ts'
import { hostOf, isLoopback } from './peer-address.ts'
import { steadyYamux } from './stream-muxer.ts'

/** The part of all connections that others may make: the rest is for those that this node seeks, so that nobody can take them all. */
const INBOUND_PORTION = 3 / 4

/** What gossip sends at once: a message and its frame, or several that were asked for. Who sends more is cut off without a word. */
const MAX_GOSSIP_FRAME_BYTES = 4 * Math.max(...Object.values(MAX_GOSSIP_BYTES))

export type Libp2pNode = Libp2p<{ identify: Identify; ping: Ping; pubsub: GossipSub }>

export interface Libp2pOptions {
  readonly nodeKey: Uint8Array
  readonly listen: readonly string[]
  /** Told in place of the addresses that are listened on; those, when there is none. */
  readonly announce: readonly string[]
  /** Gossip topics by their full names. */
  readonly topics: readonly string[]
  readonly maxPeers: number
  readonly maxPeersPerIp: number
  readonly isBanned: (peer: PeerId) => boolean
}

/** Starts libp2p with TCP, noise, yamux and gossipsub, within its limits. @throws LISTEN_FAILED */
export async function startLibp2p(options: Libp2pOptions): Promise<Libp2pNode> {
  const { nodeKey, listen, announce, topics, maxPeers, maxPeersPerIp, isBanned } = options
  const maxInbound = Math.max(1, Math.floor(maxPeers * INBOUND_PORTION))
  let node: Libp2pNode | undefined
  const isFull = (address: string, itself?: Connection) => {
    const inbound =
      node?.getConnections().filter((one) => one.direction === 'inbound' && one !== itself && one.status === 'open') ??
      []
    if (inbound.length >= maxInbound) return true
    const host = hostOf(address)
    return (
      !isLoopback(host) && inbound.filter((one) => hostOf(one.remoteAddr.toString()) === host).length >= maxPeersPerIp
    )
  }
  try {
    node = await createLibp2p({
      privateKey: privateKeyFromRaw(nodeKey),
      addresses: { listen: [...listen], announce: [...announce] },
      transports: [tcp()],
      connectionEncrypters: [noise()],
      streamMuxers: [steadyYamux()],
      connectionManager: { maxConnections: maxPeers },
      connectionGater: {
        denyDialPeer: (peer) => isBanned(peer.toString()),
        denyInboundEncryptedConnection: (peer) => isBanned(peer.toString()),
        denyInboundConnection: ({ remoteAddr }) => isFull(remoteAddr.toString()),
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
          maxInboundDataLength: MAX_GOSSIP_FRAME_BYTES,
          allowedTopics: [...topics],
          // Several nodes on one machine share an address: that is no sign of an attack here.
          scoreParams: { IPColocationFactorWeight: 0 },
        }),
      },
    })
    // Those that came at the same time were all let through by the gater.
    node.addEventListener('connection:open', ({ detail }) => {
      if (detail.direction === 'inbound' && isFull(detail.remoteAddr.toString(), detail))
        detail.abort(new Error('too many connections'))
    })
    return node
  } catch (cause) {
    throw new AppError<P2pError>(
      { code: 'LISTEN_FAILED', fault: 'user' },
      `cannot listen on ${listen.join(', ')}: ${messageOf(cause)}; choose another --p2p-port`,
      { cause },
    )
  }
}
