import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { blockRef, encodeSealedBlock, type Cancellable, type PeerId, type SealedBlock } from '@hawser/chain'
import { StateTargetSearch, type StateTargetParts } from '@hawser/p2p'
import { AppError, readUintBE, silentLogger } from '@hawser/primitives'
import { RLP } from '@ethereumjs/rlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finalityOf, justify } from './sync-world.ts'
import { testAddress, TestChain, testKey } from '../kit/index.ts'

const FINAL = 12n
let source: TestChain
let blocks: SealedBlock[]
beforeAll(async () => {
  source = await TestChain.create([{ address: testAddress('alice'), balance: 10n ** 18n }])
  blocks = []
  for (let i = 1n; i <= FINAL; i++) blocks.push((await source.mine({ transactions: [payment(i - 1n)] })).sealed)
})
afterAll(() => source.dispose())

const payment = (nonce: bigint) =>
  createFeeMarket1559Tx(
    {
      nonce,
      gasLimit: 21_000n,
      to: testAddress('bob'),
      value: 5n,
      maxFeePerGas: 10_000_000n,
      chainId: BigInt(source.spec.chainId),
    },
    { common: source.common },
  ).sign(testKey('alice'))

/** A block of an answer, and its justification. */
type Entry = readonly [sealed: Uint8Array, justification: Uint8Array]
type Answer = (from: bigint, count: number, signal: AbortSignal | undefined) => Promise<readonly Entry[]>
interface Peer {
  readonly claims: bigint
  readonly answer: Answer
}

/** A sealed block's RLP, decoded: what liars change. */
type Wire = [
  [header: Uint8Array[], transactions: Uint8Array[], ommers: Uint8Array[][], withdrawals: unknown[]],
  Uint8Array,
]

const at = (number: bigint) => blocks[Number(number) - 1] as SealedBlock
const honest = (change?: (wire: Wire, number: bigint) => void): Peer => ({
  claims: FINAL,
  answer: async (from, count) =>
    blocks.slice(Number(from) - 1, Number(from) - 1 + count).map((sealed) => {
      const { number } = sealed.block.header
      const wire = RLP.decode(encodeSealedBlock(sealed)) as unknown as Wire
      change?.(wire, number)
      const proof = number === FINAL ? justify(source, blockRef(sealed.block)) : new Uint8Array()
      return [RLP.encode(wire as never), proof]
    }),
})
const silent = (claims: bigint): Peer => ({
  claims,
  answer: async () => {
    throw new AppError({ code: 'PEER_TIMEOUT', fault: 'peer', retry: true }, 'no answer')
  },
})

/** A search among peers, with what was asked of whom and who lost score. */
function searchAmong(peers: Readonly<Record<PeerId, Peer>>, signal?: AbortSignal) {
  const asked: string[] = []
  const blamed: PeerId[] = []
  const transport: StateTargetParts['transport'] = {
    peers: () => Object.keys(peers).map((id) => ({ id, score: 0 })),
    statusOf: (id) => ({ finalized: { number: peers[id]?.claims ?? 0n } }) as never,
    report: (id) => blamed.push(id),
    request: async (id, _protocol, message, { signal: given }: Cancellable = {}) => {
      const [from, count] = (RLP.decode(message) as Uint8Array[]).map(readUintBE) as [bigint, bigint]
      asked.push(`${id} ${from} ${count}`)
      const entries = await (peers[id] as Peer).answer(from, Number(count), given)
      return RLP.encode(entries.map((entry) => [...entry]))
    },
  }
  const { spec, common, clock } = source
  const { proven: verify, checkSeal } = finalityOf(source)
  const parts = { transport, spec, common, verify, checkSeal, clock, logger: silentLogger, signal }
  return { search: new StateTargetSearch(parts), asked, blamed }
}

const hashes = (sealed: readonly SealedBlock[] | undefined) => sealed?.map(({ block }) => blockRef(block).hash)

