import { silentLogger, toHex, uintBE, type Address, type Clock } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { AuraAuthorService, type AuthorTask } from './aura-author-service.ts'
import { slotAt, slotAuthor } from './aura.ts'
import { testHash } from './testing/fixtures.ts'

const authorities = [1, 2].map((n) => toHex(uintBE(n, 20)) as Address)

/** A clock that runs its timers when it is moved. */
class ManualClock implements Clock {
  now = 10_500
  #timers: { atMs: number; callback: () => void }[] = []
  nowMs(): number {
    return this.now
  }
  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.now + delayMs, callback }
    this.#timers.push(timer)
    return () => (this.#timers = this.#timers.filter((other) => other !== timer))
  }
  async move(ms: number): Promise<void> {
    const end = this.now + ms
    for (;;) {
      const next = this.#timers.filter((timer) => timer.atMs <= end).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      this.now = Math.max(this.now, next.atMs)
      next.callback()
      // Lets the service's promises run: it sets its next timer in one of them.
      for (let i = 0; i < 10; i++) await Promise.resolve()
    }
    this.now = end
  }
}

function author(
  state: {
    head?: bigint
    finalized?: bigint
    headSlot?: bigint
    alone?: boolean
    listening?: boolean
    offsetMs?: number
    settled?: () => Promise<void>
  } = {},
) {
  const clock = new ManualClock()
  const made: AuthorTask[] = []
  const service = new AuraAuthorService({
    address: authorities[0] as Address,
    consensus: { slotAt: (ms) => slotAt(ms, 1000), author: (slot) => slotAuthor(slot, authorities) as Address },
    slotSeconds: 1,
    tree: {
      best: () => ({ number: state.head ?? 5n, hash: testHash(5) }),
      finalized: () => ({ number: state.finalized ?? 5n, hash: testHash(4) }),
    },
    slotOf: () => state.headSlot ?? 9n,
    alone: () => state.alone ?? false,
    listening: () => state.listening ?? false,
    settled: state.settled ?? (() => Promise.resolve()),
    clockOffsetMs: () => state.offsetMs ?? 0,
    produce: async (task) => {
      made.push(task)
      if (made.length === 1) throw new Error('a failure does not stop the next block')
    },
    clock,
    logger: silentLogger,
  })
  return { clock, made, service }
}

describe('the author', () => {
  it('looks at the best block once that is stored', async () => {
    const state = { head: 5n, settled: async () => void (state.head = 6n) }
    const { clock, made, service } = author(state)
    service.start()
    await clock.move(2000)
    expect(made.map(({ parent }) => parent.number)).toEqual([6n])
    await service.stop()
  })

  it('makes a block at the start of each of its slots, also after a failure, until it is stopped', async () => {
    const { clock, made, service } = author()
    service.start()
    await clock.move(6000)
    expect(made.map((task) => task.slot)).toEqual([12n, 14n, 16n])
    await service.stop()
    await clock.move(6000)
    expect(made.length).toBe(3)
  })

  it('stays silent when the slot is taken, finality lags, or nobody hears it', () => {
    expect(author().service.abstains(12n)).toBeUndefined()
    expect(author().service.abstains(11n)).toBe('not-our-slot')
    expect(author({ headSlot: 12n }).service.abstains(12n)).toBe('slot-taken')
    expect(author({ head: 100n, finalized: 2n }).service.abstains(12n)).toBe('finality-lags')
    expect(author({ alone: true }).service.abstains(12n)).toBe('alone')
    expect(author({ listening: true }).service.abstains(12n)).toBe('listening')
    for (const offsetMs of [334, -334]) expect(author({ offsetMs }).service.abstains(12n)).toBe('clock-is-off')
    for (const offsetMs of [333, -333]) expect(author({ offsetMs }).service.abstains(12n)).toBeUndefined()
  })
})
