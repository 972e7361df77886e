import { describe, expect, it } from 'vitest'
import { BAN_MS, BAN_SCORE, MAX_SCORE } from './limits.ts'
import { PeerScores } from './peer-scores.ts'
import { TokenBucket } from './token-bucket.ts'

describe('PeerScores', () => {
  it('bans at the limit, for its time, and begins anew after it', () => {
    const scores = new PeerScores()
    expect(scores.add('a', BAN_SCORE + 1, 0)).toBe(false)
    expect(scores.isBanned('a', 0)).toBe(false)
    expect(scores.add('a', -1, 0)).toBe(true)
    expect(scores.isBanned('a', BAN_MS - 1)).toBe(true)
    expect(scores.isBanned('a', BAN_MS)).toBe(false)
    expect(scores.of('a', BAN_MS)).toBe(0)
    expect(scores.bans(1)).toEqual([['a', BAN_MS]])
    expect(new PeerScores(scores.bans(1)).isBanned('a', 2)).toBe(true)
  })

  it('lets mishaps fade by a point a second, never above nothing', () => {
    const scores = new PeerScores()
    scores.add('a', -100, 0)
    expect([scores.of('a', 40_000), scores.of('a', 1_000_000)]).toEqual([-60, 0])
    // Twenty mishaps in an hour are no reason; twenty in a minute are.
    for (let i = 0; i < 20; i++) expect(scores.add('slow', -50, i * 180_000)).toBe(false)
    let banned = false
    for (let i = 0; i < 21; i++) banned ||= scores.add('quick', -50, i * 1_000)
    expect(banned).toBe(true)
  })

  it('lets nobody save up more than the most', () => {
    const scores = new PeerScores()
    scores.add('a', 10 * MAX_SCORE, 0)
    expect(scores.of('a', 0)).toBe(MAX_SCORE)
  })

  it('forgets the oldest scores and the bans that end first, of more than it keeps', () => {
    const scores = new PeerScores()
    for (let i = 0; i < 2_001; i++) scores.add(`p${i}`, -10, 0)
    expect([scores.of('p0', 0), scores.of('p1', 0), scores.of('p2000', 0)]).toEqual([0, -10, -10])
    for (let i = 0; i < 5_001; i++) scores.add(`bad${i}`, BAN_SCORE, i)
    expect([scores.isBanned('bad0', 5_001), scores.isBanned('bad1', 5_001)]).toEqual([false, true])
    expect(scores.bans(5_001)).toHaveLength(5_000)
  })
})

describe('TokenBucket', () => {
  it('gives its burst, then its rate, and nothing for a clock that goes back', () => {
    const bucket = new TokenBucket({ burst: 3, perSecond: 2 }, 1_000)
    const taken = (atMs: number, times: number) =>
      Array.from({ length: times }, () => bucket.take(atMs)).filter(Boolean).length
    expect(taken(1_000, 10)).toBe(3)
    expect(taken(1_500, 10)).toBe(1)
    expect(taken(0, 10)).toBe(0)
    expect(taken(100_000, 10)).toBe(3)
  })
})
