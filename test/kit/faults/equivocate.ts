import { RLP } from '@ethereumjs/rlp'
import type { PeerId } from '@hawser/chain'
import {
  decodeVote,
  decodeVotes,
  encodeVote,
  encodeVotes,
  GuardedSigner,
  sealDigest,
  voteDigest,
  type NetworkId,
} from '@hawser/consensus'
import { protocolId } from '@hawser/p2p'
import { concatBytes, keccak256, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'
import { decorated } from './decorated.ts'
import { openTransport, type Fault, type OpenTransport } from './fault.ts'

/** The state root among a header's fields. */
const STATE_ROOT = 3
/** Blocks whose parents are remembered. */
const MAX_PARENTS = 256

/** One half of its peers get one vote and one block of it, the other half get others; the guard is not asked about the second. */
export function equivocate(): Fault {
  let network: NetworkId | undefined
  let key: Uint8Array | undefined
  return {
    makes: {
      createSigner(id, sessionKey, guard) {
        network = id
        key = sessionKey
        // It does not stop when it hears itself.
        return decorated(new GuardedSigner(id, sessionKey, guard), { stop: () => undefined })
      },
      async startTransport(parts) {
        const open = await openTransport(parts)
        return network && key ? twoFaced(open, network, key) : open.real
      },
    },
  }
}

function twoFaced({ real, parts, whisper }: OpenTransport, network: NetworkId, key: Uint8Array) {
  const parents = new Map<Hash32, Hash32>()
  const votes = new DirectVoteStreams(real, protocolId(parts.genesisHash, 'direct-votes'))
  let self: number | undefined
  const learn = (sealed: Uint8Array) => {
    const header = headerOf(sealed)
    parents.set(hashOf(header), toHex(header[0] as Uint8Array) as Hash32)
    const oldest = parents.keys().next()
    if (parents.size > MAX_PARENTS && !oldest.done) parents.delete(oldest.value)
  }
  const halves = (send: (peer: PeerId, second: boolean) => void) => {
    for (const [index, { id }] of real.peers().entries()) send(id, index % 2 === 1)
  }
  const twinOfVote = (message: Uint8Array) => {
    const vote = decodeVote(message)
    self = vote.voter
    const parent = parents.get(vote.hash)
    // The parent, or a block that nobody knows.
    const target = parent ? { number: vote.number - 1n, hash: parent } : { hash: toHex(keccak256(message)) as Hash32 }
    const twin = { ...vote, ...target }
    return encodeVote({ ...twin, signature: secp256k1.sign(voteDigest(network, twin), key) })
  }
  const twinOfBlock = (message: Uint8Array) => {
    const [body] = RLP.decode(message) as [[Uint8Array[], ...never[]]]
    const [header, ...rest] = body
    const twin = header.map((field, index) => (index === STATE_ROOT ? keccak256(field) : field))
    return RLP.encode([[twin, ...rest], secp256k1.sign(sealDigest(network.chainId, hashOf(twin)), key)])
  }
  return decorated(real, {
    async publish(topic, message) {
      if (topic === 'votes') {
        const twin = twinOfVote(message)
        halves((peer, second) => votes.send(peer, second ? twin : message))
      } else if (topic === 'blocks') {
        learn(message)
        const twin = twinOfBlock(message)
        halves((peer, second) => whisper(peer, topic, second ? twin : message))
      } else await real.publish(topic, message)
    },
    subscribe: (topic, handler) =>
      real.subscribe(topic, (message, from) => {
        if (topic === 'blocks') learn(message)
        // Its own second votes would tell it that somebody else has its key.
        if (topic === 'votes' && decodeVote(message).voter === self) return 'ignore'
        return handler(message, from)
      }),
    async request(peer, protocol, message, options) {
      const answer = await real.request(peer, protocol, message, options)
      return protocol === 'missing-votes'
        ? encodeVotes(decodeVotes(answer).filter(({ voter }) => voter !== self))
        : answer
    },
  })
}

/** A stream for votes to each peer, with what this peer alone is to hear. */
class DirectVoteStreams {
  readonly #real: OpenTransport['real']
  readonly #protocol: string
  readonly #streams = new Map<PeerId, Promise<{ send(bytes: Uint8Array): boolean }>>()

  constructor(real: OpenTransport['real'], protocol: string) {
    this.#real = real
    this.#protocol = protocol
  }

  send(peer: PeerId, vote: Uint8Array): void {
    const stream = this.#streams.get(peer) ?? this.#open(peer)
    this.#streams.set(peer, stream)
    stream
      .then((open) => open.send(concatBytes(uintBE(BigInt(vote.length), 2), vote)))
      .catch(() => this.#streams.delete(peer))
  }

  async #open(peer: PeerId) {
    const connection = this.#real
      .inspect()
      .libp2p.getConnections()
      .find(({ remotePeer }) => remotePeer.toString() === peer)
    if (!connection) throw new Error(`${peer} is not connected`)
    return connection.newStream(this.#protocol)
  }
}

function headerOf(sealed: Uint8Array): Uint8Array[] {
  const [[header]] = RLP.decode(sealed) as unknown as [[Uint8Array[]]]
  return header
}

function hashOf(header: Uint8Array[]): Hash32 {
  return toHex(keccak256(RLP.encode(header))) as Hash32
}
