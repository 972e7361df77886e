import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { StoredChain, type BlockRef, type PeerId, type Protocol, type StateRange } from '@hawser/chain'
import { StateImport } from '@hawser/execution'
import { buildGenesis, genesisAccounts } from '@hawser/genesis'
import { fetchState, MAX_MESSAGE_BYTES, serveState } from '@hawser/p2p'
import {
  AppError,
  compareBytes,
  decodeRlp,
  fromHex,
  isAppError,
  keccak256,
  silentLogger,
  toHex,
  uintBE,
  type Address,
  type Clock,
  type Hash32,
} from '@hawser/primitives'
import { anyMessage } from '@hawser/primitives/testing'
import { MemoryStore } from '@hawser/storage'
import { RLP } from '@ethereumjs/rlp'
import { TestChain, TEST_SPEC } from '../kit/index.ts'

type Handler = (message: Uint8Array) => Promise<Uint8Array>

/** No time passes: the server's rests are over at once. */
const timeless: Clock = {
  nowMs: () => 0,
  after: (_, callback) => {
    queueMicrotask(callback)
    return () => undefined
  },
}
const FIRST = new Uint8Array(32)
const LAST = new Uint8Array(32).fill(0xff)
const MAX_ITEMS = 100_000

let source: TestChain
let target: BlockRef & { readonly stateRoot: Hash32 }
let serve: Readonly<Record<'state-range' | 'state-code', Handler>>
/** All accounts of the state, ascending by key. */
let accounts: StateRange['leaves']
/** What an honest import leaves in the database. */
let whole: string[]

beforeAll(async () => {
  const funded = Array.from({ length: 1_500 }, (_, i) => ({
    address: toHex(keccak256(Uint8Array.of(i >> 8, i & 255)).subarray(0, 20)) as Address,
    balance: 10n ** 18n + BigInt(i),
  }))
  source = await TestChain.create(funded)
  const { block } = await source.mine()
  target = { number: 1n, hash: toHex(block.hash()) as Hash32, stateRoot: toHex(block.header.stateRoot) as Hash32 }
  const handlers = new Map<Protocol, Handler>()
  const server = {
    serve: (protocol: Protocol, handler: (message: Uint8Array, from: PeerId) => Promise<Uint8Array>) => {
      handlers.set(protocol, (message) => handler(message, 'somebody'))
      return () => undefined
    },
  }
  serveState(server, source.engine.stateSource(), timeless)
  serve = {
    'state-range': handlers.get('state-range') as Handler,
    'state-code': handlers.get('state-code') as Handler,
  }
  accounts = source.engine.stateSource().range(target, undefined, FIRST, LAST, 2 ** 30)?.leaves ?? []
  whole = await contentOf(await importedFrom({ honest: askHonestly }))
})
afterAll(() => source.dispose())

const requestOf = (account: Uint8Array | undefined, origin: Uint8Array, limit: Uint8Array, block: BlockRef = target) =>
  RLP.encode([uintBE(block.number, 8), fromHex(block.hash), account ?? new Uint8Array(), origin, limit])

async function emptyImport(): Promise<{ db: MemoryStore; sink: StateImport }> {
  const db = new MemoryStore()
  const genesis = await buildGenesis(TEST_SPEC, source.common, genesisAccounts(TEST_SPEC))
  await StoredChain.open(db, source.common, genesis)
  return { db, sink: await StateImport.open(db, target, target.stateRoot) }
}

type Peer = (protocol: 'state-range' | 'state-code', message: Uint8Array) => Promise<Uint8Array>
const askHonestly: Peer = (protocol, message) => serve[protocol](message)

/** Fetches the state from peers that answer as they are told; who was blamed is noted. */
async function importedFrom(peers: Readonly<Record<PeerId, Peer>>, blamed: PeerId[] = []): Promise<MemoryStore> {
  const { db, sink } = await emptyImport()
  const transport = {
    peers: () => Object.keys(peers).map((id) => ({ id, validator: undefined, score: 0 })),
    request: (peer: PeerId, protocol: Protocol, message: Uint8Array) =>
      (peers[peer] as Peer)(protocol as 'state-range' | 'state-code', message),
    report: (peer: PeerId, delta: number) => {
      expect(delta).toBe(-1_000)
      blamed.push(peer)
    },
  }
  await db.write(await fetchState({ transport, sink, logger: silentLogger }))
  expect(StateImport.isPending(db)).toBe(false)
  return db
}

