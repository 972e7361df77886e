import { describe, expect, it } from 'vitest'
import { address, hash32 } from '@hawser/primitives'
import { Bloom } from '@hawser/chain'
import { matches, mayMatch, readLogFilter } from './log-filter.ts'

const A = address(`0x${'aa'.repeat(20)}`)
const B = address(`0x${'bb'.repeat(20)}`)
const topic = (digit: string) => hash32(`0x${digit.repeat(64)}`)
const log = { address: A, topics: [topic('1'), topic('2')], data: new Uint8Array() }
const fits = (filter: unknown) => matches(readLogFilter(filter), log)

describe('a log filter', () => {
  it('takes any address when none is named, else one of those named', () => {
    expect(fits({})).toBe(true)
    expect(fits({ address: A })).toBe(true)
    expect(fits({ address: [B, A] })).toBe(true)
    expect(fits({ address: B })).toBe(false)
  })

  it('matches topics by place: null for whatever, a list for either', () => {
    expect(fits({ topics: [topic('1')] })).toBe(true)
    expect(fits({ topics: [null, topic('2')] })).toBe(true)
    expect(fits({ topics: [[topic('9'), topic('1')]] })).toBe(true)
    expect(fits({ topics: [topic('2')] })).toBe(false)
    expect(fits({ topics: [[]] })).toBe(true)
  })

  it('wants a log to have as many topics as the filter, also where it says null', () => {
    expect(fits({ topics: [null, null] })).toBe(true)
    expect(fits({ topics: [null, null, null] })).toBe(false)
  })

  it('passes by a block whose bloom filter has nothing of it, and asks the filter not about hundreds of choices', () => {
    const bloom = new Bloom()
    const may = (filter: unknown) => mayMatch(readLogFilter(filter), bloom.bytes)
    expect(may({})).toBe(false)
    bloom.add(A)
    bloom.add(topic('1'))
    expect(may({})).toBe(true)
    expect(may({ address: [B, A], topics: [topic('1')] })).toBe(true)
    expect(may({ address: B })).toBe(false)
    expect(may({ topics: [null, topic('2')] })).toBe(false)
    const many = Array.from({ length: 100 }, (_, i) => `0x${i.toString(16).padStart(64, '0')}`)
    expect(may({ topics: [many] })).toBe(true)
  })

  it('refuses what is no filter', () => {
    expect(() => readLogFilter({ topics: 'x' })).toThrow('topics must be a list')
    expect(() => readLogFilter({ topics: [null, null, null, null, null] })).toThrow('exceed max topics')
    expect(() => readLogFilter({ address: '0x12' })).toThrow('invalid address')
    expect(() => readLogFilter({ topics: ['0x12'] })).toThrow('invalid topic')
    expect(() => readLogFilter({ address: Array.from({ length: 1001 }, () => A) })).toThrow('more than 1000')
  })
})
