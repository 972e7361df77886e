import { depositAddress } from '@hawser/bitcoin'
import type { ChainSpec, PeerId, Transport, Verdict } from '@hawser/chain'
import { address, concatBytes, fromHex, silentLogger, uintBE, type Clock } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { beforeEach, describe, expect, it } from 'vitest'
import { AddressBook, MAX_REGISTRATIONS_PER_MINUTE, type RegisteredAddress } from './address-book.ts'
import { testMembers } from './testing/batch-fixture.ts'

const { committee } = testMembers(1)
const spec = {
  chainId: 18443,
  parent: { network: 'regtest' },
  bridge: { reclaimCsvBlocks: 144 },
} as unknown as ChainSpec
const account = address(`0x${'ab'.repeat(20)}`)
const refundKey = committee.internalKey

describe('the address book', () => {
  let db: MemoryStore
  let added: RegisteredAddress[]
  let published: Uint8Array[]
  let hear: (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>
  let peerJoins: () => void
  let nowMs = 0

  const open = async () => {
    const transport = {
      publish: async (_: string, message: Uint8Array) => void published.push(message),
      subscribe: (_: string, handler: typeof hear) => {
        hear = handler
        return () => undefined
      },
      onPeer: (listener: (peer: PeerId, event: 'joined') => void) => {
        peerJoins = () => listener('p', 'joined')
        return () => undefined
      },
    } as unknown as Transport
    const clock: Clock = { nowMs: () => nowMs, after: () => () => undefined }
    const onAdded = (entry: RegisteredAddress) => void added.push(entry)
    const book = new AddressBook({ spec, committee, db, transport, clock, logger: silentLogger, onAdded })
    await book.start()
    return book
  }

  beforeEach(() => {
    db = new MemoryStore()
    added = []
    published = []
  })

  it('gives the address that anybody derives, remembers it over a restart, and tells the others', async () => {
    const entry = await (await open()).register(account, refundKey)
    const derived = depositAddress({ committee, network: 'regtest', chainId: 18443n, account, refundKey, csv: 144 })
    expect(entry).toMatchObject({ address: derived.address, scriptPubKey: derived.scriptPubKey, qy: derived.qy })
    expect(published).toEqual([concatBytes(fromHex(account), refundKey)])
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
    expect(await hear(new Uint8Array(20), 'peer')).toBe('ignore')
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

  it('tells a peer who joins later what was registered here', async () => {
    await (await open()).register(account)
    peerJoins()
    expect(published).toEqual([fromHex(account), fromHex(account)])
  })

  it('refuses the zero account and a key that is none', async () => {
    const book = await open()
    const invalid = expect.objectContaining({ code: 'DEPOSIT_ADDRESS_INVALID' })
    await expect(book.register(address(`0x${'00'.repeat(20)}`))).rejects.toThrow(invalid)
    await expect(book.register(account, new Uint8Array(32))).rejects.toThrow(invalid)
    await expect(book.register(account, new Uint8Array(33).fill(2))).rejects.toThrow(invalid)
    expect(book.size).toBe(0)
  })
})
