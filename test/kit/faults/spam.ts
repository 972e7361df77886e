import type { PeerId, Protocol, Topic } from '@hawser/chain'
import { MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES, protocolId } from '@hawser/p2p'
import { concatBytes, systemClock, uintBE } from '@hawser/primitives'
import { Seeded } from '../seeded.ts'
import { decorated } from './decorated.ts'
import { openTransport, repeat, type Fault } from './fault.ts'

/** Between two volleys. */
const EVERY_MS = 50
/** Of each kind to each peer in a volley. */
const VOLLEY = 4
/** Messages of others that are kept for sending them again. */
const MAX_KEPT = 200

/** Floods every peer with garbage and with what it has heard before, on every topic, every protocol and the streams for votes. */
export function spam(seed: number): Fault {
  return {
    makes: {
      async startTransport(parts) {
        const open = await openTransport(parts)
        const { real, whisper } = open
        const random = new Seeded(seed)
        const kept: Uint8Array[] = []
        const keep = (message: Uint8Array) => {
          kept.push(Uint8Array.from(message))
          if (kept.length > MAX_KEPT) kept.shift()
        }
        const rubbish = (limit: number): Uint8Array => {
          const old = kept[random.below(kept.length)]
          if (old && random.below(3) === 0) return old
          if (old && random.below(2) === 0) {
            const changed = Uint8Array.from(old)
            changed[random.below(changed.length)] = random.below(256)
            return changed
          }
          // Up to a little above what is allowed, of the small kinds.
          return random.bytes(random.below(Math.min(limit + 2, 600)))
        }
        const volley = (peer: PeerId) => {
          for (let shot = 0; shot < VOLLEY; shot++) {
            for (const topic of Object.keys(MAX_GOSSIP_BYTES) as Topic[])
              whisper(peer, topic, rubbish(MAX_GOSSIP_BYTES[topic]))
            for (const protocol of Object.keys(MAX_MESSAGE_BYTES) as Protocol[])
              real
                .request(peer, protocol, rubbish(MAX_MESSAGE_BYTES[protocol].request))
                .then(keep)
                .catch(() => undefined)
          }
          void floodVotes(peer).catch(() => undefined)
        }
        const floodVotes = async (peer: PeerId) => {
          const connection = real
            .inspect()
            .libp2p.getConnections()
            .find(({ remotePeer }) => remotePeer.toString() === peer)
          const stream = await connection?.newStream(protocolId(parts.genesisHash, 'direct-votes'))
          for (let shot = 0; stream && shot < VOLLEY; shot++) {
            const vote = rubbish(MAX_GOSSIP_BYTES.votes).slice(0, MAX_GOSSIP_BYTES.votes)
            stream.send(concatBytes(uintBE(BigInt(vote.length), 2), vote))
          }
        }
        const cancel = repeat(systemClock, EVERY_MS, () => {
          for (const { id } of real.peers()) volley(id)
        })
        return decorated(real, {
          subscribe: (topic, handler) =>
            real.subscribe(topic, (message, from) => {
              keep(message)
              return handler(message, from)
            }),
          async stop() {
            cancel()
            await real.stop()
          },
        })
      },
    },
  }
}