async function contentOf(db: MemoryStore): Promise<string[]> {
  const content: string[] = []
  for await (const [key, value] of db.entries({ gte: FIRST.subarray(0, 1), lt: LAST }))
    content.push(`${toHex(key)} ${toHex(value)}`)
  return content
}

const key = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('the server of states', () => {
  it('answers any question shortly and truly, or refuses it', async () => {
    const { sink } = await emptyImport()
    const somewhere = fc.oneof(key, fc.constantFrom(FIRST, LAST, ...accounts.slice(0, 20).map((leaf) => leaf.key)))
    const block = fc.oneof(
      { weight: 8, arbitrary: fc.constant<BlockRef>(target) },
      fc.record({ number: fc.bigInt(0n, 2n ** 64n - 1n), hash: key.map((bytes) => toHex(bytes) as Hash32) }),
    )
    const question = fc.record({
      block,
      account: fc.option(somewhere, { nil: undefined }),
      from: somewhere,
      to: somewhere,
    })
    let answered = 0
    await fc.assert(
      fc.asyncProperty(question, async ({ block, account, from, to }) => {
        let answer: Uint8Array
        try {
          answer = await serve['state-range'](requestOf(account, from, to, block))
        } catch (error) {
          expect(isAppError(error, 'STATE_UNKNOWN'), String(error)).toBe(true)
          return
        }
        answered++
        expect(answer.length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES['state-range'].response)
        // There is one genesis, whatever hash is said.
        if (block.number === 0n) return
        expect(block).toEqual(target)
        if (account === undefined && compareBytes(from, to) <= 0)
          expect(sink.accounts(from, to, rangeIn(answer))).toBeDefined()
      }),
      { numRuns: 300 },
    )
    expect(answered).toBeGreaterThan(0)
  })

  it('refuses what is no question as the asker’s fault, and knows no code by anything but its hash', async () => {
    for (const [protocol, valid] of [
      ['state-range', requestOf(undefined, FIRST, LAST)],
      ['state-code', keccak256(Uint8Array.of(1))],
    ] as const)
      await fc.assert(
        fc.asyncProperty(anyMessage(valid), async (message) => {
          try {
            expect((await serve[protocol](message)).length).toBeLessThanOrEqual(MAX_MESSAGE_BYTES[protocol].response)
          } catch (error) {
            const isQuestion = isAppError(error, 'STATE_UNKNOWN')
            expect(isQuestion || (isAppError(error, 'MESSAGE_MALFORMED') && error.info.fault === 'peer')).toBe(true)
            if (protocol === 'state-code') expect(isQuestion).toBe(message.length === 32)
          }
        }),
        { numRuns: 1_000 },
      )
  })

  it('lets no more wait than so many, whoever asks', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 200 }, () => serve['state-range'](requestOf(undefined, FIRST, LAST))),
    )
    const refused = asked.filter((one) => one.status === 'rejected').map((one) => one.reason as unknown)
    expect(refused.length).toBe(200 - 64)
    for (const error of refused) expect(isAppError(error, 'STATE_BUSY')).toBe(true)
  })
})

/** The fields of an answer, unchecked. */
function rangeIn(answer: Uint8Array): StateRange {
  const [leaves, end, proof] = decodeRlp(answer, MAX_ITEMS) as [[Uint8Array, Uint8Array][], Uint8Array, Uint8Array[]]
  return { leaves: leaves.map(([leafKey, value]) => ({ key: leafKey, value })), end, proof }
}

/** Changes of a range that keep its form: what a liar would try. */
const lies = fc.oneof(
  fc.record({ what: fc.constant('drop' as const), at: fc.nat(), byte: fc.nat(255) }),
  fc.record({
    what: fc.constantFrom('value', 'key', 'end', 'swap', 'add', 'node', 'cut', 'repeat'),
    at: fc.nat(),
    byte: fc.nat(255),
  }),
)

