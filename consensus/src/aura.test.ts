import { toHex, uintBE, type Address } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { backsOff, buildDeadlineMs, checkSlot, slotAt, slotAuthor, SlotBook } from './aura.ts'
import { testHash } from './testing/fixtures.ts'

const authors = [1, 2, 3].map((n) => toHex(uintBE(n, 20)) as Address)

describe('slots', () => {
  it('are floor(time / duration), and their authors take turns', () => {
    expect(slotAt(8_999, 3000)).toBe(2n)
    expect(slotAt(9_000, 3000)).toBe(3n)
    expect([3n, 4n, 5n, 6n].map((slot) => slotAuthor(slot, authors))).toEqual([...authors, authors[0]])
    expect(slotAuthor(3n, [])).toBeUndefined()
  })

  it('must be hit exactly, follow the parent, and lie at most one ahead of the clock', () => {
    const parent = { timestamp: 9n }
    const check = (timestamp: bigint, nowMs = 12_500) => checkSlot({ timestamp }, parent, 3, nowMs)
    expect(check(12n)).toBeUndefined()
    expect(check(15n)).toBeUndefined()
    expect(check(18n)).toBe('too-early')
    expect(check(13n)).toBe('not-on-slot')
    expect(check(9n)).toBe('not-after-parent')
    expect(check(6n)).toBe('not-after-parent')
  })
})

describe('authoring', () => {
  it('holds back while more than 50 blocks wait for finality, by half of what is above, at most 100 slots', () => {
    expect(backsOff(101n, 100n, 50n)).toBe(false)
    expect(backsOff(101n, 100n, 51n)).toBe(false)
    expect(backsOff(102n, 100n, 54n)).toBe(true)
    expect(backsOff(103n, 100n, 54n)).toBe(false)
    expect(backsOff(200n, 100n, 100_000n)).toBe(true)
    expect(backsOff(201n, 100n, 100_000n)).toBe(false)
  })

  it('builds for half a slot, longer after skipped slots, and leaves a fifth for the way', () => {
    expect(buildDeadlineMs(10n, 9n, 2000)).toBe(21_000)
    expect(buildDeadlineMs(10n, 8n, 2000)).toBeCloseTo(20_000 + 1000 * Math.SQRT2)
    expect(buildDeadlineMs(10n, 1n, 2000)).toBe(21_600)
  })
})

describe('the slot book', () => {
  const author = authors[0] as Address
  const block = (n: number) => ({ hash: testHash(n), header: new Uint8Array(), seal: new Uint8Array(65) })

  it('proves an equivocation with the second block of an author and slot, and drops further ones', () => {
    const book = new SlotBook()
    expect(book.record(5n, author, block(1)).kind).toBe('new')
    expect(book.record(5n, author, block(1)).kind).toBe('known')
    expect(book.record(5n, author, block(2))).toEqual({
      kind: 'equivocation',
      evidence: { offender: author, slot: 5n, first: block(1), second: block(2) },
    })
    expect(book.record(5n, author, block(3)).kind).toBe('surplus')
    expect(book.isSurplus(5n, author, testHash(3))).toBe(true)
    expect(book.isSurplus(5n, author, testHash(2))).toBe(false)
    expect(book.record(6n, author, block(3)).kind).toBe('new')
  })

  it('forgets slots a thousand behind', () => {
    const book = new SlotBook()
    book.record(5n, author, block(1))
    book.record(1005n, author, block(2))
    expect(book.record(5n, author, block(3)).kind).toBe('old')
  })
})
