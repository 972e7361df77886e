import { describe, expect, it } from 'vitest'
import type { Address } from '@hawser/primitives'
import { MAX_BOOK, PeerBook, type KnownAddress } from './peer-book.ts'

const ID = (n: number) => `16Uiu2HAm${String(n).padStart(30, 'A')}`
const address = (n: number, port = 30_303) => `/ip4/203.0.113.${n % 250}/tcp/${port}/p2p/${ID(n)}`
const middle = () => 0.5
const nobody = () => false
const validatorOf = (n: number) => `0x${String(n).padStart(40, '0')}` as Address
const newBook = (
  bootnodes: readonly string[],
  known: readonly KnownAddress[],
  random: () => number,
  inOffice: readonly Address[] = [],
) => new PeerBook({ self: ID(0), bootnodes, known, random, isInOffice: (one) => inOffice.includes(one) })

/** Waits of one peer's attempts when all fail, in milliseconds, to within 250. */
function waitsOf(book: PeerBook, attempts: number, id = ID(1)): number[] {
  let now = 0
  return Array.from({ length: attempts }, () => {
    const start = now
    while (book.toDial(now, 1, (one) => one !== id).length === 0) now += 250
    book.failed(id, now)
    return now - start
  })
}

describe('PeerBook', () => {
  it('dials bootnodes first, and nobody twice at the same time', () => {
    const book = newBook([address(1)], [], middle)
    book.hear(address(2), ID(9))
    expect(book.toDial(0, 8, nobody).map(({ id }) => id)).toEqual([ID(1), ID(2)])
    expect(book.toDial(0, 8, nobody)).toEqual([])
  })

  it('waits twice as long after each failure, up to a most, with jitter', () => {
    const known = [{ id: ID(1), addresses: [address(1)], seenMs: 1 }]
    const doubled = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000]
    expect(waitsOf(newBook([], known, middle), 13)).toEqual(doubled)
    // Who the operator named is dialled every second for ever.
    expect(waitsOf(newBook([address(1)], [], middle), 13)).toEqual([0, 500, ...Array<number>(11).fill(1_000)])
    const early = newBook([address(1)], [], () => 0)
    early.toDial(0, 1, nobody)
    early.failed(ID(1), 0)
    expect([early.toDial(249, 1, nobody).length, early.toDial(250, 1, nobody).length]).toEqual([0, 1])
  })

  it('waits for no validator in office longer than ten seconds', () => {
    const lost = (inOffice: readonly Address[]) => {
      const book = newBook([], [], middle, inOffice)
      book.reached(ID(1), [address(1)], 0, validatorOf(1))
      return book
    }
    const capped = [0, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]
    expect(waitsOf(lost([validatorOf(2), validatorOf(1)]), 8)).toEqual(capped)
    // Anybody can prove to have some key.
    expect(waitsOf(lost([validatorOf(2)]), 8).slice(-2)).toEqual([16_000, 32_000])
    // Of several peers with one validator's key, the last one to show it.
    const many = lost([validatorOf(1)])
    many.reached(ID(2), [address(2)], 0, validatorOf(1))
    expect(waitsOf(many, 8, ID(1)).slice(-2)).toEqual([16_000, 32_000])
    expect(waitsOf(many, 8, ID(2))).toEqual(capped)
    // Who comes again without a key is a validator no more.
    const former = lost([validatorOf(1)])
    former.reached(ID(1), [], 0)
    expect(waitsOf(former, 8).slice(-1)).toEqual([32_000])
  })

  it('begins anew with the waiting when a connection stood', () => {
    const book = newBook([], [{ id: ID(1), addresses: [address(1)], seenMs: 1 }], middle)
    for (let i = 0; i < 6; i++) book.failed(ID(1), 0)
    book.reached(ID(1), [], 50_000)
    book.failed(ID(1), 60_000)
    expect(book.toDial(60_499, 1, nobody)).toEqual([])
    expect(book.toDial(60_500, 1, nobody)).toHaveLength(1)
  })

  it('forgets who was never reached, and keeps who was', () => {
    const book = newBook([], [], middle)
    book.hear(address(1), ID(9))
    book.hear(address(2), ID(9))
    book.reached(ID(2), [address(2)], 1)
    for (let i = 0; i < 8; i++) for (const id of [ID(1), ID(2)]) book.failed(id, 0)
    expect(book.size).toBe(1)
    expect(book.kept()).toEqual([{ id: ID(2), addresses: [address(2)], seenMs: 1 }])
  })

  it('takes no more from one liar than its share, and never lets hearsay drive out who was reached', () => {
    const book = newBook([], [], middle)
    for (let n = 1; n <= 500; n++) book.hear(address(n), ID(9))
    expect(book.size).toBe(64)
    for (let n = 1_000; n < 1_000 + MAX_BOOK; n++) book.reached(ID(n), [address(n)], n)
    expect(book.size).toBe(MAX_BOOK)
    for (let n = 5_000; n < 5_500; n++) book.hear(address(n), ID(n % 40))
    expect(book.kept().length).toBe(MAX_BOOK)
  })

  it('believes nobody about the addresses of another that was reached, or that the operator named', () => {
    const book = newBook([address(4)], [], middle)
    book.reached(ID(1), [address(1)], 1)
    book.hear(address(1, 666), ID(9))
    book.hear(address(4, 666), ID(9))
    expect(book.addressesOf(ID(4))).toEqual([address(4)])
    book.reached(ID(2), [address(3)], 1)
    expect(book.addressesOf(ID(1))).toEqual([address(1)])
    expect(book.addressesOf(ID(2))).toEqual([])
    expect(book.addressesOf(ID(3))).toEqual([])
  })

  it('takes no addresses that are none', () => {
    const book = newBook([], [], middle)
    const bad = [
      '',
      'http://x',
      `/ip4/300.1.1.1/tcp/1/p2p/${ID(1)}`,
      `/ip4/1.1.1.1/udp/1/p2p/${ID(1)}`,
      '/ip4/1.1.1.1/tcp/1',
    ]
    for (const one of [...bad, `/dns4/${'x'.repeat(200)}/tcp/1/p2p/${ID(1)}`]) book.hear(one, ID(9))
    expect(book.size).toBe(0)
  })

  it('takes no word of a peer about itself, and keeps four addresses of each', () => {
    const book = newBook([], [], middle)
    book.hear(address(1), ID(1))
    expect(book.size).toBe(0)
    for (let port = 1; port <= 6; port++) book.hear(address(1, port), ID(9))
    expect(book.addressesOf(ID(1))).toEqual([1, 2, 3, 4].map((port) => address(1, port)))
    const own = [1, 2, 3, 4, 5].map((port) => address(2, port))
    book.reached(ID(2), own, 1)
    expect(book.addressesOf(ID(2))).toEqual(own.slice(0, 4))
    const known = [{ id: ID(3), addresses: own.map((one) => one.replace(ID(2), ID(3))), seenMs: 1 }]
    expect(newBook([], known, middle).addressesOf(ID(3))).toHaveLength(4)
  })

  it('makes room at the cost of neither bootnodes nor those that are dialled, and writes down who was reached', () => {
    const book = newBook([address(1)], [], middle)
    book.hear(address(2), ID(9))
    expect(book.toDial(0, 8, nobody).map(({ id }) => id)).toEqual([ID(1), ID(2)])
    book.failed(ID(1), 0)
    for (let n = 1_000; n < 1_000 + 2 * MAX_BOOK; n++) book.reached(ID(n), [address(n)], n)
    expect(book.size).toBe(MAX_BOOK)
    for (const n of [1, 2]) expect(book.addressesOf(ID(n))).toEqual([address(n)])
    expect(book.kept()).toHaveLength(MAX_BOOK - 2)
    expect(book.kept()[0]).toMatchObject({ seenMs: 1_000 + MAX_BOOK - 3 })
  })
})