function lieAbout(answer: Uint8Array, { what, at, byte }: { what: string; at: number; byte: number }): Uint8Array {
  const { leaves, end, proof } = rangeIn(answer)
  const list = leaves.map(({ key: leafKey, value }) => [leafKey, value] as [Uint8Array, Uint8Array])
  const i = at % Math.max(1, list.length)
  const leaf = list[i]
  const flip = (bytes: Uint8Array | undefined) => {
    if (bytes && bytes.length > 0) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ (byte || 1)
  }
  if (what === 'drop') list.splice(i, 1)
  else if (what === 'value') flip(leaf?.[1])
  else if (what === 'key') flip(leaf?.[0])
  else if (what === 'end') flip(end)
  else if (what === 'node') flip(proof[at % Math.max(1, proof.length)])
  else if (what === 'cut') list.splice(i)
  else if (what === 'swap' && list.length > 1) list.push(list.shift() as [Uint8Array, Uint8Array])
  else if (what === 'repeat' && leaf) list.splice(i, 0, leaf)
  else if (what === 'add') list.splice(i, 0, [keccak256(Uint8Array.of(byte)), leaf?.[1] ?? Uint8Array.of(1)])
  return RLP.encode([list, end, [...proof]])
}

describe('an answer about a state', () => {
  it('is taken for what it proves, or not at all, however it was changed', async () => {
    const { sink } = await emptyImport()
    const [limit] = [sink.missing()[0]?.limit as Uint8Array]
    const answer = await serve['state-range'](requestOf(undefined, FIRST, limit))
    const known = new Map(accounts.map((leaf) => [toHex(leaf.key), toHex(leaf.value)]))
    let refused = 0
    fc.assert(
      fc.property(lies, (lie) => {
        const range = rangeIn(lieAbout(answer, lie))
        const taken = sink.accounts(FIRST, limit, range)
        if (!taken) return void refused++
        const proven = accounts.filter((leaf) => compareBytes(leaf.key, range.end) <= 0)
        expect(range.leaves.map((leaf) => toHex(leaf.key))).toEqual(proven.map((leaf) => toHex(leaf.key)))
        for (const leaf of range.leaves) expect(toHex(leaf.value)).toBe(known.get(toHex(leaf.key)))
        if (taken.next === undefined) expect(compareBytes(limit, range.end)).toBeGreaterThanOrEqual(0)
      }),
      { numRuns: 1_000 },
    )
    expect(refused).toBeGreaterThan(800)
  })

  it('that is false ends in the same state as without it, and its sender alone is blamed', async () => {
    const somewhere = fc.record({ nth: fc.nat(7), lie: lies, garbage: fc.option(fc.uint8Array({ maxLength: 300 })) })
    let caught = 0
    await fc.assert(
      fc.asyncProperty(somewhere, async ({ nth, lie, garbage }) => {
        let asked = 0
        const liar: Peer = async (protocol, message) => {
          const answer = await serve[protocol](message)
          if (asked++ !== nth) return answer
          if (garbage) return garbage
          return protocol === 'state-range' ? lieAbout(answer, lie) : answer.slice(1)
        }
        const blamed: PeerId[] = []
        const db = await importedFrom({ liar, honest: askHonestly }, blamed)
        expect(await contentOf(db)).toEqual(whole)
        expect(blamed.length).toBeLessThanOrEqual(1)
        expect(blamed).not.toContain('honest')
        caught += blamed.length
      }),
      { numRuns: 40 },
    )
    expect(caught).toBeGreaterThan(20)
  })

  it('that comes late, or never, costs its sender nothing', async () => {
    const timeout = () =>
      Promise.reject(new AppError({ code: 'PEER_TIMEOUT', fault: 'peer', retry: true }, 'no answer in time'))
    let asked = 0
    const slow: Peer = (protocol, message) => (asked++ % 2 === 0 ? serve[protocol](message) : timeout())
    const blamed: PeerId[] = []
    expect(await contentOf(await importedFrom({ slow, honest: askHonestly }, blamed))).toEqual(whole)
    // All that is under way gets no answer, twice: one mishap each, and not yet too many.
    asked = 0
    const stalling: Peer = (protocol, message) => (asked++ < 8 ? timeout() : serve[protocol](message))
    expect(await contentOf(await importedFrom({ stalling }, blamed))).toEqual(whole)
    asked = 0
    const dead: Peer = () => {
      asked++
      return timeout()
    }
    await expect(importedFrom({ dead }, blamed)).rejects.toMatchObject({ code: 'STATE_UNAVAILABLE' })
    // Four parts are asked for at the same time, three times.
    expect(asked).toBe(3 * 4)
    expect(blamed).toEqual([])
  })
})
