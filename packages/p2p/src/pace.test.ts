import { expect, it } from 'vitest'
import { HastyClock } from '@hawser/primitives/testing'
import { REQUEST_RATES } from './limits.ts'
import { Pace } from './pace.ts'
import { TokenBucket } from './token-bucket.ts'

it('asks so often that no peer has to refuse, and not much less often', async () => {
  for (const protocol of ['blocks-by-hash', 'handovers'] as const) {
    const clock = new HastyClock()
    const pace = new Pace(protocol, clock)
    const bucket = new TokenBucket(REQUEST_RATES[protocol], clock.nowMs())
    for (let i = 0; i < 1_000; i++) {
      await pace.turn()
      expect(bucket.take(clock.nowMs()), `${protocol} ${i}`).toBe(true)
    }
    expect(1_000 / (clock.nowMs() / 1_000), protocol).toBeGreaterThan(REQUEST_RATES[protocol].perSecond / 2)
  }
})

it('stops waiting when it is told to', async () => {
  const pace = new Pace('handovers', { nowMs: () => 0, after: () => () => undefined })
  for (let i = 0; i < REQUEST_RATES.handovers.burst / 2; i++) await pace.turn()
  const stopping = new AbortController()
  const turn = pace.turn({ signal: stopping.signal })
  stopping.abort(new Error('the node stops'))
  await expect(turn).rejects.toThrow('the node stops')
})
