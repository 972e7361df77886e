import { afterEach, describe, expect, it } from 'vitest'
import type { PeerId, Signer, Topic } from '@hawser/chain'
import { hash32, keccak256, silentLogger, systemClock, utf8, type Address } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { DirectVotes } from './direct-votes.ts'
import { Libp2pTransport, protocolId } from './libp2p-transport.ts'
import { BAN_SCORE, MAX_GOSSIP_BYTES } from './limits.ts'
import { identityDigest } from './status-message.ts'

const GENESIS = hash32(`0x${'aa'.repeat(32)}`)
const key = (name: string) => keccak256(utf8(name))
const session = (name: string) => publicKeyToAddress(secp256k1.publicKey(key(`session ${name}`), false)) as Address
const nodes: Libp2pTransport[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.stop()))
})

function signerOf(name: string): Signer {
  return {
    address: session(name),
    async sign(request) {
      if (request.kind !== 'identity') throw new Error('only identities')
      return secp256k1.sign(identityDigest(1n, GENESIS, request.peerId), key(`session ${name}`))
    },
  }
}

async function start(name: string, validators: readonly string[], bootnodes: readonly string[] = []) {
  const node = await Libp2pTransport.start({
    chainId: 1n,
    genesisHash: GENESIS,
    nodeKey: key(name),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    bootnodes,
    signer: name.startsWith('v') || name === 'impostor' ? signerOf(name) : undefined,
    validators: () => validators.map(session),
    status: () => ({ head: { number: 0n, hash: GENESIS }, finalized: { number: 0n, hash: GENESIS }, first: 1n }),
    clock: systemClock,
    logger: silentLogger,
  })
  nodes.push(node)
  return node
}

/** Resolves when the node is connected with so many. */
function meshed(node: Libp2pTransport, peers: number): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (node.peers().length >= peers) resolve()
    }
    node.onPeer(check)
    check()
  })
}

class Ear {
  readonly heard: { message: string; from: PeerId }[] = []
  #wake: (() => void)[] = []

