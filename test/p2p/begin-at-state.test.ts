import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { StoredChain, type PeerId } from '@hawser/chain'
import { decodeHandovers, encodeHandovers } from '@hawser/consensus/verify'
import { systemContracts, validatorsAbi, validatorsTypedData } from '@hawser/contracts'
import { StateImport } from '@hawser/execution'
import { buildGenesis, devnetSpec, genesisAccounts } from '@hawser/genesis'
import { beginAtState, devValidatorKeys, validatorSpecOf } from '@hawser/node'
import { serveBlocks, serveState } from '@hawser/p2p'
import { silentLogger, systemClock, toHex, type Hash32, type Hex } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { keyIn, keyspace, MemoryStore } from '@hawser/storage'
import { encodeFunctionData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { GENESIS_TIME, testAddress, testKey } from '../kit/index.ts'
import { MemoryNetwork, type MemoryTransport } from '../kit/memory-transport.ts'
import { ValidatorNetwork, type NetworkNode } from '../kit/validator-network.ts'

const EPOCH = 5n
const FINAL = 8n
const DEADLINE = 1_000n
const spec = {
  ...devnetSpec({
    genesisTime: GENESIS_TIME,
    validators: [0, 1, 2, 3].map((i) => validatorSpecOf(devValidatorKeys(i))),
  }),
  epochBlocks: Number(EPOCH),
}
const NOTHING_FOUND = new Error('nothing was found')
const accounts = [...genesisAccounts(spec), { address: testAddress('alice'), balance: 10n ** 18n }]
const sessionOf = (i: number) => publicKeyToAddress(secp256k1.publicKey(devValidatorKeys(i).session, false))

/** A chain on which one of four validators is voted out: set 0 up to block 5, set 1 from then on. */
let chain: ValidatorNetwork
beforeAll(async () => {
  chain = await ValidatorNetwork.create(spec, [{ address: testAddress('alice'), balance: 10n ** 18n }])
  for (let i = 0; i < 4; i++) await chain.join(`validator ${i}`, devValidatorKeys(i).session)
  const act = { session: sessionOf(0), deadline: DEADLINE }
  const votes = await Promise.all(
    [1, 2, 3].map(async (i) => {
      const { address: management, signTypedData } = privateKeyToAccount(toHex(devValidatorKeys(i).management))
      const message = { management, ...act }
      const typed = { ...validatorsTypedData(spec.chainId), primaryType: 'VoteRemove', message }
      return { management, signature: await signTypedData(typed as never) }
    }),
  )
  const args = [act.session, DEADLINE, votes]
  const vote = {
    nonce: 0n,
    gasLimit: 3_000_000n,
    to: systemContracts.validators as Hex,
    data: encodeFunctionData({ abi: validatorsAbi, functionName: 'removeValidator', args } as never),
    maxFeePerGas: 10_000_000n,
    chainId: BigInt(spec.chainId),
  }
  await chain.slot([createFeeMarket1559Tx(vote, { common: chain.common }).sign(testKey('alice'))])
  // Both are made final by themselves.
  await chain.until(FINAL - 1n)
  await chain.until(FINAL)
  expect(node().finality.status().setId).toBe(1n)
})
afterAll(() => chain.stop())

const node = () => chain.nodes[0] as NetworkNode

/** Puts a peer on a network that has the chain, or another idea of it. */
function serve(network: MemoryNetwork, { handovers }: { handovers?: (proofs: Uint8Array) => Uint8Array } = {}) {
  const peer = network.join()
  serveBlocks(peer, node().store)
  serveState(peer, node().engine.stateSource(), systemClock)
  peer.serve('handovers', async (message) => {
    const { proofs } = node().finality.setProofs(BigInt(toHex(message)))
    return handovers ? handovers(proofs) : proofs
  })
  return peer
}

/** A new node on the network; peers claim the last final block unless told otherwise. It ends when it finds nothing, unless `onPause` does something about it. */
async function newcomer(network: MemoryNetwork, claims: ReadonlyMap<PeerId, bigint>, onPause?: () => void) {
  const own: MemoryTransport = network.join()
  const db = new MemoryStore()
  const store = await StoredChain.open(db, chain.common, await buildGenesis(spec, chain.common, accounts))
  const stopping = new AbortController()
  const begun = beginAtState({
    spec,
    common: chain.common,
    genesisHash: chain.network.genesisHash,
    store,
    db,
    transport: {
      peers: () => own.peers(),
      request: (...request) => own.request(...request),
      report: (...report) => own.report(...report),
      statusOf: (id) => ({ finalized: { number: claims.get(id) ?? FINAL } }) as never,
    },
    clock: {
      nowMs: () => chain.clock.nowMs(),
      after: (_ms, wake) => {
        queueMicrotask(() => {
          if (!onPause) return stopping.abort(NOTHING_FOUND)
          onPause()
          wake()
        })
        return () => undefined
      },
    },
    logger: silentLogger,
    signal: stopping.signal,
  })
  return { begun, store, db, reports: own.reports }
}

async function begin(network: MemoryNetwork, claims: ReadonlyMap<PeerId, bigint> = new Map()) {
  const { begun, store, db, reports } = await newcomer(network, claims)
  await begun
  return { store, db, blamed: reports.map(({ peer }) => peer) }
}

async function flatStateOf(db: MemoryStore): Promise<[string, string][]> {
  const values: [string, string][] = []
  for (const space of [keyspace.flatAccount, keyspace.flatStorage])
    for await (const [key, value] of db.entries({ gte: keyIn(space), lt: keyIn(space + 1) }))
      values.push([toHex(key), toHex(value)])
  expect(values.length).toBeGreaterThan(0)
  return values
}

it('begins at the youngest final block, with blocks before it that two sets have sealed', async () => {
  const network = new MemoryNetwork()
  serve(network)
  const { store, db, blamed } = await begin(network)
  expect(store.pointers().finalized).toEqual(node().store.pointers().finalized)
  expect(blamed).toEqual([])
  expect(StateImport.isPending(db)).toBe(false)
  for (let number = 1n; number <= FINAL; number++) {
    const hash = node().store.canonicalHash(number) as Hash32
    expect(store.encodedBlock(hash)).toEqual(node().store.encodedBlock(hash))
  }
})

it('blames a peer for a false handover, and goes on with the others', async () => {
  const network = new MemoryNetwork()
  const liar = serve(network, {
    handovers: (proofs) => {
      const [proof] = decodeHandovers(proofs)
      return encodeHandovers(proof ? [{ ...proof, voters: proof.voters.slice(1) }] : [])
    },
  })
  serve(network)
  const { store, blamed } = await begin(network)
  expect(blamed).toEqual([liar.self])
  expect(store.pointers().finalized.number).toBe(FINAL)
})

it('is not held back by a peer that hides handovers, and says that an old block is the youngest', async () => {
  const network = new MemoryNetwork()
  const hider = serve(network, { handovers: () => encodeHandovers([]) })
  const other = serve(network)
  const { store, blamed } = await begin(
    network,
    new Map([
      // Made final by the set that has left.
      [hider.self, EPOCH],
      [other.self, FINAL],
    ]),
  )
  expect(store.pointers().finalized.number).toBe(FINAL)
  expect(blamed).toEqual([])
})

it('does not believe what a set that has left makes final when it knows the next', async () => {
  const network = new MemoryNetwork()
  const old = serve(network)
  const { begun, store, reports } = await newcomer(network, new Map([[old.self, EPOCH]]))
  await expect(begun).rejects.toBe(NOTHING_FOUND)
  expect(store.pointers().finalized.number).toBe(0n)
  // It may not know of the next set yet.
  expect(reports).toEqual([])
})

it('takes a younger state when one goes out of reach', async () => {
  const network = new MemoryNetwork()
  const peer = serve(network)
  const source = node().engine.stateSource()
  const old = { number: FINAL - 1n, hash: node().store.canonicalHash(FINAL - 1n) as Hash32 }
  let parts = 0
  serveState(
    peer,
    {
      ...source,
      // The older state is pruned after some parts of it.
      range: (block, ...rest) => (block.hash === old.hash && ++parts > 5 ? undefined : source.range(block, ...rest)),
    },
    systemClock,
  )
  const claims = new Map([[peer.self, old.number]])
  const { begun, store, db } = await newcomer(network, claims, () => claims.set(peer.self, FINAL))
  await begun
  expect(parts).toBeGreaterThan(5)
  expect(store.pointers().finalized.number).toBe(FINAL)

  const straight = new MemoryNetwork()
  serve(straight)
  expect(await flatStateOf(db)).toEqual(await flatStateOf((await begin(straight)).db))
})
