import { BlockTree, type BlockRef, type ValidatorSet } from '@hawser/chain'
import { RLP } from '@ethereumjs/rlp'
import { fromHex, keccak256, silentLogger, systemClock, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { MemoryStore, type KeyValueStore } from '@hawser/storage'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { decodeJustification, encodeJustification, encodeNeighbour, encodeVote } from './codec.ts'
import { voteDigest, voteKindOf } from './digests.ts'
import { FinalityService, type FinalityOptions } from './finality-service.ts'
import { decodeHandovers } from './handover-proof.ts'
import { testHash } from './testing/fixtures.ts'
import { MemoryHub, type MemoryTransport } from './testing/memory-transport.ts'
import type { HeaderRef } from './types.ts'

const EPOCH = 4n
const network = { chainId: 18443n, genesisHash: testHash(1) }
const genesis = { number: 0n, hash: network.genesisHash, parent: testHash(0), slot: 0n }
const keys = [31, 32, 33, 34, 35].map((n) => uintBE(n, 32))
const addressOf = (key: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(key, false))
const setOf = (setId: bigint, members: readonly number[]): ValidatorSet => {
  const sessions = members.map((i) => addressOf(keys[i] as Uint8Array)).sort()
  return { setId, sessions, weights: sessions.map(() => 1n) }
}
/** The fifth joins on block 4 and the first leaves; nothing changes on block 8; the first returns on block 12. */
const setAfterNumber = (number: bigint): ValidatorSet =>
  number < 4n ? setOf(0n, [0, 1, 2, 3]) : number < 12n ? setOf(1n, [1, 2, 3, 4]) : setOf(2n, [0, 1, 2, 3, 4])

interface TestBlock {
  readonly rlp: Uint8Array
  readonly ref: HeaderRef
}

class TestNode {
  readonly id: string
  readonly transport: MemoryTransport
  readonly store: KeyValueStore
  readonly headers: Map<Hash32, TestBlock>
  readonly canonical: Map<bigint, Uint8Array>
  readonly tree: BlockTree
  readonly service: FinalityService
  /** `set/round/kind` and target of every vote that was signed. */
  readonly signed: { at: string; setId: bigint; number: bigint }[]
  halted: string | undefined
  /** Fails the making final of a block once it is on disk: a crash right there. */
  crashAfter: bigint | undefined
  #halt!: () => void
  readonly halting = new Promise<void>((resolve) => (this.#halt = resolve))
  #waiting: { number: bigint; resolve: () => void }[] = []

  constructor(
    hub: MemoryHub,
    id: string,
    key: Uint8Array | undefined,
    earlier?: TestNode,
    other: Partial<FinalityOptions> = {},
  ) {
    this.id = id
    this.transport = hub.join(id)
    this.store = earlier?.store ?? new MemoryStore()
    this.headers = earlier?.headers ?? new Map()
    this.canonical = earlier?.canonical ?? new Map()
    this.signed = earlier?.signed ?? []
    const final = earlier === undefined ? undefined : this.headers.get(earlier.tree.finalized().hash)?.ref
    this.tree = new BlockTree(
      final === undefined ? genesis : { ...final, parent: final.parentHash, slot: final.number },
      (hash) => this.headers.get(hash)?.rlp,
    )
    for (const { ref } of this.unfinalized()) this.tree.add({ ...ref, parent: ref.parentHash, slot: ref.number })
    this.service = new FinalityService({
      network,
      genesis: { number: 0n, hash: genesis.hash },
      epochBlocks: EPOCH,
      setAfter: (hash) => setAfterNumber(this.headers.get(hash)?.ref.number ?? 0n),
      proveSet: () => ({ accountProof: [], storage: [] }),
      unfinalized: () => this.unfinalized().map(({ ref }) => ref),
      chain: {
        canonicalHash: (number) => [...this.headers.values()].find(({ ref }) => ref.number === number)?.ref.hash,
        justification: (hash) => this.canonical.get(this.headers.get(hash)?.ref.number ?? 0n),
        dropJustifications: async () => {},
      },
      gossipMs: 40,
      tree: this.tree,
      storedHeader: (hash) => this.headers.get(hash)?.ref,
      store: this.store,
      transport: this.transport,
      clock: systemClock,
      logger: silentLogger,
      signer: key && {
        address: addressOf(key),
        sign: async (request) => {
          if (request.kind !== 'vote') throw new Error('votes only')
          const { setId, round, voteKind, target } = request
          const kind = voteKindOf(voteKind)!
          this.signed.push({ at: `${setId}/${round}/${kind}/${target.hash}`, setId, number: target.number })
          return secp256k1.sign(voteDigest(network, { setId, round, kind, ...target }), key)
        },
      },
      finalize: async (block, justification) => {
        this.tree.finalize(block.hash)
        this.canonical.set(block.number, justification)
        this.#waiting = this.#waiting.filter(({ number, resolve }) => {
          if (block.number >= number) resolve()
          return block.number < number
        })
        if (this.crashAfter === block.number) throw new Error('the power goes out')
      },
      onHalt: (reason) => {
        this.halted = reason
        this.#halt()
      },
      ...other,
    })
  }

  unfinalized(): TestBlock[] {
    const final = this.tree.finalized().number
    return [...this.headers.values()].filter(({ ref }) => ref.number > final)
  }

  add(block: TestBlock): void {
    this.headers.set(block.ref.hash, block)
    this.tree.add({ ...block.ref, parent: block.ref.parentHash, slot: block.ref.number })
    this.service.onBlock(block.ref)
  }

  final(number: bigint): Promise<void> {
    if (this.tree.finalized().number >= number) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ number, resolve }))
  }
}

