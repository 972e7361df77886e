import { afterEach, describe, expect, it } from 'vitest'
import {
  AppError,
  equalBytes,
  hash32,
  keccak256,
  silentLogger,
  systemClock,
  toHex,
  utf8,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import type { Signer } from '@hawser/chain'
import { readMessage } from './framing.ts'
import { Libp2pTransport, peerIdOf } from './libp2p-transport.ts'
import { BAN_SCORE, MAX_MESSAGE_BYTES } from './limits.ts'
import { identityDigest } from './status-message.ts'

const OURS = hash32(`0x${'aa'.repeat(32)}`)
const THEIRS = hash32(`0x${'bb'.repeat(32)}`)
const nodes: Libp2pTransport[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

const key = (name: string) => keccak256(utf8(name))

/** A session key without a guard: what it signs here is no seal and no vote. */
function identity(name: string, genesisHash: Hash32): Signer {
  const secret = key(`session ${name}`)
  return {
    address: publicKeyToAddress(secp256k1.publicKey(secret, false)) as Address,
    async sign(request) {
      if (request.kind !== 'identity') throw new Error('only identities')
      return secp256k1.sign(identityDigest(1n, genesisHash, request.peerId), secret)
    },
  }
}

async function start(
  name: string,
  options: { bootnodes?: readonly string[]; genesisHash?: Hash32; validator?: boolean; final?: () => bigint } = {},
) {
  const { final = () => 3n } = options
  const genesisHash = options.genesisHash ?? OURS
  const node = await Libp2pTransport.start({
    chainId: 1n,
    genesisHash,
    nodeKey: key(name),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootnodes: options.bootnodes ?? [],
    signer: options.validator ? identity(name, genesisHash) : undefined,
    status: () => ({ head: { number: 5n, hash: OURS }, finalized: { number: final(), hash: OURS }, first: 1n }),
    clock: systemClock,
    logger: silentLogger,
  })
  nodes.push(node)
  return node
}

function joined(node: Libp2pTransport, peer: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = node.onPeer((id, event) => {
      if (id !== peer || event !== 'joined') return
      queueMicrotask(() => stop())
      resolve()
    })
  })
}

async function pair() {
  const a = await start('a', { validator: true })
  const b = await start('b', { bootnodes: a.addresses(), validator: true })
  await Promise.all([joined(a, b.self), joined(b, a.self)])
  return { a, b }
}

