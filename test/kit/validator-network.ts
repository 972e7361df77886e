import type { TypedTransaction } from '@ethereumjs/tx'
import {
  BlockImporter,
  BlockTree,
  blockHash,
  blockRef,
  createCommon,
  StoredChain,
  ValidatorSets,
  type BlockRef,
  type ChainSpec,
  type SealedBlock,
} from '@hawser/chain'
import {
  AuraConsensus,
  EvidenceService,
  FinalityService,
  GuardedSigner,
  isRefused,
  isReported,
  mayHaveSealed,
  SignerGuard,
} from '@hawser/consensus'
import { NEXT_SET_HASH_SLOT, systemContracts } from '@hawser/contracts'
import { HawserEngine } from '@hawser/execution'
import { buildGenesis, genesisAccounts } from '@hawser/genesis'
import { silentLogger, systemClock, toHex, uintBE, ZERO_HASH, type Address, type Hash32 } from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import { MemoryStore } from '@hawser/storage'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryNetwork } from './memory-transport.ts'
import { TestClock } from './test-chain.ts'

const GOSSIP_MS = 40

export interface Funded {
  readonly address: Address
  readonly balance: bigint
}

/** One node: real stores, engine, importer, finality and evidence; its transport and its slots are the network's. */
export class NetworkNode {
  readonly name: string
  readonly store: StoredChain
  readonly tree: BlockTree
  readonly engine: HawserEngine
  readonly sets: ValidatorSets
  readonly aura: AuraConsensus
  readonly importer: BlockImporter
  readonly finality: FinalityService
  readonly evidence: EvidenceService
  readonly signer: GuardedSigner | undefined
  halted: string | undefined
  readonly #waiting = new Set<() => void>()

  constructor(network: ValidatorNetwork, name: string, db: MemoryStore, store: StoredChain, signer?: GuardedSigner) {
    const { spec, common, clock, network: id } = network
    this.name = name
    this.store = store
    this.signer = signer
    const headerOf = (hash: Hash32) => store.block(hash)?.block.header
    const stateAfter = (hash: Hash32) => this.engine.stateAt((store.block(hash) as SealedBlock).block.header)
    const genesis = { number: 0n, hash: id.genesisHash }
    this.tree = new BlockTree({ ...genesis, parent: ZERO_HASH, slot: BigInt(spec.genesisTime) }, (hash) =>
      headerOf(hash)?.serialize(),
    )
    this.sets = new ValidatorSets(stateAfter)
    this.aura = new AuraConsensus({
      chainId: id.chainId,
      slotSeconds: spec.slotSeconds,
      authorities: (parent) => this.sets.after(parent.hash).sessions,
    })
    const onFatal = (reason: string) => (this.halted = reason)
    const parts = { spec, common, clock, logger: silentLogger, onFatal }
    this.engine = new HawserEngine({
      ...parts,
      store: db,
      headerOf,
      author: (slot, parent) => this.aura.author(slot, { number: parent.number, hash: blockHash(parent) }),
      sessionKeys: (parent) => this.sets.after(blockHash(parent)).sessions,
    })
    this.importer = new BlockImporter({
      ...parts,
      store,
      tree: this.tree,
      engine: this.engine,
      consensus: this.aura,
    })
    const transport = network.transport.join(signer?.address)
    this.finality = new FinalityService({
      network: id,
      genesis,
      epochBlocks: BigInt(spec.epochBlocks),
      setAfter: (hash) => this.sets.after(hash),
      proveSet: (hash) =>
        stateAfter(hash).prove(systemContracts.validators as Address, [uintBE(NEXT_SET_HASH_SLOT, 32)]),
      unfinalized: () => store.unfinalized(),
      chain: store,
      gossipMs: GOSSIP_MS,
      tree: this.tree,
      storedHeader: (hash) => {
        const header = headerOf(hash)
        return header && { number: header.number, hash, parentHash: toHex(header.parentHash) as Hash32 }
      },
      store: db,
      transport,
      clock: systemClock,
      logger: silentLogger,
      signer,
      finalize: (block, justification) => this.importer.finalize(block, justification),
      onHalt: onFatal,
      onEquivocation: (equivocation) => void this.evidence.submit({ kind: 'votes', ...equivocation }),
    })
    this.evidence = new EvidenceService({
      network: id,
      slotSeconds: spec.slotSeconds,
      store: db,
      transport,
      logger: silentLogger,
      self: signer?.address,
      recover: recoverAddress,
      setOf: (setId) => this.finality.knownSet(setId)?.voters,
      validatorsAfter: (block) => this.sets.after(block.hash).sessions,
      head: () => this.tree.best(),
      mayHaveSealed: (session, number) => mayHaveSealed(stateAfter(this.tree.best().hash), session, number),
      isReported: (known, at) => isReported(stateAfter(at.hash), known),
      isRefused: (known, at) => isRefused(this.engine, known, (store.block(at.hash) as SealedBlock).block.header),
    })
    this.importer.listen({
      onImported: (block) => this.finality.onBlock(block),
      onFinalized: (path) => {
        for (const wake of this.#waiting) wake()
        const last = path.at(-1)
        if (last) void this.evidence.onFinalized(last)
      },
    })
  }

  head(): SealedBlock {
    return this.store.block(this.store.pointers().head.hash) as SealedBlock
  }

  /** Resolves when a block of this number is final, and what follows from that (a handover) is done. */
  async final(number: bigint): Promise<void> {
    while (this.store.pointers().finalized.number < number)
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
  }
}

/** Validators and followers in one process on the memory transport; slots pass when the test says so. */
export class ValidatorNetwork {
  readonly spec: ChainSpec
  readonly common
  readonly network: { readonly chainId: bigint; readonly genesisHash: Hash32 }
  readonly clock: TestClock
  readonly transport = new MemoryNetwork()
  readonly nodes: NetworkNode[] = []
  readonly #genesis: Awaited<ReturnType<typeof buildGenesis>>
  readonly #folder: string

