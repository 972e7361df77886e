import { depositAddress } from '@hawser/bitcoin'
import type { ChainSpec, PeerId, Transport, Verdict } from '@hawser/chain'
import { address, concatBytes, fromHex, silentLogger, uintBE, type Clock } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  AddressBook,
  MAX_GOSSIPED_PER_MINUTE,
  MAX_REGISTRATIONS_PER_MINUTE,
  type RegisteredAddress,
} from './address-book.ts'
import { testMembers } from './testing/batch-fixture.ts'

const { committee } = testMembers(1)
const spec = {
  chainId: 18443,
  parent: { network: 'regtest' },
  bridge: { reclaimCsvBlocks: 144 },
} as unknown as ChainSpec
const account = address(`0x${'ab'.repeat(20)}`)
const refundKey = committee.internalKey

const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

describe('the address book', () => {
  let db: MemoryStore
  let added: RegisteredAddress[]
  let published: Uint8Array[]
  let reports: [PeerId, number][]
  let hear: (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>
  let peerJoins: () => void
  let nowMs = 0

  const open = async (maxAddresses?: number) => {
    const transport = {
      publish: async (_: string, message: Uint8Array) => void published.push(message),
      subscribe: (_: string, handler: typeof hear) => {
        hear = handler
        return () => undefined
      },
      report: (peer: PeerId, delta: number) => void reports.push([peer, delta]),
      onPeer: (listener: (peer: PeerId, event: 'joined') => void) => {
        peerJoins = () => listener('p', 'joined')
        return () => undefined
      },
    } as unknown as Transport
    const clock: Clock = { nowMs: () => nowMs, after: () => () => undefined }
    const onAdded = (entry: RegisteredAddress) => void added.push(entry)
    const book = new AddressBook({ spec, committee, db, transport, clock, logger: silentLogger, onAdded, maxAddresses })
    await book.start()
    return book
  }

  beforeEach(() => {
    db = new MemoryStore()
    added = []
    published = []
    reports = []
  })

  it('gives the address that anybody derives, remembers it over a restart, and tells the others', async () => {
    const entry = await (await open()).register(account)
    const derived = depositAddress({ committee, network: 'regtest', chainId: 18443n, account })
    expect(entry).toMatchObject({ address: derived.address, scriptPubKey: derived.scriptPubKey, qy: derived.qy })
    expect(published).toEqual([fromHex(account)])
    expect((await open()).byScript(derived.scriptPubKey)).toEqual(entry)
  })

  it('takes an address from a peer once, and passes it on', async () => {
    const book = await open()
    expect(await hear(fromHex(account), 'peer')).toBe('accept')
    expect(await hear(fromHex(account), 'peer')).toBe('ignore')
    expect(book.size).toBe(1)
    expect(added).toMatchObject([{ account }])
  })

  it('blames the sender of what is no registration', async () => {
    await open()
    for (const length of [0, 19, 21, 51, 53, 256]) expect(await hear(new Uint8Array(length), 'peer')).toBe('reject')
    expect(reports).toEqual(Array(6).fill(['peer', -100]))
    expect(await hear(new Uint8Array(20), 'peer')).toBe('ignore')
    expect(reports).toHaveLength(6)
  })

  it('judges whatever bytes come by their length, and keeps only what it took', async () => {
    nowMs += 60_000
    const book = await open()
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 80 }), bytesOf(20), bytesOf(52)), async (message) => {
        nowMs += 60_000
        const before = book.size
        const verdict = await hear(message, 'peer')
        if (message.length !== 20 && message.length !== 52) expect(verdict).toBe('reject')
        else expect(verdict).toBe(book.size > before ? 'accept' : 'ignore')
        if (message.length !== 20) expect(book.size).toBe(before)
      }),
      { numRuns: 300 },
    )
    expect(book.size).toBeGreaterThan(0)
    expect(added.length).toBe(book.size)
  })

  it('takes so many from one peer in a minute, and hears the others meanwhile', async () => {
    const book = await open()
    const register = (i: number, from: PeerId) => hear(concatBytes(new Uint8Array(16).fill(1), uintBE(i, 4)), from)
    for (let i = 0; i < MAX_REGISTRATIONS_PER_MINUTE; i++) await register(i, 'flood')
    expect(await register(5_000, 'flood')).toBe('ignore')
    expect(await register(5_001, 'other')).toBe('accept')
    nowMs += 60_000
    expect(await register(5_002, 'flood')).toBe('accept')
    expect(book.size).toBe(MAX_REGISTRATIONS_PER_MINUTE + 2)
  })

  it('takes so many from all peers together in a minute', async () => {
    nowMs += 60_000
    const book = await open()
    for (let i = 0; i <= MAX_GOSSIPED_PER_MINUTE; i++)
      await hear(concatBytes(new Uint8Array(16).fill(1), uintBE(i, 4)), `peer ${i % 20}`)
    expect(book.size).toBe(MAX_GOSSIPED_PER_MINUTE)
  })

  it('refuses refund keys, from here and from peers', async () => {
    const book = await open()
    const refused = expect.objectContaining({
      code: 'REFUND_KEY_UNSUPPORTED',
      message: expect.stringContaining('cannot be swept yet') as string,
    })
    await expect(book.register(account, refundKey)).rejects.toThrow(refused)
    expect(await hear(concatBytes(fromHex(account), refundKey), 'peer')).toBe('ignore')
    expect(book.size).toBe(0)
  })

  it('when full, drops the oldest that peers told and nobody paid, never one asked for here, and always takes those', async () => {
    nowMs += 60_000
    const accountOf = (i: number) => address(`0x${'11'.repeat(19)}${i.toString(16).padStart(2, '0')}`)
    let book = await open(4)
    const has = (i: number) => book.byScript(book.derive(accountOf(i)).scriptPubKey) !== undefined
    const held = () => [1, 2, 3, 4, 5, 6, 7, 8].filter(has)
    await book.register(accountOf(1))
    for (const i of [3, 2, 4]) await hear(fromHex(accountOf(i)), 'peer')
    await book.paid(accountOf(3))
    // Age and rank outlast a restart.
    book = await open(4)
    expect(await hear(fromHex(accountOf(5)), 'peer')).toBe('accept')
    expect(held()).toEqual([1, 3, 4, 5])
    await book.register(accountOf(6))
    await book.register(accountOf(7))
    expect(held()).toEqual([1, 3, 6, 7])
    expect(await hear(fromHex(accountOf(2)), 'peer')).toBe('ignore')
    await book.register(accountOf(8))
    expect(held()).toEqual([3, 6, 7, 8])
    book = await open(4)
    expect(held()).toEqual([3, 6, 7, 8])
  })

  it('tells a peer who joins later what was registered here', async () => {
    await (await open()).register(account)
    peerJoins()
    expect(published).toEqual([fromHex(account), fromHex(account)])
  })

  it('refuses the zero account and a key that is none', async () => {
    const book = await open()
    const invalid = expect.objectContaining({ code: 'DEPOSIT_ADDRESS_INVALID' })
    await expect(book.register(address(`0x${'00'.repeat(20)}`))).rejects.toThrow(invalid)
    expect(() => book.derive(account, new Uint8Array(32))).toThrow(invalid)
    expect(() => book.derive(account, new Uint8Array(33).fill(2))).toThrow(invalid)
    expect(book.size).toBe(0)
  })
})