describe('Libp2pTransport', () => {
  it('introduces validators to one another, by a signature over the peer id', async () => {
    const { a, b } = await pair()
    expect(a.self).toBe(peerIdOf(key('a')))
    expect(a.peers()).toMatchObject([{ id: b.self, validator: identity('b', OURS).address }])
    expect(b.peers()).toMatchObject([{ id: a.self, validator: identity('a', OURS).address }])
    expect(b.statusOf(a.self)).toMatchObject({ head: { number: 5n }, finalized: { number: 3n } })
  })

  it('outlives a connection that ends while a stream on it is being opened', async () => {
    const { a } = await pair()
    const [connection] = a.inspect().libp2p.getConnections()
    const { muxer } = connection as unknown as {
      muxer: { createStream(): Promise<unknown>; maConn: { abort(error: Error): void } }
    }
    // Yamux announces the stream in a microtask: the end comes first. What is thrown there is an error of the whole run.
    const opened = muxer.createStream()
    muxer.maConn.abort(new Error('the peer hangs up'))
    await opened
    await expect(muxer.createStream()).rejects.toThrow()
  })

  /** As when the connection ended a moment ago, before its last message was read. */
  const loseConnections = (node: Libp2pTransport) => {
    node.inspect().libp2p.getConnections = () => []
  }

  it('takes in no peer that hung up before its handshake was read', async () => {
    const a = await start('a')
    const b = await start('b', { validator: true })
    loseConnections(a)
    await b.dial(a.addresses()[0] as string)
    // Whichever of the two asks.
    await expect(b.refreshStatus(a.self)).rejects.toThrow('has hung up')
    await expect(a.refreshStatus(b.self)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    expect(a.peers()).toEqual([])
  })

  it('lets go of a peer that is gone when it is asked again', async () => {
    const { a, b } = await pair()
    const events: string[] = []
    a.onPeer((_, event) => events.push(event))
    loseConnections(a)
    await expect(a.refreshStatus(b.self)).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    expect(events).toEqual(['joined', 'left'])
    expect(a.peers()).toEqual([])
  })

  it('takes a peer whose last final block has gone back for one that began anew', async () => {
    const a = await start('a')
    let final = 9n
    const b = await start('b', { bootnodes: a.addresses(), final: () => final })
    await Promise.all([joined(a, b.self), joined(b, a.self)])
    const events: string[] = []
    a.onPeer((peer, event) => events.push(`${peer === b.self ? 'b' : peer} ${event}`))
    await a.refreshStatus(b.self)
    events.splice(0)
    for (const [number, expected] of [
      [10n, []],
      [10n, []],
      [0n, ['b left', 'b joined']],
      [4n, []],
    ] as const) {
      final = number
      await a.refreshStatus(b.self)
      expect(events.splice(0)).toEqual(expected)
    }
    expect(a.peers().map(({ id }) => id)).toEqual([b.self])
  })

  it('carries requests and answers, and a refusal with its reason', async () => {
    const { a, b } = await pair()
    a.serve('signing', async (message) => Uint8Array.from(message).reverse())
    expect(await b.request(a.self, 'signing', Uint8Array.of(1, 2, 3))).toEqual(Uint8Array.of(3, 2, 1))
    a.serve('catch-up', async () => {
      throw new AppError({ code: 'NOT_NOW', fault: 'local' }, 'ask again later')
    })
    await expect(b.request(a.self, 'catch-up', new Uint8Array())).rejects.toThrow('the peer refused: ask again later')
  })

  it('carries an answer of many megabytes whole', async () => {
    const { a, b } = await pair()
    const large = new Uint8Array(9 * 1024 * 1024).map((_, i) => i % 251)
    a.serve('blocks-by-range', async () => large)
    const answer = await b.request(a.self, 'blocks-by-range', new Uint8Array(8))
    expect(toHex(keccak256(answer))).toBe(toHex(keccak256(large)))
  })

  it('takes a message that comes in crumbs, whole', async () => {
    const bytes = new Uint8Array(200_000).map((_, i) => i % 251)
    async function* crumbs() {
      for (let at = 0; at < bytes.length; at++) yield { subarray: () => bytes.subarray(at, at + 1) }
    }
    const { signal } = new AbortController()
    expect(equalBytes(await readMessage(crumbs() as never, bytes.length, signal), bytes)).toBe(true)
    await expect(readMessage(crumbs() as never, bytes.length - 1, signal)).rejects.toMatchObject({
      code: 'MESSAGE_MALFORMED',
    })
  })

  it('reads no more of a request than its protocol allows, and takes score for it', async () => {
    const { a, b } = await pair()
    let served = 0
    a.serve('blocks-by-range', async () => {
      served++
      return new Uint8Array()
    })
    const tooLong = new Uint8Array(MAX_MESSAGE_BYTES['blocks-by-range'].request + 1)
    await expect(b.request(a.self, 'blocks-by-range', tooLong)).rejects.toMatchObject({ info: { fault: 'peer' } })
    expect(served).toBe(0)
    expect(a.peers()[0]?.score).toBeLessThan(0)
  })

  it('gossips to subscribers', async () => {
    const { a, b } = await pair()
    const heard = new Promise<Uint8Array>((resolve) =>
      a.subscribe('votes', (message) => {
        resolve(message)
        return 'accept'
      }),
    )
    b.subscribe('votes', () => 'accept')
    // gossipsub learns of a subscription a moment later: publish until it is heard, each time other bytes.
    let n = 0
    const timer = setInterval(() => void b.publish('votes', Uint8Array.of(7, n++)), 50)
    try {
      expect((await heard)[0]).toBe(7)
    } finally {
      clearInterval(timer)
    }
  })

  it('has nothing in common with a node of another chain', async () => {
    const a = await start('a')
    const b = await start('b', { genesisHash: THEIRS })
    await expect(b.request(a.self, 'status', new Uint8Array())).rejects.toMatchObject({ code: 'PEER_UNREACHABLE' })
    const c = await start('c', { bootnodes: a.addresses() })
    await joined(a, c.self)
    expect(a.peers().map((peer) => peer.id)).toEqual([c.self])
  })

  it('parts with a peer whose score has fallen', async () => {
    const { a, b } = await pair()
    const left = new Promise<void>((resolve) => a.onPeer((_, event) => event === 'left' && resolve()))
    a.report(b.self, BAN_SCORE, 'test')
    await left
    expect(a.peers()).toEqual([])
  })

  it('says that a port is taken', async () => {
    const a = await start('a')
    const port = a.addresses()[0]?.split('/')[4]
    const second = Libp2pTransport.start({
      chainId: 1n,
      genesisHash: OURS,
      nodeKey: key('z'),
      listen: [`/ip4/127.0.0.1/tcp/${port}`],
      bootnodes: [],
      status: () => ({ head: { number: 0n, hash: OURS }, finalized: { number: 0n, hash: OURS }, first: 1n }),
      clock: systemClock,
      logger: silentLogger,
    })
    await expect(second).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
  })
})
