import { describe, expect, it } from 'vitest'
import { superfluous, windowsThatAge } from './kept-justifications.ts'
import { testHash } from './testing/fixtures.ts'

const block = (number: number, targets = 1) => ({ number: BigInt(number), hash: testHash(number), targets })

describe('the justifications that stay', () => {
  it('are all those of the last 1,024 blocks; older ones are thinned out window by window', () => {
    expect(windowsThatAge(0n, 1279n)).toEqual([])
    expect(windowsThatAge(1279n, 1280n)).toEqual([0n])
    expect(windowsThatAge(1280n, 1281n)).toEqual([])
    expect(windowsThatAge(1280n, 2000n)).toEqual([256n, 512n])
  })

  it('are those of the epochs’ last blocks, or else the one with the fewest targets, and of several the latest', () => {
    expect(superfluous([block(299), block(300), block(301)], 100n)).toEqual([testHash(299), testHash(301)])
    expect(superfluous([block(301, 2), block(302, 1), block(303, 1), block(304, 3)], 1200n)).toEqual(
      [301, 302, 304].map(testHash),
    )
    expect(superfluous([block(301, 3)], 1200n)).toEqual([])
    expect(superfluous([], 1200n)).toEqual([])
  })
})