function childOf(parent: BlockRef): TestBlock {
  const fields: Uint8Array[] = Array.from({ length: 21 }, () => new Uint8Array())
  fields[0] = fromHex(parent.hash)
  fields[8] = uintBE(parent.number + 1n, 2)
  const rlp = RLP.encode(fields)
  return { rlp, ref: { number: parent.number + 1n, hash: toHex(keccak256(rlp)) as Hash32, parentHash: parent.hash } }
}

function chain(length: number): TestBlock[] {
  const blocks: TestBlock[] = []
  for (let i = 0; i < length; i++) blocks.push(childOf(blocks.at(-1)?.ref ?? genesis))
  return blocks
}

const running: TestNode[] = []
async function start(...nodes: TestNode[]): Promise<void> {
  running.push(...nodes)
  for (const node of nodes) await node.service.start()
}
afterEach(async () => {
  for (const node of running.splice(0)) await node.service.stop()
})

const nodesOf = (hub: MemoryHub) => [...keys.map((key, i) => new TestNode(hub, `v${i}`, key))]
const commitAt = (node: TestNode, number: bigint) =>
  decodeJustification(node.canonical.get(number) as Uint8Array).commit

describe('finality over the chain of sets', () => {
  it('hands over at the end of an epoch: one joins, one leaves, a follower follows, none restarts', async () => {
    const hub = new MemoryHub()
    const follower = new TestNode(hub, 'f', undefined)
    const nodes = [...nodesOf(hub), follower]
    const subscriptions = vi.spyOn(follower.transport, 'subscribe')
    await start(...nodes)
    const blocks = chain(14)
    // All blocks are there at once: the limit alone keeps votes below each epoch's end.
    for (const node of nodes) for (const block of blocks) node.add(block)
    await Promise.all(nodes.map((node) => node.final(14n)))
    expect(nodes.map((node) => node.halted)).toEqual(nodes.map(() => undefined))
    for (const node of nodes) {
      for (const [number, setId] of [
        [4n, 0n],
        [8n, 1n],
        [12n, 1n],
      ] as const)
        expect(commitAt(node, number)).toMatchObject({ setId, target: { number } })
      expect(node.service.status()).toMatchObject({ setId: 2n, validators: setAfterNumber(12n).sessions })
      expect(await node.service.verify(node.canonical.get(4n) as Uint8Array)).toMatchObject({ number: 4n })
    }
    // Whoever leaves a topic of gossip and comes back waits outside the mesh: three sets share one subscription.
    expect(subscriptions.mock.calls.map(([topic]) => topic)).toEqual(['votes', 'commits'])
    // Each set votes within its office alone, and the rounds of each begin at 1.
    const office: Record<string, readonly [bigint, bigint]> = { 0: [0n, 4n], 1: [4n, 12n], 2: [12n, 14n] }
    for (const node of nodes)
      for (const { setId, number } of node.signed) {
        const [from, to] = office[`${setId}`] as readonly [bigint, bigint]
        expect(number >= from && number <= to, `${node.id} votes for ${number} in set ${setId}`).toBe(true)
      }
    expect(nodes[0]?.signed.some(({ setId }) => setId === 1n)).toBe(false)
    expect(nodes[4]?.signed.some(({ setId }) => setId === 0n)).toBe(false)
    expect(nodes[4]?.signed.some(({ setId }) => setId === 1n)).toBe(true)
    expect(nodes[0]?.signed.some(({ setId }) => setId === 2n)).toBe(true)
  })

  it('lets a node that was away pass a handover by the justification of the epoch’s last block', async () => {
    const hub = new MemoryHub()
    const nodes = nodesOf(hub)
    const blocks = chain(6)
    await start(...nodes)
    const away = nodes[1] as TestNode
    away.transport.connected = false
    for (const node of nodes) for (const block of blocks) node.add(block)
    const present = nodes.filter((node) => node !== away)
    await Promise.all(present.map((node) => node.final(6n)))
    expect(away.tree.finalized().number).toBe(0n)
    away.transport.connected = true
    await away.final(6n)
    expect(commitAt(away, 4n)).toMatchObject({ setId: 0n, target: { number: 4n } })
    expect(away.service.status().setId).toBe(1n)
  })

  it.each(['before the new set is written down', 'after it'])('goes on from a crash %s', async (when) => {
    const hub = new MemoryHub()
    const nodes = nodesOf(hub)
    const [, first] = nodes as [TestNode, TestNode]
    if (when === 'before the new set is written down') first.crashAfter = 4n
    await start(...nodes)
    const blocks = chain(7)
    for (const node of nodes) for (const block of blocks.slice(0, 4)) node.add(block)
    await Promise.all(nodes.map((node) => node.final(4n)))
    await first.service.stop()
    const again = new TestNode(hub, 'v1', keys[1], first)
    await start(again)
    expect(again.service.status().setId).toBe(1n)
    expect(again.service.knownSet(1n)?.base.number).toBe(4n)
    expect(decodeHandovers(again.service.setProofs(0n).proofs).map(({ setId }) => setId)).toEqual([1n])
    const all = [again, ...nodes.filter((node) => node !== first)]
    for (const node of all) for (const block of blocks.slice(4)) node.add(block)
    await Promise.all(all.map((node) => node.final(7n)))
    expect(again.halted).toBeUndefined()
    const votes = new Map(again.signed.map(({ at }) => [at.slice(0, at.lastIndexOf('/')), at]))
    expect(new Set(again.signed.map(({ at }) => at)).size).toBe(votes.size)
  })

  it('takes a justification of the set in office alone, and none beyond an epoch that is not final', async () => {
    const hub = new MemoryHub()
    const nodes = nodesOf(hub)
    await start(...nodes)
    const blocks = chain(6)
    for (const node of nodes) for (const block of blocks) node.add(block)
    await Promise.all(nodes.map((node) => node.final(6n)))
    const late = new TestNode(new MemoryHub(), 'late', undefined)
    await start(late)
    for (const block of blocks) late.add(block)
    const proof = (number: bigint) => nodes[2]?.canonical.get(number) as Uint8Array
    const ref = (number: bigint) => blocks[Number(number) - 1]?.ref as BlockRef
    await expect(late.service.importJustification(proof(6n), ref(6n))).rejects.toMatchObject({
      name: 'JUSTIFICATION_TOO_EARLY',
    })
    // The new set's votes prove nothing before it is in office.
    expect(await late.service.verify(proof(6n))).toBeUndefined()
    await late.service.importJustification(proof(4n), ref(4n))
    await late.service.importJustification(proof(6n), ref(6n))
    expect(late.tree.finalized().number).toBe(6n)
    expect(await late.service.verify(proof(6n))).toMatchObject({ number: 6n })
  })

  it('counts votes of the next set that came before the handover: whoever was first has voted already', async () => {
    const hub = new MemoryHub()
    const nodes = nodesOf(hub)
    await start(...nodes)
    const blocks = chain(5)
    for (const node of nodes) for (const block of blocks.slice(0, 4)) node.add(block)
    await Promise.all(nodes.map((node) => node.final(4n)))
    // Nobody sends this one anything but the votes that are published here.
    const apart = new MemoryHub()
    const late = new TestNode(apart, 'late', undefined)
    const sender = apart.join('sender')
    await start(late)
    for (const block of blocks) late.add(block)
    const { sessions } = setAfterNumber(4n)
    const { number, hash } = (blocks[4] as TestBlock).ref
    for (const kind of ['prevote', 'precommit'] as const)
      for (const key of keys.slice(1, 4)) {
        const vote = { setId: 1n, round: 1n, kind, number, hash }
        const signature = secp256k1.sign(voteDigest(network, vote), key)
        await sender.publish('votes', encodeVote({ ...vote, voter: sessions.indexOf(addressOf(key)), signature }))
      }
    const ref = (blocks[3] as TestBlock).ref
    await late.service.importJustification(nodes[1]?.canonical.get(4n) as Uint8Array, ref)
    await late.final(5n)
    expect(commitAt(late, 5n)).toMatchObject({ setId: 1n, target: { number: 5n } })
  })

  /** Blocks up to 5, what proves 4 and 5 final, and a follower that has none of it, with an honest peer beside. */
  async function followerAndProofs(options: Partial<FinalityOptions> = {}, store?: KeyValueStore) {
    const hub = new MemoryHub()
    const nodes = nodesOf(hub)
    await start(...nodes)
    const blocks = chain(5)
    for (const node of nodes) for (const block of blocks) node.add(block)
    await Promise.all(nodes.map((node) => node.final(5n)))
    const apart = new MemoryHub()
    const late = new TestNode(apart, 'late', undefined, undefined, { ...(store && { store }), ...options })
    const honest = apart.join('honest')
    honest.serve('neighbour', async (message) => message)
    await start(late)
    for (const block of blocks) late.add(block)
    const proof = (number: bigint) => nodes[1]?.canonical.get(number) as Uint8Array
    const ref = (number: bigint) => blocks[Number(number) - 1]?.ref as BlockRef
    return { late, honest, proof, ref }
  }

  it('blames nobody for a true proof that votes were quicker than, though another set is in office by then', async () => {
    const { late, honest, proof, ref } = await followerAndProofs()
    let asked!: () => void
    let answer!: (proof: Uint8Array) => void
    const asking = new Promise<void>((resolve) => (asked = resolve))
    const answered = new Promise<Uint8Array>((resolve) => (answer = resolve))
    honest.serve('justification', () => {
      asked()
      return answered
    })
    const position = { setId: 1n, round: 1n, finalizedNumber: 4n, stuck: false, have: [] }
    await honest.request('late', 'neighbour', encodeNeighbour(position))
    await asking
    await late.service.importJustification(proof(4n), ref(4n))
    expect(late.service.status().setId).toBe(1n)
    answer(proof(4n))
    await answered
    // Whatever follows from the answer follows without waiting for anything outside.
    await late.service.importJustification(proof(5n), ref(5n))
    await new Promise((resolve) => setImmediate(resolve))
    expect(late.transport.reports).toEqual([])
  })

  it('judges proofs of the next set once that set is written down, not before', async () => {
    const store: KeyValueStore = new MemoryStore()
    const write = store.write.bind(store)
    let free!: () => void
    const slow = new Promise<void>((resolve) => (free = resolve))
    let writing!: () => void
    const reached = new Promise<void>((resolve) => (writing = resolve))
    const { late, proof, ref } = await followerAndProofs({}, store)
    vi.spyOn(store, 'write').mockImplementation(async (writes, options) => {
      writing()
      await slow
      return write(writes, options)
    })
    const closing = late.service.importJustification(proof(4n), ref(4n))
    await reached
    expect(late.tree.finalized().number).toBe(4n)
    const verified = late.service.verify(proof(5n))
    const imported = late.service.importJustification(proof(5n), ref(5n))
    free()
    expect(await verified).toMatchObject({ number: 5n })
    await Promise.all([closing, imported])
    expect(late.tree.finalized().number).toBe(5n)
  })

  it('halts when who takes over could not be written down: a restart mends it, going on would not', async () => {
    const store: KeyValueStore = new MemoryStore()
    const { late, proof, ref } = await followerAndProofs({}, store)
    vi.spyOn(store, 'write').mockRejectedValue(new Error('the disk is full'))
    await expect(late.service.importJustification(proof(4n), ref(4n))).rejects.toThrow('the disk is full')
    expect(late.halted).toContain('the disk is full')
  })

  it('tells of the positions of validators alone: anybody else may claim any', async () => {
    const heard: bigint[] = []
    const { late, honest } = await followerAndProofs({ onNeighbour: ({ round }) => heard.push(round) })
    const claim = (round: bigint) =>
      honest.request(
        'late',
        'neighbour',
        encodeNeighbour({ setId: 0n, round, finalizedNumber: 0n, stuck: false, have: [] }),
      )
    await claim(7n)
    vi.spyOn(late.transport, 'peers').mockReturnValue([{ id: 'honest', validator: addressOf(keys[0]!), score: 0 }])
    await claim(8n)
    expect(heard).toEqual([8n])
  })

  it('thins out old justifications as finality moves on', async () => {
    const dropped: Hash32[] = []
    const alone: ValidatorSet = { setId: 0n, sessions: [addressOf(keys[0] as Uint8Array)], weights: [1n] }
    const node = new TestNode(new MemoryHub(), 'v0', keys[0], undefined, {
      epochBlocks: 5000n,
      setAfter: () => alone,
      chain: {
        canonicalHash: (number) => blocks[Number(number) - 1]?.ref.hash,
        justification: (hash) => proofs.get(hash),
        dropJustifications: async (hashes) => void dropped.push(...hashes),
      },
    })
    const blocks = chain(1300)
    const proof = (block: TestBlock, targets: number) => {
      const { number, hash } = block.ref
      const refs = Array.from({ length: targets }, (_, i) => ({ number, hash: i === 0 ? hash : testHash(i) }))
      const precommits = refs.map((_, target) => ({ target, voter: target, signature: new Uint8Array(65) }))
      const commit = { setId: 0n, round: 1n, target: { number, hash }, targets: refs, precommits }
      return encodeJustification({ commit, ancestry: [] })
    }
    const proofs = new Map(blocks.map((block) => [block.ref.hash, proof(block, block.ref.number < 255n ? 1 : 2)]))
    await start(node)
    for (const block of blocks) node.add(block)
    await node.final(1300n)
    // The window of blocks 0 to 255 is more than 1,024 blocks old; 254 is the last one with a single target.
    const gone = blocks.filter(({ ref }) => ref.number <= 255n && ref.number !== 254n).map(({ ref }) => ref.hash)
    expect(dropped).toEqual(gone)
  })

  it('signs nothing while it listens for its own key, then votes like the others', async () => {
    const hub = new MemoryHub()
    let listened!: () => void
    const listening = new Promise<void>((resolve) => (listened = resolve))
    const quiet = new TestNode(hub, 'v0', keys[0], undefined, { listening })
    const nodes = [quiet, ...keys.slice(1, 4).map((key, i) => new TestNode(hub, `v${i + 1}`, key))]
    await start(...nodes)
    const blocks = chain(3)
    for (const node of nodes) for (const block of blocks.slice(0, 2)) node.add(block)
    await Promise.all(nodes.map((node) => node.final(2n)))
    expect(quiet.signed).toEqual([])
    listened()
    // Without it the three would be enough: one of them goes.
    await nodes[3]?.service.stop()
    for (const node of nodes.slice(0, 3)) node.add(blocks[2] as TestBlock)
    await quiet.final(3n)
    expect(quiet.signed.length).toBeGreaterThan(0)
  })

  it('halts when its own key votes elsewhere', async () => {
    const hub = new MemoryHub()
    const node = new TestNode(hub, 'v0', keys[0], undefined, { isForeign: () => true })
    const twin = new TestNode(hub, 'twin', keys[0])
    await start(node, twin)
    twin.add(chain(1)[0] as TestBlock)
    await node.halting
    expect(node.halted).toMatch(/our own key/)
    expect(twin.halted).toBeUndefined()
  })
})
