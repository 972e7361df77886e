import type { NodeDependencies } from '@hawser/node'
import type { Clock } from '@hawser/primitives'
import { Libp2pTransport, protocolId, type TransportParts } from '@hawser/p2p'
import type { PeerId, Topic } from '@hawser/chain'

/** What a node is made of that does not do what it should. */
export type Fault = Pick<NodeDependencies, 'clock' | 'makes'>

/** Gossipsub's own way to send to one peer, which its interface does not show. */
interface GossipInside {
  sendRpc(peer: string, rpc: { subscriptions: never[]; messages: { topic: string; data: Uint8Array }[] }): boolean
}

/** The real transport, with what it takes to treat peers differently. */
export interface OpenTransport {
  readonly parts: TransportParts
  readonly real: Libp2pTransport
  /** Sends a gossip message to one peer alone, valid or not. */
  whisper(peer: PeerId, topic: Topic, message: Uint8Array): void
}

export async function openTransport(parts: TransportParts): Promise<OpenTransport> {
  const real = await Libp2pTransport.start(parts)
  const gossip = real.inspect().libp2p.services.pubsub as unknown as GossipInside
  return {
    parts,
    real,
    whisper: (peer, topic, data) =>
      void gossip.sendRpc(peer, {
        subscriptions: [],
        messages: [{ topic: protocolId(parts.genesisHash, topic), data }],
      }),
  }
}

/** Repeats a task, which must not fail loudly: the peers that it is aimed at may be gone. */
export function repeat(clock: Clock, everyMs: number, task: () => void): () => void {
  let cancel = () => {}
  const again = () => {
    cancel = clock.after(everyMs, () => {
      again()
      task()
    })
  }
  again()
  return () => cancel()
}
