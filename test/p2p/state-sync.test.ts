import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  BlockImporter,
  BlockTree,
  blockRef,
  sessionAddresses,
  StoredChain,
  type BlockRef,
  type StateSink,
  type StateSource,
} from '@hawser/chain'
import { HawserEngine, StateImport } from '@hawser/execution'
import { buildGenesis, genesisAccounts } from '@hawser/genesis'
import { fetchState, serveState, StateTargetSearch } from '@hawser/p2p'
import { fromHex, keccak256, silentLogger, systemClock, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { finalityOf, justify, left, reached, sourceChain, SyncWorld } from './sync-world.ts'
import { testAddress, TestChain, testKey, TEST_SPEC } from '../kit/index.ts'

let source: TestChain
let nodes: SyncWorld
let target: BlockRef & { readonly stateRoot: Hash32 }
beforeAll(async () => {
  const funded = Array.from({ length: 300 }, (_, i) => ({
    address: toHex(keccak256(Uint8Array.of(i >> 8, i & 255)).subarray(0, 20)) as Address,
    balance: 10n ** 18n + BigInt(i),
  }))
  source = await TestChain.create([...funded, { address: testAddress('alice'), balance: 10n ** 18n }])
  for (let i = 0n; i < 6n; i++) {
    const fields = {
      nonce: i,
      gasLimit: 21_000n,
      to: testAddress(`bob ${i}`),
      value: 5n,
      maxFeePerGas: 10_000_000n,
      chainId: 18443n,
    }
    const tx = createFeeMarket1559Tx(fields, { common: source.common }).sign(testKey('alice'))
    const { block } = await source.mine({ transactions: [tx] })
    await source.importer.finalize(blockRef(block), justify(source, blockRef(block)))
    if (i === 3n) target = { ...blockRef(block), stateRoot: toHex(block.header.stateRoot) as Hash32 }
  }
})
afterAll(() => source.dispose())
afterEach(() => nodes.stop())

/** A database with nothing but genesis, as a new node has it. */
async function newDatabase(): Promise<MemoryStore> {
  const db = new MemoryStore()
  await StoredChain.open(db, source.common, await buildGenesis(TEST_SPEC, source.common, genesisAccounts(TEST_SPEC)))
  return db
}

/** An engine on a database that a state was taken into; it knows no headers. */
function engineOn(db: MemoryStore): HawserEngine {
  const { spec, common, clock, consensus } = source
  return new HawserEngine({
    spec,
    common,
    clock,
    logger: silentLogger,
    store: db,
    headerOf: (hash) => source.store.block(hash)?.block.header,
    sessionKeys: () => sessionAddresses(TEST_SPEC),
    author: (slot, parent) => consensus.author(slot, { number: parent.number, hash: toHex(parent.hash()) as Hash32 }),
  })
}

async function network(servers: number) {
  nodes = new SyncWorld()
  const transports = []
  for (let i = 0; i < servers; i++) transports.push(await nodes.transport(`server ${i}`, source))
  const client = await nodes.transport(
    'client',
    source,
    transports.flatMap((one) => one.addresses()),
  )
  await expect.poll(() => client.peers().length).toBe(servers)
  return { transports, client }
}

describe('state sync', () => {
  it('takes the state of a block some blocks back, on which the chain goes on', async () => {
    const { transports, client } = await network(2)
    for (const transport of transports) serveState(transport, source.engine.stateSource(), systemClock)
    const db = await newDatabase()
    const sink = await StateImport.open(db, target, target.stateRoot)
    expect(StateImport.isPending(db)).toBe(true)
    await db.write(await fetchState({ transport: client, sink, logger: silentLogger }))
    expect(StateImport.isPending(db)).toBe(false)
    // The next blocks, executed on what was fetched, come to the roots in their headers; all of the state is proven by the root before.
    const engine = engineOn(db)
    let parent = source.store.block(target.hash)?.block.header
    for (let number = target.number + 1n; number <= 6n; number++) {
      const block = source.store.block(source.store.canonicalHash(number) as Hash32)?.block
      if (!block || !parent) throw new Error('the source has it')
      const { state } = await engine.execute(parent, block)
      await db.write(state.writes)
      state.apply()
      parent = block.header
    }
    const alice = testAddress('alice')
    const header = source.store.block(target.hash)?.block.header
    if (!header) throw new Error('the source has it')
    expect(engine.stateAt(header).account(alice)).toMatchObject({ nonce: 4n })
    expect(engine.stateAt(header).prove(alice, [])).toEqual(source.engine.stateAt(header).prove(alice, []))
  })

  it('goes on after it was cut off, without what it has', async () => {
    const { transports, client } = await network(1)
    const state = source.engine.stateSource()
    let left = 9
    const server: StateSource = {
      ...state,
      range: (...request) => (request[1] === undefined && left-- <= 0 ? undefined : state.range(...request)),
    }
    serveState(transports[0] as (typeof transports)[0], server, systemClock)
    const db = await newDatabase()
    const first = await StateImport.open(db, target, target.stateRoot)
    await expect(fetchState({ transport: client, sink: first, logger: silentLogger })).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
    })
    left = 1_000
    const again: StateSink = await StateImport.open(db, target, target.stateRoot)
    expect(again.missing().length).toBeLessThan(16)
    expect(again.missing().length).toBeGreaterThan(0)
    await db.write(await fetchState({ transport: client, sink: again, logger: silentLogger }))
    expect(StateImport.isPending(db)).toBe(false)
  })

  it('parts with a peer that leaves something out or changes it, and takes it from another', async () => {
    const { transports, client } = await network(2)
    const [liar, honest] = transports as [(typeof transports)[0], (typeof transports)[0]]
    const state = source.engine.stateSource()
    serveState(honest, state, systemClock)
    const lies: StateSource = {
      range: (...request) => {
        const range = state.range(...request)
        return range && { ...range, leaves: range.leaves.slice(1) }
      },
      code: () => fromHex('0x6000'),
    }
    serveState(liar, lies, systemClock)
    const gone = left(client, liar.self)
    const db = await newDatabase()
    const sink = await StateImport.open(db, target, target.stateRoot)
    await db.write(await fetchState({ transport: client, sink, logger: silentLogger }))
    await gone
    const header = source.store.block(target.hash)?.block.header
    if (!header) throw new Error('the source has it')
    expect(engineOn(db).stateAt(header).account(testAddress('bob 1'))).toMatchObject({ balance: 5n })
  })

  it('begins a new node at a final block, and block sync takes it from there', async () => {
    const old = await sourceChain(70, 5)
    nodes = new SyncWorld()
    const server = await nodes.transport('server', old)
    serveState(server, old.engine.stateSource(), systemClock)
    nodes.sync(old, server)
    const { spec, common, consensus } = old
    const db = new MemoryStore()
    const genesis = await buildGenesis(TEST_SPEC, common, genesisAccounts(TEST_SPEC))
    const store = await StoredChain.open(db, common, genesis)
    const finality = finalityOf(old)
    const client = await nodes.transport('new', { genesisHash: genesis.hash, store }, server.addresses())
    await expect.poll(() => client.peers().length).toBe(1)

    const { clock } = old
    const { proven: verify, checkSeal } = finality
    const target = { transport: client, spec, common, verify, checkSeal, clock, logger: silentLogger }
    const search = new StateTargetSearch(target)
    const found = await search.find()
    if (!found) throw new Error('the server has a final block')
    const base = blockRef(found.base.block)
    expect([base.number, found.ancestors.length]).toEqual([70n, 69])
    const stateRoot = toHex(found.base.block.header.stateRoot) as Hash32
    const sink = await StateImport.open(db, base, stateRoot)
    const state = await fetchState({ transport: client, sink, logger: silentLogger })
    await store.beginAt(found.base, found.justification, found.ancestors, state)

    for (let i = 1; i <= 20; i++) {
      const { block } = await old.mine()
      if (i % 5 === 0) await old.importer.finalize(blockRef(block), justify(old, blockRef(block)))
    }
    // As after a restart: everything comes from the database.
    const reopened = await StoredChain.open(db, common, genesis)
    expect(reopened.pointers()).toEqual({ head: base, finalized: base })
    const headerOf = (hash: Hash32) => reopened.block(hash)?.block.header
    const tree = new BlockTree(
      { ...base, parent: toHex(found.base.block.header.parentHash) as Hash32, slot: found.base.block.header.timestamp },
      (hash) => headerOf(hash)?.serialize(),
    )
    const parts = {
      spec,
      common,
      clock: old.clock,
      logger: silentLogger,
      onFatal: (reason: string) => {
        throw new Error(reason)
      },
    }
    const author = (slot: bigint, parent: { number: bigint; hash(): Uint8Array }) =>
      consensus.author(slot, { number: parent.number, hash: toHex(parent.hash()) as Hash32 })
    const engine = new HawserEngine({
      ...parts,
      store: db,
      headerOf,
      author,
      sessionKeys: () => sessionAddresses(TEST_SPEC),
      history: 128,
    })
    const importer = new BlockImporter({ ...parts, store: reopened, tree, engine, consensus })
    const done = reached({ importer, store: reopened }, 90n)
    nodes.sync(
      {
        common,
        store: reopened,
        importer,
        finality: {
          ...finality,
          importJustification: (justification, block) => importer.finalize(block, justification),
        },
      },
      client,
    )
    await done
    expect(reopened.pointers().head).toEqual(old.store.pointers().head)
    await expect.poll(() => reopened.pointers().finalized.number).toBe(90n)
    expect(
      await store.beginAt(found.base, found.justification, [], []).catch((error: unknown) => error),
    ).toBeInstanceOf(Error)
    old.dispose()
  })
})
