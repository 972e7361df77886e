import { EmbeddedChain, serveEmbeddedRpc, type EmbeddedRpcServer } from '@hawser/bitcoin/embedded'
import { BitcoindClient, BitcoindSource, L1Wallet } from '@hawser/bitcoin/source'
import { BridgeService } from '@hawser/bridge'
import {
  blockRef,
  createCommon,
  decodeTransaction,
  headerFromParent,
  sessionAddresses,
  slotOf,
  StoredChain,
  type BlockRef,
  type ChainSpec,
  type Signer,
} from '@hawser/chain'
import { encodeJustification, voteDigest, VoterSet } from '@hawser/consensus/verify'
import { bridgeAbi, systemContracts } from '@hawser/contracts'
import { HawserEngine } from '@hawser/execution'
import { buildGenesis, committeeOf, devnetSpec } from '@hawser/genesis'
import {
  concatBytes,
  delay,
  fromHex,
  invariant,
  keccak256,
  silentLogger,
  systemClock,
  toHex,
  uintBE,
  utf8,
  type Address,
  type Hash32,
  type Hex,
  type Logger,
} from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { MemoryStore } from '@hawser/storage'
import { decodeFunctionResult, encodeFunctionData } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { MemoryNetwork, type MemoryTransport } from '../kit/memory-transport.ts'

const key = (kind: string, index: number) => keccak256(concatBytes(utf8(`peg test ${kind} key`), uintBE(index, 4)))
const addressOf = (secret: Uint8Array): Address => publicKeyToAddress(secp256k1.publicKey(secret, false))

interface Member {
  readonly session: Uint8Array
  readonly bridge: BridgeService
  readonly transport: MemoryTransport
}

/** Four bridges of one chain with the real contracts, on one embedded Bitcoin; blocks are made and final on demand. */
export class PegWorld {
  readonly members: Member[] = []
  readonly network = new MemoryNetwork()
  readonly user = privateKeyToAccount(toHex(key('user', 0)))
  readonly #bridges: BridgeService[] = []
  #author = 0

  readonly spec: ChainSpec
  readonly bitcoin: EmbeddedChain
  readonly wallet: L1Wallet
  readonly store: StoredChain
  readonly engine: HawserEngine
  readonly server: EmbeddedRpcServer
  readonly common: ReturnType<typeof createCommon>

  private constructor(parts: Pick<PegWorld, 'spec' | 'bitcoin' | 'wallet' | 'store' | 'engine' | 'server' | 'common'>) {
    this.spec = parts.spec
    this.bitcoin = parts.bitcoin
    this.wallet = parts.wallet
    this.store = parts.store
    this.engine = parts.engine
    this.server = parts.server
    this.common = parts.common
  }

