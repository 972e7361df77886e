import type { TypedTransaction } from '@ethereumjs/tx'
import {
  BlockImporter,
  BlockTree,
  blockHash,
  createCommon,
  StoredChain,
  ValidatorSets,
  type BlockRef,
  type ChainSpec,
  type InherentCall,
  type SealedBlock,
  type Signer,
} from '@hawser/chain'
import { AuraConsensus, GuardedSigner, SignerGuard } from '@hawser/consensus'
import { HawserEngine } from '@hawser/execution'
import { buildGenesis, devnetSpec, genesisAccounts } from '@hawser/genesis'
import { devValidatorKeys, validatorSpecOf } from '@hawser/node'
import {
  keccak256,
  silentLogger,
  toHex,
  utf8,
  ZERO_HASH,
  type Address,
  type Clock,
  type Hash32,
} from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { MemoryStore } from '@hawser/storage'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A clock that stands still until it is moved; timers fire as it passes them. */
export class TestClock implements Clock {
  #now: number
  readonly #timers = new Set<{ at: number; callback: () => void }>()

  constructor(nowMs: number) {
    this.#now = nowMs
  }

  nowMs(): number {
    return this.#now
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  moveTo(nowMs: number): void {
    this.#now = nowMs
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at))
      if (timer.at <= nowMs && this.#timers.delete(timer)) timer.callback()
  }
}

/** Keys of accounts that tests fund. */
export const testKey = (name: string): Uint8Array => keccak256(utf8(`test account ${name}`))
export const testAddress = (name: string): Address => publicKeyToAddress(secp256k1.publicKey(testKey(name), false))

export const VALIDATORS = 4
export const GENESIS_TIME = 1_800_000_000

export const TEST_SPEC: ChainSpec = devnetSpec({
  genesisTime: GENESIS_TIME,
  validators: Array.from({ length: VALIDATORS }, (_, i) => validatorSpecOf(devValidatorKeys(i))),
})

/**
 * The real engine, contracts, store and importer with one hand on the clock: each `mine` is the next slot's author. Funded
 * accounts break "circulating supply equals custody", so tests of the peg must not use them.
 */
export class TestChain {
  readonly spec = TEST_SPEC
  readonly common = createCommon(TEST_SPEC.chainId)
  readonly clock = new TestClock(GENESIS_TIME * 1000)
  readonly db = new MemoryStore()
  readonly store: StoredChain
  readonly tree: BlockTree
  readonly engine: HawserEngine
  readonly importer: BlockImporter
  readonly consensus: AuraConsensus
  /** The validator sets as the state has them. */
  readonly sets: ValidatorSets
  readonly genesisHash: Hash32
  readonly #signers: ReadonlyMap<Address, Signer>
  readonly #guards: string

  /** What the importer holds the chain against. */
  checkpoint: BlockRef | undefined

  private constructor(
    store: StoredChain,
    genesisHash: Hash32,
    signers: ReadonlyMap<Address, Signer>,
    db: MemoryStore,
    guards: string,
  ) {
    this.#guards = guards
    this.db = db
    this.store = store
    this.genesisHash = genesisHash
    this.#signers = signers
    const headerOf = (hash: Hash32) => store.block(hash)?.block.header
    this.tree = new BlockTree(
      { number: 0n, hash: genesisHash, parent: ZERO_HASH, slot: BigInt(GENESIS_TIME) },
      (hash) => headerOf(hash)?.serialize(),
    )
    this.sets = new ValidatorSets((hash) => this.engine.stateAt((store.block(hash) as SealedBlock).block.header))
    this.consensus = new AuraConsensus({
      chainId: BigInt(this.spec.chainId),
      slotSeconds: this.spec.slotSeconds,
      authorities: (parent) => this.sets.after(parent.hash).sessions,
    })
    const onFatal = (reason: string) => {
      throw new Error(reason)
    }
    const parts = { spec: this.spec, common: this.common, clock: this.clock, logger: silentLogger, onFatal }
    this.engine = new HawserEngine({
      ...parts,
      store: db,
      headerOf,
      author: (slot, parent) => this.consensus.author(slot, { number: parent.number, hash: blockHash(parent) }),
      sessionKeys: (parent) => this.sets.after(blockHash(parent)).sessions,
    })
    this.importer = new BlockImporter({
      ...parts,
      store,
      tree: this.tree,
      engine: this.engine,
      consensus: this.consensus,
      checkpoint: () => this.checkpoint,
    })
  }

  static async create(
    funded: readonly { readonly address: Address; readonly balance: bigint }[] = [],
  ): Promise<TestChain> {
    const common = createCommon(TEST_SPEC.chainId)
    const genesis = await buildGenesis(TEST_SPEC, common, [...genesisAccounts(TEST_SPEC), ...funded])
    const network = { chainId: BigInt(TEST_SPEC.chainId), genesisHash: genesis.hash }
    const folder = await mkdtemp(join(tmpdir(), 'hawser-test-chain-'))
    const signers = new Map<Address, Signer>()
    for (let i = 0; i < VALIDATORS; i++) {
      const guard = await SignerGuard.open(join(folder, `${i}.json`), { allowFresh: true })
      const signer = new GuardedSigner(network, devValidatorKeys(i).session, guard)
      signers.set(signer.address, signer)
    }
    const db = new MemoryStore()
    return new TestChain(await StoredChain.open(db, common, genesis), genesis.hash, signers, db, folder)
  }

  /** Removes the folder of the signing guards. */
  dispose(): void {
    rmSync(this.#guards, { recursive: true, force: true })
  }

  head(): SealedBlock {
    return this.store.block(this.store.pointers().head.hash) as SealedBlock
  }

  /** The slot's author seals a block on a parent (the head) without importing it. */
  async build(
    options: {
      transactions?: readonly TypedTransaction[]
      inherents?: readonly InherentCall[]
      parent?: SealedBlock
      skipSlots?: number
    } = {},
  ) {
    const parent = (options.parent ?? this.head()).block.header
    const slot = parent.timestamp / BigInt(this.spec.slotSeconds) + 1n + BigInt(options.skipSlots ?? 0)
    const parentRef = { number: parent.number, hash: blockHash(parent) }
    const author = this.consensus.author(slot, parentRef)
    const sign = this.#signers.get(author) as Signer
    this.clock.moveTo(Math.max(this.clock.nowMs(), Number(slot) * this.spec.slotSeconds * 1000))
    const built = await this.engine.build(parent, {
      slot,
      author,
      inherents: options.inherents ?? [],
      transactions: options.transactions ?? [],
      deadlineMs: this.clock.nowMs() + 60_000,
      sign,
    })
    const seal = await sign.sign({ kind: 'seal', slot, blockHash: toHex(built.block.hash()) as Hash32 })
    return { ...built, sealed: { block: built.block, seal } satisfies SealedBlock, author, sign }
  }

  /** Builds the next block and imports it through all gates, execution included. */
  async mine(options: Parameters<TestChain['build']>[0] = {}) {
    const built = await this.build(options)
    await this.importer.import(built.sealed, 'gossip')
    return built
  }
}
