import { describe, expect, it } from 'vitest'
import { medianOffsetMs, offsetOfMs } from './clock-offset.ts'

describe('the offset of this clock', () => {
  it('is none without peers', () => {
    expect(medianOffsetMs([])).toBe(0)
  })

  it('is what the others agree on, whatever one of three says', () => {
    expect(medianOffsetMs([2_000, 2_010, -1e9])).toBe(1_000)
    expect(medianOffsetMs([5, -5, 1e9])).toBe(2.5)
    expect(medianOffsetMs([900, 1_000, 1_100, 1_200, -1e9, 1e9])).toBe(1_000)
  })

  it('takes an answer to have been given half way', () => {
    expect(offsetOfMs(10_500n, 10_000, 10_200)).toBe(400)
    expect(offsetOfMs(10_100n, 10_000, 10_200)).toBe(0)
  })
})