  private constructor(spec: ChainSpec, genesis: Awaited<ReturnType<typeof buildGenesis>>, folder: string) {
    this.spec = spec
    this.common = createCommon(spec.chainId)
    this.network = { chainId: BigInt(spec.chainId), genesisHash: genesis.hash }
    this.clock = new TestClock(spec.genesisTime * 1000)
    this.#genesis = genesis
    this.#folder = folder
  }

  static async create(spec: ChainSpec, funded: readonly Funded[] = []): Promise<ValidatorNetwork> {
    const genesis = await buildGenesis(spec, createCommon(spec.chainId), [...genesisAccounts(spec), ...funded])
    return new ValidatorNetwork(spec, genesis, await mkdtemp(join(tmpdir(), 'hawser-network-')))
  }

  /** Starts a node; with a session key it votes and seals as soon as the set has it. */
  async join(name: string, sessionKey?: Uint8Array): Promise<NetworkNode> {
    const guard = sessionKey && (await SignerGuard.open(join(this.#folder, name), { allowFresh: true }))
    const signer = sessionKey && guard ? new GuardedSigner(this.network, sessionKey, guard) : undefined
    const db = new MemoryStore()
    const store = await StoredChain.open(db, this.common, this.#genesis)
    const node = new NetworkNode(this, name, db, store, signer)
    await node.evidence.start()
    await node.finality.start()
    this.nodes.push(node)
    return node
  }

  /** The next slot's author makes a block, with its node's evidence; all nodes import it. */
  async slot(transactions: readonly TypedTransaction[] = []): Promise<SealedBlock> {
    const [any] = this.nodes as [NetworkNode]
    const parent = any.head().block.header
    const slot = parent.timestamp / BigInt(this.spec.slotSeconds) + 1n
    const parentRef: BlockRef = { number: parent.number, hash: blockHash(parent) }
    const author = any.aura.author(slot, parentRef)
    const node = this.nodes.find(({ signer }) => signer?.address === author)
    if (!node?.signer) throw new Error(`nobody has the key of ${author}`)
    this.clock.moveTo(Number(slot) * this.spec.slotSeconds * 1000)
    const { block } = await node.engine.build(parent, {
      slot,
      author,
      inherents: await node.evidence.inherents(parentRef),
      transactions,
      deadlineMs: this.clock.nowMs() + 60_000,
      sign: node.signer,
    })
    const seal = await node.signer.sign({ kind: 'seal', slot, blockHash: blockRef(block).hash })
    for (const each of this.nodes) await each.importer.import({ block, seal }, each === node ? 'own' : 'gossip')
    return { block, seal }
  }

  /** Slots up to a block number, the last one final everywhere. */
  async until(number: bigint): Promise<void> {
    const [any] = this.nodes as [NetworkNode]
    while (any.store.pointers().head.number < number) await this.slot()
    await Promise.all(this.nodes.map((node) => node.final(number)))
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) {
      node.evidence.stop()
      await node.finality.stop()
      await node.importer.stop()
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