describe('the search for a block to begin from', () => {
  it('gives the final block and those before it', async () => {
    const { search, blamed } = searchAmong({ peer: honest() })
    const target = await search.find()
    expect(hashes(target && [...target.ancestors, target.base])).toEqual(hashes(blocks))
    expect(blamed).toEqual([])
  })

  it('takes answers that are cut short, each checked before the next is asked for', async () => {
    const whole = honest()
    const short: Peer = { ...whole, answer: (from, count, signal) => whole.answer(from, Math.min(count, 3), signal) }
    const { search, asked } = searchAmong({ short })
    const target = await search.find()
    expect(hashes(target?.ancestors)).toEqual(hashes(blocks.slice(0, -1)))
    expect(asked).toEqual(['short 12 1', 'short 1 11', 'short 9 3', 'short 6 3', 'short 3 3', 'short 1 2'])
  })

  const lies: readonly (readonly [string, (wire: Wire, number: bigint) => void])[] = [
    ['without its transactions', ([body]) => (body[1] = [])],
    ['with another transaction', ([body]) => (body[1] = [payment(77n).serialize()])],
    ['with an ommer', ([body]) => (body[2] = [body[0]])],
    [
      'with a withdrawal',
      ([body]) => (body[3] = [[Uint8Array.of(1), Uint8Array.of(1), new Uint8Array(20), Uint8Array.of(1)]]),
    ],
    ['without a list of withdrawals', ([body]) => body.pop()],
    ["with another block's seal", (wire, number) => (wire[1] = at((number % FINAL) + 1n).seal)],
    ['without a seal', (wire) => (wire[1] = new Uint8Array())],
    [
      'which is another one',
      (wire, number) =>
        wire.splice(0, 2, ...(RLP.decode(encodeSealedBlock(at((number % FINAL) + 1n))) as unknown as Wire)),
    ],
  ]
  for (const lied of [FINAL, 7n, 1n])
    it.each(lies)(`refuses block ${lied} %s, blames the peer and asks another`, async (_what, change) => {
      const liar = honest((wire, number) => {
        if (number === lied) change(wire, number)
      })
      const { search, blamed } = searchAmong({ liar, peer: honest() })
      const target = await search.find()
      expect(blamed).toEqual(['liar'])
      expect(target && [...target.ancestors, target.base].map(encodeSealedBlock)).toEqual(blocks.map(encodeSealedBlock))
    })

  it('passes over what nobody can have yet, and asks those last who did not show what they claimed', async () => {
    const possible = (source.clock.nowMs() / 1000 - source.spec.genesisTime) / source.spec.slotSeconds + 1
    const peers = {
      impossible: silent(BigInt(possible) + 1n),
      ...Object.fromEntries([1, 2, 3, 4, 5].map((i) => [`liar ${i}`, silent(BigInt(possible))])),
      peer: honest(),
    }
    const { search, asked, blamed } = searchAmong(peers)
    expect(await search.find()).toBeDefined()
    const first = asked.splice(0).map((one) => one.split(' ').slice(0, -2).join(' '))
    expect(first.slice(0, 5)).toEqual([1, 2, 3, 4, 5].map((i) => `liar ${i}`))
    // Who does not answer may be far away.
    expect(blamed).toEqual([])
    expect(await search.find()).toBeDefined()
    expect(asked[0]).toBe(`peer ${FINAL} 1`)
  })

  it('asks several at the same time, so that the slow do not add up', async () => {
    let answer!: () => void
    const late = new Promise<void>((resolve) => (answer = resolve))
    const slow: Peer = { claims: FINAL, answer: (...request) => late.then(() => honest().answer(...request)) }
    const quick: Peer = {
      claims: FINAL,
      answer: (...request) => {
        answer()
        return honest().answer(...request)
      },
    }
    const { search } = searchAmong({ 'slow 1': slow, 'slow 2': slow, 'slow 3': slow, quick })
    expect(await search.find()).toBeDefined()
  })

  it('ends when it is told to', async () => {
    const stopping = new AbortController()
    const reason = new Error('told to stop')
    let waiting = 0
    const slow: Peer = {
      claims: FINAL,
      answer: (_from, _count, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => {
            waiting--
            reject(new Error('cut off'))
          })
          if (++waiting === 2) stopping.abort(reason)
        }),
    }
    const { search, asked, blamed } = searchAmong({ slow, 'slow too': slow }, stopping.signal)
    await expect(search.find()).rejects.toBe(reason)
    expect([waiting, asked.splice(0).length, blamed]).toEqual([0, 2, []])
    await expect(search.find()).rejects.toBe(reason)
    expect(asked).toEqual([])
  })
})
