import { describe, expect, it } from 'vitest'
import { MAX_BOOK, PeerBook } from './peer-book.ts'

const ID = (n: number) => `16Uiu2HAm${String(n).padStart(30, 'A')}`
const address = (n: number, port = 30_303) => `/ip4/203.0.113.${n % 250}/tcp/${port}/p2p/${ID(n)}`
const middle = () => 0.5
const nobody = () => false

describe('PeerBook', () => {
  it('dials bootnodes first, and nobody twice at the same time', () => {
    const book = new PeerBook(ID(0), [address(1)], [], middle)
    book.hear(address(2), ID(9))
    expect(book.toDial(0, 8, nobody).map(({ id }) => id)).toEqual([ID(1), ID(2)])
    expect(book.toDial(0, 8, nobody)).toEqual([])
  })

  it('waits twice as long after each failure, up to a most, with jitter', () => {
    const waitsOf = (book: PeerBook) => {
      let now = 0
      return Array.from({ length: 13 }, () => {
        const start = now
        while (book.toDial(now, 1, nobody).length === 0) now += 250
        book.failed(ID(1), now)
        return now - start
      })
    }
    const known = [{ id: ID(1), addresses: [address(1)], seenMs: 1 }]
    const doubled = [0, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000]
    expect(waitsOf(new PeerBook(ID(0), [], known, middle))).toEqual(doubled)
    // Who the operator named is dialled every second for ever.
    expect(waitsOf(new PeerBook(ID(0), [address(1)], [], middle))).toEqual([0, 500, ...Array<number>(11).fill(1_000)])
    const early = new PeerBook(ID(0), [address(1)], [], () => 0)
    early.toDial(0, 1, nobody)
    early.failed(ID(1), 0)
    expect([early.toDial(249, 1, nobody).length, early.toDial(250, 1, nobody).length]).toEqual([0, 1])
  })

  it('begins anew with the waiting when a connection stood', () => {
    const book = new PeerBook(ID(0), [], [{ id: ID(1), addresses: [address(1)], seenMs: 1 }], middle)
    for (let i = 0; i < 6; i++) book.failed(ID(1), 0)
    book.reached(ID(1), [], 50_000)
    book.failed(ID(1), 60_000)
    expect(book.toDial(60_499, 1, nobody)).toEqual([])
    expect(book.toDial(60_500, 1, nobody)).toHaveLength(1)
  })

  it('forgets who was never reached, and keeps who was', () => {
    const book = new PeerBook(ID(0), [], [], middle)
    book.hear(address(1), ID(9))
    book.hear(address(2), ID(9))
    book.reached(ID(2), [address(2)], 1)
    for (let i = 0; i < 8; i++) for (const id of [ID(1), ID(2)]) book.failed(id, 0)
    expect(book.size).toBe(1)
    expect(book.kept()).toEqual([{ id: ID(2), addresses: [address(2)], seenMs: 1 }])
  })

  it('takes no more from one liar than its share, and never lets hearsay drive out who was reached', () => {
    const book = new PeerBook(ID(0), [], [], middle)
    for (let n = 1; n <= 500; n++) book.hear(address(n), ID(9))
    expect(book.size).toBe(64)
    for (let n = 1_000; n < 1_000 + MAX_BOOK; n++) book.reached(ID(n), [address(n)], n)
    expect(book.size).toBe(MAX_BOOK)
    for (let n = 5_000; n < 5_500; n++) book.hear(address(n), ID(n % 40))
    expect(book.kept().length).toBe(MAX_BOOK)
  })

  it('believes nobody about the addresses of another that was reached, or that the operator named', () => {
    const book = new PeerBook(ID(0), [address(4)], [], middle)
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
    const book = new PeerBook(ID(0), [], [], middle)
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
    const book = new PeerBook(ID(0), [], [], middle)
    book.hear(address(1), ID(1))
    expect(book.size).toBe(0)
    for (let port = 1; port <= 6; port++) book.hear(address(1, port), ID(9))
    expect(book.addressesOf(ID(1))).toEqual([1, 2, 3, 4].map((port) => address(1, port)))
    const own = [1, 2, 3, 4, 5].map((port) => address(2, port))
    book.reached(ID(2), own, 1)
    expect(book.addressesOf(ID(2))).toEqual(own.slice(0, 4))
    const known = [{ id: ID(3), addresses: own.map((one) => one.replace(ID(2), ID(3))), seenMs: 1 }]
    expect(new PeerBook(ID(0), [], known, middle).addressesOf(ID(3))).toHaveLength(4)
  })

  it('makes room at the cost of neither bootnodes nor those that are dialled, and writes down who was reached', () => {
    const book = new PeerBook(ID(0), [address(1)], [], middle)
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
