import { encodeVotes } from '@hawser/consensus'
import { systemClock } from '@hawser/primitives'
import { decorated } from './decorated.ts'
import { openTransport, type Fault } from './fault.ts'

/** Seals blocks, and sends them a slot late, or in time to one peer alone; votes for itself, and tells nobody. */
export function withhold(slotMs: number): Fault {
  return {
    makes: {
      async startTransport(parts) {
        const { real, whisper } = await openTransport(parts)
        let blocks = 0
        return decorated(real, {
          async publish(topic, message) {
            if (topic === 'votes') return
            if (topic !== 'blocks') return real.publish(topic, message)
            const copy = Uint8Array.from(message)
            if (blocks++ % 2 === 0) systemClock.after(slotMs, () => void real.publish(topic, copy))
            else {
              const peer = real.peers()[blocks % Math.max(1, real.peers().length)]
              if (peer) whisper(peer.id, topic, copy)
            }
          },
          serve: (protocol, handler) =>
            real.serve(protocol, protocol === 'missing-votes' ? async () => encodeVotes([]) : handler),
        })
      },
    },
  }
}