  constructor(node: Libp2pTransport, topic: Topic) {
    node.subscribe(topic, (message, from) => {
      this.heard.push({ message: new TextDecoder().decode(message), from })
      for (const wake of this.#wake.splice(0)) wake()
      return 'accept'
    })
  }

  async until(isIt: (message: string) => boolean = () => true): Promise<void> {
    while (!this.heard.some((one) => isIt(one.message))) await new Promise<void>((wake) => this.#wake.push(wake))
  }
}

const NAMES = ['v1', 'v2', 'v3', 'v4']

async function network() {
  const validators: Libp2pTransport[] = []
  for (const name of NAMES)
    validators.push(
      await start(
        name,
        NAMES,
        validators.flatMap((one) => one.addresses()),
      ),
    )
  const follower = await start(
    'follower',
    NAMES,
    validators.flatMap((one) => one.addresses()),
  )
  await Promise.all([...validators, follower].map((node) => meshed(node, NAMES.length)))
  return { validators: validators as [Libp2pTransport, Libp2pTransport, Libp2pTransport, Libp2pTransport], follower }
}

describe('votes between validators', () => {
  it('reach each of them once, by its stream, without gossip; a follower hears commits', async () => {
    const { validators, follower } = await network()
    const ears = validators.map((node) => new Ear(node, 'votes'))
    const outside = new Ear(follower, 'votes')
    const commits = new Ear(follower, 'commits')
    // Gossip has found its way from the first validator to the follower before the vote goes out.
    let n = 0
    const timer = setInterval(() => void validators[0].publish('commits', utf8(`commit ${n++}`)), 50)
    await commits.until()
    clearInterval(timer)
    await validators[0].publish('votes', utf8('a vote'))
    await Promise.all(ears.slice(1).map((ear) => ear.until((message) => message === 'a vote')))
    expect(ears.slice(1).map((ear) => ear.heard)).toEqual(
      [1, 2, 3].map(() => [{ message: 'a vote', from: validators[0].self }]),
    )
    await validators[0].publish('commits', utf8('the last commit'))
    await commits.until((message) => message === 'the last commit')
    expect(outside.heard).toEqual([])
  })

  it('take the way of gossip when a validator is not connected', async () => {
    const a = await start('v1', ['v1', 'v2', 'v3'])
    const b = await start('v2', ['v1', 'v2', 'v3'], a.addresses())
    const follower = await start('follower', ['v1', 'v2', 'v3'], a.addresses())
    await Promise.all([meshed(a, 2), meshed(b, 1), meshed(follower, 1)])
    const ears = [new Ear(b, 'votes'), new Ear(follower, 'votes')] as const
    let n = 0
    const timer = setInterval(() => void a.publish('votes', utf8(`vote ${n++}`)), 50)
    await Promise.all(ears.map((ear) => ear.until()))
    clearInterval(timer)
    // By both ways, and heard once.
    const messages = ears[0].heard.map((one) => one.message)
    expect(new Set(messages).size).toBe(messages.length)
  })

  it('are lost rather than kept when a validator does not read', async () => {
    const { validators } = await network()
    const ear = new Ear(validators[1], 'votes')
    // More than waits for one peer, and than a peer takes at once: some go, and those that come later are heard again.
    const filler = 'x'.repeat(MAX_GOSSIP_BYTES.votes - 10)
    for (let i = 0; i < 1_500; i++) await validators[0].publish('votes', utf8(`${i} ${filler}`))
    let n = 0
    const timer = setInterval(() => void validators[0].publish('votes', utf8(`later ${n++}`)), 50)
    await ear.until((message) => message.startsWith('later'))
    clearInterval(timer)
    expect(ear.heard.length).toBeLessThan(1_500)
  })

  it('go on after a stream broke', async () => {
    const { validators } = await network()
    const ear = new Ear(validators[1], 'votes')
    await validators[0].publish('votes', utf8('before'))
    await ear.until((message) => message === 'before')
    const { libp2p } = validators[1].inspect()
    for (const connection of libp2p.getConnections())
      for (const stream of connection.streams)
        if (stream.protocol === protocolId(GENESIS, 'direct-votes')) stream.abort(new Error('cut'))
    let n = 0
    const timer = setInterval(() => void validators[0].publish('votes', utf8(`after ${n++}`)), 100)
    await ear.until((message) => message.startsWith('after'))
    clearInterval(timer)
  })

  it('are not taken by stream from whoever is no validator', async () => {
    const a = await start('v1', NAMES)
    const impostor = await start('impostor', [...NAMES, 'impostor'], a.addresses())
    await Promise.all([meshed(a, 1), meshed(impostor, 1)])
    const ear = new Ear(a, 'votes')
    const { libp2p } = impostor.inspect()
    const stream = await libp2p.dialProtocol(libp2p.getPeers()[0] as never, protocolId(GENESIS, 'direct-votes'))
    const closed = new Promise((resolve) => stream.addEventListener('close', resolve))
    if (stream.status === 'open') {
      stream.send(Uint8Array.of(0, 4, ...utf8('vote')))
      await closed
    }
    expect(ear.heard).toEqual([])
  })

  it('that have no length of one cost their sender its place', async () => {
    const { validators } = await network()
    const [liar, node] = validators
    const left = new Promise<void>((resolve) =>
      node.onPeer((id, event) => event === 'left' && id === liar.self && resolve()),
    )
    const ear = new Ear(node, 'votes')
    let gone = false
    void left.then(() => (gone = true))
    const { libp2p } = liar.inspect()
    const peer = libp2p.getPeers().find((id) => id.toString() === node.self) as never
    for (let sent = 0; sent < -BAN_SCORE / 100; sent++) {
      expect(gone).toBe(false)
      const stream = await libp2p.dialProtocol(peer, protocolId(GENESIS, 'direct-votes'))
      const closed = new Promise((resolve) => stream.addEventListener('close', resolve))
      const length = MAX_GOSSIP_BYTES.votes + 1
      stream.send(sent % 2 === 0 ? Uint8Array.of(0, 0) : Uint8Array.of(length >> 8, length & 255, 1))
      await closed
    }
    await left
    expect(ear.heard).toEqual([])
  })
})

describe('one validator’s stream', () => {
  const streamOf = (votes: readonly string[]) =>
    (async function* () {
      for (const vote of votes) yield { subarray: () => Uint8Array.of(0, vote.length, ...utf8(vote)) }
    })() as never
  const votesOf = (count: number) => Array.from({ length: count }, (_, i) => `vote ${i}`)
  const direct = (mayTake: () => boolean) =>
    new DirectVotes({
      open: () => Promise.reject(new Error('nobody is there')),
      peers: new Map([['v', { validator: session('v1') }]]),
      handshake: async () => undefined,
      validators: () => [session('v1')],
      mayTake,
      report: (_, __, reason) => expect.unreachable(reason),
      onTraffic: () => undefined,
      clock: systemClock,
      logger: silentLogger,
    })

  it('brings no more votes than its rate, and than the handler is at work on', async () => {
    let taken = 0
    let left = 3
    const limited = direct(() => left-- > 0)
    limited.listen(() => (taken++, 'accept'))
    await limited.read(streamOf(votesOf(10)), 'v')
    expect(taken).toBe(3)
    taken = 0
    const busy = direct(() => true)
    busy.listen(() => (taken++, new Promise(() => undefined)))
    await busy.read(streamOf(votesOf(300)), 'v')
    expect(taken).toBe(256)
  })

  it('and gossip bring one vote once', async () => {
    const heard: string[] = []
    const both = direct(() => true)
    const gossip = both.listen((message) => (heard.push(new TextDecoder().decode(message)), 'accept'))
    await both.read(streamOf(['vote']), 'v')
    await expect.poll(() => heard).toEqual(['vote'])
    expect(await gossip(utf8('vote'), 'other')).toBe('accept')
    expect(heard).toEqual(['vote'])
  })
})
