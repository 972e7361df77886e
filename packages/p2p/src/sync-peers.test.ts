import { describe, expect, it } from 'vitest'
import { SyncPeers } from './sync-peers.ts'

const anybody = () => true
const choose = (peers: SyncPeers, nowMs: number, final = false) => peers.choose(1n, 64n, final, nowMs, anybody)?.id
/** A peer that has the first hundred blocks, all final. */
function peersWith(...ids: string[]): SyncPeers {
  const peers = new SyncPeers()
  for (const id of ids) peers.claim(id, 100n, 100n, 1n)
  return peers
}

describe('SyncPeers', () => {
  it('asks a peer for one range at first, and for one more after each answer, three at most', () => {
    const peers = peersWith('a')
    const free = () => {
      let slots = 0
      for (; choose(peers, 0) !== undefined; slots++) peers.asked('a')
      for (let i = 0; i < slots; i++) peers.answered('a', undefined)
      return slots
    }
    const slots = [free()]
    for (let i = 0; i < 4; i++) {
      peers.asked('a')
      peers.answered('a', 10)
      slots.push(free())
    }
    expect(slots).toEqual([1, 2, 3, 3, 3])
    peers.asked('a')
    peers.failed('a', -5_000)
    expect(free()).toBe(1)
  })

  it('lets a slow peer rest for 5 s, twice as long each time, up to 2 minutes, and anew after an answer', () => {
    const peers = peersWith('a')
    let now = 0
    const restOf = () => {
      peers.asked('a')
      peers.failed('a', now)
      const start = now
      while (choose(peers, now) === undefined) now += 1_000
      expect(peers.highestFinal(now - 1_000)).toBe(0n)
      expect(peers.highestHead(now - 1_000)).toBeUndefined()
      return now - start
    }
    expect(Array.from({ length: 7 }, restOf)).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000])
    peers.asked('a')
    peers.answered('a', 10)
    expect(restOf()).toBe(5_000)
  })

  it('asks the quickest, and none for what it was shown not to have', () => {
    const peers = peersWith('slow', 'quick')
    for (const [id, tookMs] of [
      ['slow', 900],
      ['quick', 30],
    ] as const) {
      peers.asked(id)
      peers.answered(id, tookMs)
    }
    expect(choose(peers, 0)).toBe('quick')
    peers.disprove('quick', 64n)
    expect([choose(peers, 0), choose(peers, 0, true)]).toEqual(['slow', 'slow'])
    expect(peers.choose(1n, 63n, true, 0, anybody)?.id).toBe('quick')
    peers.disproveFinal('slow', 10n)
    expect([choose(peers, 0), choose(peers, 0, true)]).toEqual(['slow', 'quick'])
    expect([peers.highestFinal(0), peers.highestHead(0)]).toEqual([63n, { id: 'slow', head: 100n }])
  })
})
