import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import type { PeerId } from '@hawser/chain'
import { hash32, keccak256, silentLogger, systemClock, utf8 } from '@hawser/primitives'
import { Libp2pTransport, peerIdOf, type TransportParts } from './libp2p-transport.ts'
import { BAN_SCORE, FLOOD_SCORE, REQUEST_RATES } from './limits.ts'
import { isPrivate } from './peer-address.ts'
import { decodeAddresses, encodeAddresses } from './peer-messages.ts'

const GENESIS = hash32(`0x${'aa'.repeat(32)}`)
const folder = mkdtempSync(join(tmpdir(), 'hawser-peers-'))
const nodes: Libp2pTransport[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})
afterAll(() => rmSync(folder, { recursive: true }))

async function start(name: string, parts: Partial<TransportParts> = {}) {
  const node = await Libp2pTransport.start({
    chainId: 1n,
    genesisHash: GENESIS,
    nodeKey: keccak256(utf8(name)),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootnodes: [],
    status: () => ({ head: { number: 0n, hash: GENESIS }, finalized: { number: 0n, hash: GENESIS }, first: 1n }),
    clock: systemClock,
    logger: silentLogger,
    ...parts,
  })
  nodes.push(node)
  return node
}

async function stop(node: Libp2pTransport) {
  nodes.splice(nodes.indexOf(node), 1)
  await node.stop()
}

function event(node: Libp2pTransport, peer: PeerId, what: 'joined' | 'left'): Promise<void> {
  return new Promise((resolve) => node.onPeer((id, happened) => id === peer && happened === what && resolve()))
}