  static async start(options: { rungs?: number[]; logger?: Logger } = {}): Promise<PegWorld> {
    const logger = options.logger ?? silentLogger
    const keys = [0, 1, 2, 3].map((i) => ({ session: key('session', i), bitcoin: key('bitcoin', i) }))
    const base = devnetSpec({
      // The chain's time runs ahead of the clock, so that every batch is at its first coordinator's turn.
      genesisTime: Math.floor(Date.now() / 1000),
      validators: keys.map(({ session, bitcoin }, i) => ({
        session: addressOf(session),
        beneficiary: addressOf(key('beneficiary', i)),
        managementKey: toHex(secp256k1.publicKey(key('management', i))),
        bitcoinKey: toHex(secp256k1.publicKey(bitcoin)),
      })),
    })
    const spec: ChainSpec = { ...base, bridge: { ...base.bridge, feeRungs: options.rungs ?? [2, 5] } }
    const common = createCommon(spec.chainId)
    const db = new MemoryStore()
    const store = await StoredChain.open(db, common, await buildGenesis(spec, common))
    const bitcoin = new EmbeddedChain()
    const server = await serveEmbeddedRpc(bitcoin)
    const client = new BitcoindClient({ url: server.url, auth: server.credentials })
    const wallet = new L1Wallet(new BitcoindSource(client, { network: 'regtest' }), new Uint8Array(32).fill(5))
    let world: PegWorld | undefined = undefined
    const engine = new HawserEngine({
      spec,
      common,
      store: db,
      clock: systemClock,
      logger,
      headerOf: (hash) => store.block(hash)?.block.header,
      author: () => addressOf((world as unknown as PegWorld).#session()),
      sessionKeys: () => sessionAddresses(spec),
    })
    world = new PegWorld({ spec, bitcoin, wallet, store, engine, server, common })
    for (const { session, bitcoin: bitcoinKey } of keys) {
      const transport = world.network.join(addressOf(session))
      world.members.push({ session, bridge: await world.#startBridge(transport, logger, bitcoinKey), transport })
    }
    return world
  }

  async stop(): Promise<void> {
    for (const bridge of this.#bridges) await bridge.stop()
    await this.server.close()
  }

  /** A bridge of nobody's, which has everything yet to read. */
  newcomer(): Promise<BridgeService> {
    return this.#startBridge(this.network.join(), silentLogger)
  }

  async #startBridge(transport: MemoryTransport, logger: Logger, bitcoinKey?: Uint8Array): Promise<BridgeService> {
    const { spec, store, engine, server } = this
    const client = new BitcoindClient({ url: server.url, auth: server.credentials })
    const bridge = new BridgeService({
      spec,
      committee: committeeOf(spec),
      store,
      db: new MemoryStore(),
      engine,
      source: new BitcoindSource(client, { network: 'regtest' }),
      transport,
      clock: systemClock,
      logger,
      bitcoinKey,
    })
    this.#bridges.push(bridge)
    await bridge.start()
    return bridge
  }

  #session(): Uint8Array {
    return (this.members[this.#author] as Member).session
  }

  /** One block by the next member in turn, with its inherents and these transactions; final at once, every second one with its votes. */
  async block(
    transactions: readonly Hex[] = [],
  ): Promise<{ readonly hash: Hash32; readonly inherents: readonly string[] }> {
    this.#author = (this.#author + 1) % this.members.length
    const member = this.members[this.#author] as Member
    const parent = this.store.pointers().head
    const header = this.store.block(parent.hash)?.block.header
    invariant(header, 'the head is stored')
    const inherents = await member.bridge.inherents(parent)
    const signer: Signer = {
      address: addressOf(member.session),
      sign: async (request) => {
        invariant(request.kind === 'inherent', 'the engine asks for inherents alone')
        return secp256k1.sign(fromHex(request.signingHash), member.session)
      },
    }
    const slot = slotOf(this.spec, header.timestamp) + 1n
    const { block, executed } = await this.engine.build(header, {
      slot,
      author: signer.address,
      inherents,
      transactions: transactions.map((raw) => decodeTransaction(fromHex(raw), this.common)),
      deadlineMs: Date.now() + 10_000,
      sign: signer,
    })
    // What building made is what checking makes.
    await this.engine.execute(header, block)
    const ref = blockRef(block)
    await this.store.commit({
      block: { sealed: { block, seal: new Uint8Array(65) }, receipts: executed.receipts, state: executed.state },
      head: { ref, added: [ref], removed: [] },
      finalized: { ref, pruned: [], ...(ref.number % 2n === 0n && { justification: this.justify(ref) }) },
    })
    for (const { bridge } of this.members) {
      invariant(bridge.acceptableBlock(ref.hash), 'every member votes for the block')
      bridge.onFinalized(ref)
    }
    return { hash: ref.hash, inherents: inherents.map((call) => call.label) }
  }

  /** The votes of so many members for a block. */
  justify(target: BlockRef, signers = this.members.length): Uint8Array {
    const setId = 0n
    const sessions = this.members.map(({ session }) => session)
    const voters = new VoterSet(
      setId,
      sessions.map((session) => ({ id: addressOf(session), weight: 1 })),
    )
    const network = { chainId: BigInt(this.spec.chainId), genesisHash: this.store.canonicalHash(0n) as Hash32 }
    const digest = voteDigest(network, { setId, round: 1n, kind: 'precommit', ...target })
    const precommits = sessions.slice(0, signers).map((session) => ({
      target: 0,
      voter: voters.indexOf(addressOf(session)) as number,
      signature: secp256k1.sign(digest, session),
    }))
    precommits.sort((a, b) => a.voter - b.voter)
    return encodeJustification({ commit: { setId, round: 1n, target, targets: [target], precommits }, ancestry: [] })
  }

  async blocks(count: number): Promise<void> {
    for (let i = 0; i < count; i++) await this.block()
  }

  /** Makes blocks until a condition holds: how much goes into one block depends on how fast the machine is. */
  async blocksUntil(what: string, condition: () => Promise<boolean>, limit = 60): Promise<void> {
    for (let made = 0; !(await condition()); made++) {
      invariant(made < limit, `${limit} blocks came without ${what}`)
      await this.block()
    }
  }

  /** Waits in real time, without blocks of the chain, until a condition of the outside world holds. */
  async until(what: string, condition: () => Promise<boolean> | boolean, limitMs = 20_000): Promise<void> {
    const end = Date.now() + limitMs
    while (!(await condition())) {
      if (Date.now() > end) throw new Error(`waited in vain for ${what}`)
      await delay(20)
    }
  }

  /** Waits until every bridge has scanned the best Bitcoin block. */
  async bitcoinSeen(): Promise<void> {
    const { hash } = this.bitcoin.tip.header
    await this.until('the bridges to follow Bitcoin', async () => {
      for (const { bridge } of this.members) {
        const { scanned } = bridge.progress()
        if (scanned?.hash !== hash) return false
      }
      return true
    })
  }

  head() {
    const header = this.store.block(this.store.pointers().head.hash)?.block.header
    invariant(header, 'the head is stored')
    return header
  }

  async balance(account: Address): Promise<bigint> {
    return (await this.engine.stateAt(this.head()).account(account))?.balance ?? 0n
  }

  async view<T>(functionName: string, args: readonly unknown[] = []): Promise<T> {
    const data = fromHex(encodeFunctionData({ abi: bridgeAbi, functionName, args } as never))
    const outcome = await this.engine.call(this.head(), { to: systemContracts.bridge, data })
    invariant(outcome.kind === 'success', `${functionName} reverts`)
    return decodeFunctionResult({ abi: bridgeAbi, functionName, data: toHex(outcome.output) } as never) as T
  }

  /** The user's raw call of the bridge. */
  async userCall(functionName: string, args: readonly unknown[], value = 0n): Promise<Hex> {
    const head = this.head()
    const account = await this.engine.stateAt(head).account(this.user.address.toLowerCase() as Address)
    const { baseFeePerGas } = headerFromParent(this.spec, head, slotOf(this.spec, head.timestamp) + 1n)
    return this.user.signTransaction({
      chainId: this.spec.chainId,
      nonce: Number(account?.nonce ?? 0n),
      to: systemContracts.bridge,
      value,
      gas: 1_000_000n,
      maxFeePerGas: BigInt(baseFeePerGas) * 2n,
      maxPriorityFeePerGas: 0n,
      data: encodeFunctionData({ abi: bridgeAbi, functionName, args } as never),
    })
  }
}