describe('peers', () => {
  it('are found over one bootnode', async () => {
    const boot = await start('boot')
    const others = await Promise.all(['a', 'b', 'c', 'd'].map((name) => start(name, { bootnodes: boot.addresses() })))
    for (const one of others) for (const other of others) if (one !== other) await event(one, other.self, 'joined')
    expect(others.map((node) => node.peers().length)).toEqual([4, 4, 4, 4])
  })

  it('are found again after a restart, without the bootnode', async () => {
    const file = join(folder, 'restart.json')
    const boot = await start('boot')
    const friend = await start('friend', { bootnodes: boot.addresses() })
    const first = await start('node', { bootnodes: boot.addresses(), peerFile: file })
    await event(first, friend.self, 'joined')
    await Promise.all([stop(first), stop(boot)])
    const again = await start('node', { peerFile: file })
    await event(again, friend.self, 'joined')
  })

  it('tell of one another by the addresses that each announces, not by those that it listens on', async () => {
    const announced = '/ip4/127.0.0.2/tcp/30303'
    const boot = await start('boot')
    const behind = await start('behind', { bootnodes: boot.addresses(), announce: [announced] })
    await event(boot, behind.self, 'joined')
    const other = await start('other', { bootnodes: boot.addresses() })
    await event(other, boot.self, 'joined')
    const told = await vi.waitUntil(
      async () => {
        const addresses = decodeAddresses(await other.request(boot.self, 'peers', new Uint8Array()))
        return addresses.length > 0 && addresses
      },
      { timeout: 10_000, interval: 2_000 },
    )
    expect(told).toEqual([`${announced}/p2p/${behind.self}`])
  })

  it('are dialled again when a connection broke', async () => {
    const a = await start('a')
    const b = await start('b', { bootnodes: a.addresses() })
    await event(b, a.self, 'joined')
    const back = event(b, a.self, 'left').then(() => event(b, a.self, 'joined'))
    await a.inspect().libp2p.hangUp(a.inspect().libp2p.getPeers()[0] as never)
    await back
  })

  it('stay banned over a restart, for what they did', async () => {
    const file = join(folder, 'bans.json')
    const good = await start('good', { peerFile: file })
    const bad = await start('bad', { bootnodes: good.addresses() })
    await event(good, bad.self, 'joined')
    const left = event(good, bad.self, 'left')
    good.report(bad.self, BAN_SCORE, 'test')
    await left
    await stop(good)
    const again = await start('good', { peerFile: file })
    await expect(bad.dial(again.addresses()[0] as string).then(() => bad.refreshStatus(again.self))).rejects.toThrow()
    expect(again.peers()).toEqual([])
    const innocent = await start('innocent', { bootnodes: again.addresses() })
    await event(again, innocent.self, 'joined')
  })

  it('are banned once, whatever of theirs was on the way', async () => {
    const bans: unknown[] = []
    const node = await start('strict', { logger: { ...silentLogger, warn: (fields) => void bans.push(fields) } })
    const bad = peerIdOf(keccak256(utf8('bad')))
    for (const reason of ['first', 'second', 'third']) node.report(bad, BAN_SCORE, reason)
    expect(bans).toEqual([{ peer: bad, reason: 'first' }])
  })

  it('who flood are gone, and keep their score when they come again', async () => {
    const node = await start('node')
    const flooder = await start('flooder', { bootnodes: node.addresses() })
    await event(node, flooder.self, 'joined')
    const left = event(node, flooder.self, 'left')
    let served = 0
    node.serve('neighbour', async () => {
      served++
      return new Uint8Array()
    })
    const { burst, perSecond } = REQUEST_RATES.neighbour
    const sinceMs = systemClock.nowMs()
    let gone = false
    void left.then(() => (gone = true))
    for (let i = 0; !gone && i < 50; i++)
      await Promise.allSettled(Array.from({ length: 15 }, () => flooder.request(node.self, 'neighbour', utf8('x'))))
    await left
    expect(served).toBeLessThanOrEqual(1 + burst + ((systemClock.nowMs() - sinceMs) / 1000) * perSecond)
    expect(served).toBeGreaterThanOrEqual(burst)
    expect(-BAN_SCORE / -FLOOD_SCORE).toBe(100)
  })

  it('are limited in number, so that others find room', async () => {
    const node = await start('node', { limits: { maxPeers: 4 } })
    const guests = await Promise.all(Array.from({ length: 6 }, (_, i) => start(`guest ${i}`)))
    await Promise.allSettled(guests.map((guest) => guest.dial(node.addresses()[0] as string)))
    await expect.poll(() => node.inspect().libp2p.getConnections().length).toBeLessThanOrEqual(3)
    const friend = await start('friend')
    await node.dial(friend.addresses()[0] as string)
    await event(node, friend.self, 'joined')
  })

  it('whose file is damaged are found anew', async () => {
    const file = join(folder, 'damaged.json')
    const other = await start('other')
    for (const text of ['{', '[]', '{"peers":[{"id":1}],"bans":[["x"]]}', 'x'.repeat(3_000_000)]) {
      writeFileSync(file, text)
      const node = await start('node', { peerFile: file, bootnodes: other.addresses() })
      await event(node, other.self, 'joined')
      await stop(node)
    }
    expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ bans: [] })
  })
})

describe('peer exchange', () => {
  it('takes no lists that are too long, and no characters that are none', () => {
    const address = `/ip4/203.0.113.1/tcp/1/p2p/16Uiu2HAm${'A'.repeat(30)}`
    expect(decodeAddresses(encodeAddresses([address]))).toEqual([address])
    expect(encodeAddresses(Array.from({ length: 100 }, () => address))).toEqual(
      encodeAddresses(Array.from({ length: 32 }, () => address)),
    )
    for (const bad of ['a b', 'ü', 'x'.repeat(161)])
      expect(() => decodeAddresses(encodeAddresses([bad]))).toThrow('malformed')
    expect(() => decodeAddresses(utf8('x'))).toThrow('malformed')
  })

  it('knows which addresses mean nothing elsewhere', () => {
    for (const host of [
      '127.0.0.1',
      '10.1.2.3',
      '192.168.0.1',
      '172.16.0.1',
      '172.31.9.9',
      '169.254.1.1',
      '100.64.0.1',
      '::1',
      'fd00::1',
      'fe80::1',
    ])
      expect(isPrivate(host), host).toBe(true)
    for (const host of ['8.8.8.8', '172.32.0.1', '172.15.0.1', '100.128.0.1', '2001:db8::1', 'node.example'])
      expect(isPrivate(host), host).toBe(false)
  })
})
