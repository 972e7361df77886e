import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Committee } from '@hawser/bitcoin'
import { BitcoindClient, BitcoindSource } from '@hawser/bitcoin/source'
import { BridgeService } from '@hawser/bridge'
import {
  BlockImporter,
  BlockTree,
  blockHash,
  createCommon,
  nextBaseFee,
  decodeSealedBlock,
  parseChainSpec,
  PoolJournal,
  slotOf,
  StoredChain,
  TransactionPool,
  TransactionPoolService,
  ValidatorSets,
  type BlockRef,
  type ChainSpec,
} from '@hawser/chain'
import {
  AuraAuthorService,
  AuraConsensus,
  decodeJustification,
  EvidenceService,
  FinalityService,
  GuardedSigner,
  isRefused,
  isReported,
  mayHaveSealed,
  listenFirst,
  OwnSignatureWatch,
  SignerGuard,
  type Evidence,
  type NetworkId,
} from '@hawser/consensus'
import { NEXT_SET_HASH_SLOT, systemContracts } from '@hawser/contracts'
import { EthereumJsInspector, HawserEngine } from '@hawser/execution'
import { buildGenesis, committeeOf } from '@hawser/genesis'
import {
  Libp2pTransport,
  serveState,
  SyncService,
  TransactionGossip,
  type SyncTransport,
  type TransportParts,
} from '@hawser/p2p'
import {
  AppError,
  isAppError,
  messageOf,
  spawn,
  systemClock,
  toHex,
  uintBE,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { RpcServer, type RpcBackend } from '@hawser/rpc'
import { claimDatabase, LevelStore, type KeyValueStore } from '@hawser/storage'
import { beginAtState, refuseHalfState } from './begin-at-state.ts'
import { ChainObserver } from './chain-observer.ts'
import { CheckpointWatch } from './checkpoint-watch.ts'
import { composeInherents } from './compose-inherents.ts'
import { DEFAULT_HISTORY, type NodeConfig } from './config.ts'
import type { NodeError } from './errors.ts'
import { hawserProfile } from './hawser-profile.ts'
import { healthOf } from './health.ts'
import { readKeyFile } from './key-file.ts'
import { MetricsServer } from './metrics-server.ts'
import { NodeMetrics, type NodeFacts } from './metrics.ts'
import { produceBlock } from './produce-block.ts'
import { rpcServerOptions } from './rpc-config.ts'
import { takeResumeRequest } from './resume-request.ts'
import { Stops } from './stops.ts'

/** What the client calls itself, with its version. */
export const CLIENT_VERSION = 'Hawser/0.1.0'

/** GRANDPA's T as a part of the slot: votes cross a network well within a third of a second. */
const GOSSIP_PORTION = 1 / 3

export interface NodeDependencies {
  readonly config: NodeConfig
  readonly logger: Logger
  readonly clock?: Clock
  /** Allows a signing guard to be made where none is: only for keys that have never signed. */
  readonly allowFreshGuard?: boolean
  /** Signs at once: the caller knows that no other process has the session key. */
  readonly iAmOnly?: boolean
  /** Called when the node cannot go on. */
  readonly onFatal: (reason: string) => void
  /** Ends the making of a node that takes long to begin. */
  readonly signal?: AbortSignal
  /** What the node makes for itself, for those that make it another way. */
  readonly makes?: Partial<NodeMakes>
}

/** What touches the world outside: the disk, the network, the session key. */
export interface NodeMakes {
  openStore(folder: string): Promise<KeyValueStore>
  startTransport(parts: TransportParts): Promise<NodeTransport>
  createSigner(network: NetworkId, sessionKey: Uint8Array, guard: SignerGuard): SessionSigner
}

export type NodeTransport = SyncTransport & Pick<Libp2pTransport, 'addresses' | 'clockOffsetMs' | 'stop'>
export type SessionSigner = Pick<GuardedSigner, 'address' | 'sign' | 'stop'>

const REAL_MAKES: NodeMakes = {
  openStore: (folder) => LevelStore.open(folder),
  startTransport: (parts) => Libp2pTransport.start(parts),
  createSigner: (network, sessionKey, guard) => new GuardedSigner(network, sessionKey, guard),
}

export interface NodeStatus {
  readonly head: BlockRef
  readonly finalized: BlockRef
  readonly peers: number
  readonly validator?: Address
}

/** A running node. */
export interface HawserNode {
  readonly genesisHash: Hash32
  readonly spec: ChainSpec
  /** The port that JSON-RPC listens on, if it does. */
  readonly rpcPort: number | undefined
  /** The port of /metrics and /health, if there is one. */
  readonly metricsPort: number | undefined
  /** Where peers reach it. */
  readonly addresses: readonly string[]
  status(): NodeStatus
  stop(): Promise<void>
}

/** Builds everything in one straight line and starts it; what was started is stopped in reverse order. */
export async function createNode(dependencies: NodeDependencies): Promise<HawserNode> {
  const { config, logger, clock = systemClock, onFatal, signal } = dependencies
  const makes: NodeMakes = { ...REAL_MAKES, ...dependencies.makes }
  const stops = new Stops()
  try {
    // The chain's constants and its first block
    const spec = readSpec(config.chainSpec)
    const common = createCommon(spec.chainId)
    const committee: Committee = committeeOf(spec)
    const genesis = await buildGenesis(spec, common)
    const network = { chainId: BigInt(spec.chainId), genesisHash: genesis.hash }

    // Keys
    const password = config.keys.passwordFile && readPassword(config.keys.passwordFile)
    const nodeKey = readKeyFile(config.keys.node, password)
    const sessionKey = config.keys.session && readKeyFile(config.keys.session, password)
    const bitcoinKey = config.keys.bitcoin ? readKeyFile(config.keys.bitcoin, password) : undefined
    if (bitcoinKey) checkBitcoinKey(spec, bitcoinKey)

    // Bitcoin, before anything is written: a wrong network must change nothing
    const source = await connectBitcoin(config, spec, logger)

    // Storage and the chain on it
    const db = await makes.openStore(join(config.dataDir, 'chain'))
    stops.push(() => db.close())
    await claimDatabase(db, genesis.hash, join(config.dataDir, 'chain'))
    const store = await StoredChain.open(db, common, genesis)
    const peering = {
      ...network,
      nodeKey,
      listen: config.p2p.listen,
      announce: config.p2p.announce,
      bootnodes: config.p2p.bootnodes,
      peerFile: join(config.dataDir, 'peers.json'),
      limits: config.p2p,
      status: () => ({ ...store.pointers(), first: store.first() }),
      clock,
      logger,
    }
    if (config.sync === 'state' && store.pointers().head.number === 0n) {
      // The network of a node that has no chain to speak of yet
      const transport = await Libp2pTransport.start(peering)
      try {
        await beginAtState({ spec, common, genesisHash: genesis.hash, store, db, transport, clock, logger, signal })
      } finally {
        await transport.stop()
      }
    } else refuseHalfState(db, config.dataDir)
    const headerOf = (hash: Hash32) => store.header(hash)
    // Who seals and votes: read from the state, which an epoch's last block may have changed
    const storedHeader = (hash: Hash32) => {
      const header = headerOf(hash)
      if (!header) throw new Error(`block ${hash} is stored`)
      return header
    }
    const stateAfter = (hash: Hash32) => engine.stateAt(storedHeader(hash))
    const sets = new ValidatorSets(stateAfter)
    const aura = new AuraConsensus({
      chainId: network.chainId,
      slotSeconds: spec.slotSeconds,
      authorities: (parent) => sets.after(parent.hash).sessions,
      onSealed: ({ author, slot, hash }) => {
        if (author === signer?.address && own?.isForeignSeal(slot, hash))
          stopSigning(`our own key has sealed block ${hash} for slot ${slot}, and not here`)
      },
      onEquivocation: (equivocation) => report({ kind: 'seals', ...equivocation }),
    })
    const history = config.history ?? DEFAULT_HISTORY
    const engine: HawserEngine = new HawserEngine({
      spec,
      common,
      store: db,
      history,
      clock,
      logger,
      headerOf,
      author: (slot, parent) => aura.author(slot, { number: parent.number, hash: blockHash(parent) }),
      sessionKeys: (parent) => sets.after(blockHash(parent)).sessions,
    })
    const tree = restoreTree(store, spec)
    const checkpoint = () => bridge.checkpoint()
    const importer = new BlockImporter({
      spec,
      common,
      store,
      tree,
      engine,
      consensus: aura,
      clock,
      logger,
      checkpoint,
      onFatal,
    })
    stops.push(() => importer.stop())

    // The validator's signer, behind its guard, and the watch for others that have the same key
    const guard = sessionKey
      ? await SignerGuard.open(join(config.dataDir, 'signer-guard.json'), {
          allowFresh: dependencies.allowFreshGuard ?? false,
        })
      : undefined
    const signer = sessionKey && guard ? makes.createSigner(network, sessionKey, guard) : undefined
    const gossipMs = Math.round(spec.slotSeconds * 1000 * GOSSIP_PORTION)
    const own = guard && new OwnSignatureWatch({ network, guard, gossipMs, startSlot: aura.slotAt(clock.nowMs()) })
    const stopSigning = (reason: string) => {
      signer?.stop(reason)
      bridge.stopSigning()
      onFatal(reason)
    }

    // A validator may have left, or is yet to join by a vote of the others: no mistake, but worth a word.
    if (signer && !sets.after(store.pointers().head.hash).sessions.includes(signer.address))
      logger.warn({ session: signer.address }, 'the session key is in no validator set now: this node only follows')

    // What the node tells of itself
    const facts: NodeFacts = {
      head: () => ({ ...store.pointers().head, timestamp: headerOf(store.pointers().head.hash)?.timestamp ?? 0n }),
      finalized: () => store.pointers().finalized,
      peers: () => transport.peers(),
      finality: () => finality.status(),
      round: () => (finality.status().round > 0n ? finality.round() : undefined),
      pool: () => pool.counts(),
      syncing: () => sync.progress.syncing,
      lastSealedSlot: () => guard?.lastSealedSlot,
      clockOffsetMs: () => transport.clockOffsetMs(),
      checkpoint,
    }
    const metrics = new NodeMetrics(facts)
    const observer = new ChainObserver({
      slotSeconds: spec.slotSeconds,
      header: headerOf,
      block: (hash) => {
        const block = store.block(hash)?.block
        return block && { header: block.header, transactions: block.transactions.length }
      },
      finalized: facts.finalized,
      author: (slot, parent) => aura.author(slot, { number: parent.number, hash: blockHash(parent) }),
      metrics,
      clock,
      logger,
    })

    // The network
    const transport: NodeTransport = await makes.startTransport({
      ...peering,
      signer,
      validators: () => sets.after(store.pointers().head.hash).sessions,
      onTraffic: (direction, name, bytes) => metrics.message(direction, name, bytes),
    })
    stops.push(() => transport.stop())

    // The bridge, which also says which blocks are not to be voted for, and which one custody names as final
    const checkpoints = new CheckpointWatch({ checkpoint, store, engine, logger, onConflict: stopSigning })
    const bridge: BridgeService = new BridgeService({
      spec,
      committee,
      store,
      db,
      engine,
      source,
      transport,
      clock,
      logger,
      bitcoinKey,
      onScanned: () => checkpoints.check(),
    })

    // Who signed twice, and who would be us
    const evidence = new EvidenceService({
      network,
      slotSeconds: spec.slotSeconds,
      store: db,
      transport,
      logger,
      self: signer?.address,
      recover: recoverAddress,
      setOf: (setId) => finality.knownSet(setId)?.voters,
      validatorsAfter: (block) => sets.after(block.hash).sessions,
      head: () => tree.best(),
      mayHaveSealed: (session, number) => mayHaveSealed(stateAfter(tree.best().hash), session, number),
      isReported: (known, at) => isReported(stateAfter(at.hash), known),
      isRefused: (known, at) => isRefused(engine, known, storedHeader(at.hash)),
    })
    const report = (known: Evidence) => {
      metrics.equivocation(known.kind === 'seals' ? 'seal' : 'vote')
      spawn(
        () => evidence.submit(known),
        (error) => logger.error({ err: messageOf(error) }, 'evidence could not be kept'),
      )
    }
    const stopListening = new AbortController()
    stops.push(() => stopListening.abort())
    let listening = signer !== undefined && dependencies.iAmOnly !== true
    const listened = listening
      ? listenFirst({
          clock,
          gossipMs,
          slotMs: spec.slotSeconds * 1000,
          validators: sets.after(store.pointers().head.hash).sessions.length,
          hasPeers: () => transport.peers().length > 0,
          signal: stopListening.signal,
        })
      : undefined
    if (listened) logger.info({}, 'listening for our own key elsewhere before anything is signed')
    void listened?.then(() => {
      listening = false
      logger.info({}, 'nobody else uses our key: signing begins')
    })

    // Finality
    const finality: FinalityService = new FinalityService({
      network,
      genesis: { number: 0n, hash: genesis.hash },
      epochBlocks: BigInt(spec.epochBlocks),
      setAfter: (hash) => sets.after(hash),
      proveSet: (hash) =>
        stateAfter(hash).prove(systemContracts.validators as Address, [uintBE(NEXT_SET_HASH_SLOT, 32)]),
      unfinalized: () => store.unfinalized(),
      chain: store,
      gossipMs,
      tree,
      storedHeader: (hash) => {
        const header = headerOf(hash)
        return header && { number: header.number, hash, parentHash: toHex(header.parentHash) as Hash32 }
      },
      store: db,
      transport,
      clock,
      logger,
      signer,
      finalize: (block, justification) => importer.finalize(block, justification),
      requestBlock: (hash) => sync.want(hash),
      onHalt: stopSigning,
      onEquivocation: (equivocation) => report({ kind: 'votes', ...equivocation }),
      listening: listened,
      isForeign: (vote) => own?.isForeignVote(vote) ?? false,
      onNeighbour: (packet) => own?.notePosition(packet, clock.nowMs()),
      acceptable: (hash) => bridge.acceptableBlock(hash),
    })
    const sync: SyncService = new SyncService({
      common,
      epochBlocks: spec.epochBlocks,
      store,
      importer,
      finality,
      onBlockBeside: (block) => finality.onHeaderBeside(block),
      transport,
      clock,
      logger,
    })
    const pool = new TransactionPool({
      sessionKeys: sets.after(store.pointers().head.hash).sessions,
      minFeePerGas: BigInt(spec.minBaseFeeWei),
    })
    const journal = new PoolJournal(join(config.dataDir, 'pool-journal'), logger)
    const poolService = new TransactionPoolService({ common, pool, store, engine, importer, logger, journal })
    const gossip = new TransactionGossip({ transport, pool, service: poolService, clock, logger })

    // Wire events, then start from the bottom up
    importer.listen(observer)
    importer.listen({
      onImported: (block) => finality.onBlock(block),
      onHead: ({ head }) => {
        finality.onBlock(head)
        // Only an epoch's last block changes them, but a reorganisation may leave several behind.
        pool.setSessionKeys(sets.after(head.hash).sessions)
        const pauseId = takeResumeRequest(config.dataDir, logger)
        if (pauseId !== undefined) bridge.requestResume(pauseId)
      },
      onFinalized: (path) => {
        const last = path.at(-1)
        if (!last) return
        bridge.onFinalized(last)
        spawn(
          () => evidence.onFinalized(last),
          (error) => logger.error({ err: messageOf(error) }, 'evidence could not be forgotten'),
        )
      },
    })
    // First of all: what it knew of Bitcoin when it stopped counts for whatever comes in.
    await bridge.start()
    stops.push(() => bridge.stop())
    checkpoints.check()
    gossip.start()
    stops.push(() => gossip.stop())
    stops.push(() => poolService.stop())
    await poolService.start()
    stops.push(
      transport.subscribe('blocks', async (message, from) => {
        try {
          const sealed = decodeSealedBlock(message, common)
          const { header } = sealed.block
          const slot = slotOf(spec, header.timestamp)
          const parent = { number: header.number - 1n, hash: toHex(header.parentHash) as Hash32 }
          // Two blocks of one slot prove an equivocation; more are only taken when others build on them, by sync.
          if (tree.has(parent.hash) && aura.isSurplus(slot, aura.author(slot, parent), blockHash(sealed.block)))
            return 'ignore'
          await importer.import(sealed, 'gossip')
          return 'accept'
        } catch (error) {
          if (isAppError(error, 'BLOCK_UNKNOWN_PARENT')) sync.catchUpWith(from)
          // After a partition honest peers still send what finality, or Bitcoin, has passed by meanwhile.
          else if (isAppError(error, 'BLOCK_BESIDE_FINAL') || isAppError(error, 'BLOCK_BESIDE_CHECKPOINT'))
            return 'ignore'
          else if (isAppError(error) && error.info.fault === 'peer') throw error
          else logger.warn({ err: messageOf(error) }, 'a block that a peer sent could not be imported')
          return 'ignore'
        }
      }),
    )
    await evidence.start()
    stops.push(() => evidence.stop())
    await finality.start()
    stops.push(() => finality.stop())
    sync.start()
    stops.push(() => sync.stop())
    stops.push(serveState(transport, engine.stateSource(), clock))
    if (signer) {
      const parts = {
        spec,
        store,
        engine,
        importer,
        pool,
        inherents: composeInherents([bridge, evidence]),
        transport,
        signer,
        logger,
      }
      const author = new AuraAuthorService({
        address: signer.address,
        consensus: aura,
        slotSeconds: spec.slotSeconds,
        tree,
        slotOf: (ref) => slotOf(spec, headerOf(ref.hash)?.timestamp ?? 0n),
        alone: () =>
          sync.progress.syncing || (sets.after(tree.best().hash).sessions.length > 1 && transport.peers().length === 0),
        listening: () => listening,
        settled: () => importer.settled(),
        clockOffsetMs: () => transport.clockOffsetMs(),
        produce: (task) => produceBlock(parts, task),
        clock,
        logger,
      })
      author.start()
      stops.push(() => author.stop())
    }

    // What users talk to
    const chain = hawserProfile(spec, common, genesis.hash)
    const backend: RpcBackend = {
      chain,
      clientVersion: `${CLIENT_VERSION}/${process.platform}-${process.arch}/node-${process.version}`,
      store,
      engine,
      inspector: new EthereumJsInspector({
        engine,
        rules: () => common,
        headerOf,
        nextBaseFee: (header) => nextBaseFee(spec, header),
        blockSeconds: BigInt(spec.slotSeconds),
      }),
      pool,
      finality,
      sets: {
        setProofs: (from, upTo) => finality.setProofs(from, upTo),
        signedBy: (justification) => decodeJustification(justification).commit.setId,
        find: (setId) => {
          const known = finality.knownSet(setId)
          if (known === undefined) return undefined
          const { total, threshold, voters } = known.voters
          const validators = voters.map(({ id, weight }) => ({ validator: id, weight }))
          return { setId, base: known.base, totalWeight: total, threshold, validators }
        },
      },
      bridge,
      logger,
      submit: (raw) => poolService.submit(raw),
      peerCount: () => transport.peers().length,
      syncTarget: () => (sync.progress.syncing ? sync.progress.target : undefined),
      onHead: (onHead) => importer.listen({ onHead }),
      onFinalized: (onFinalized) => importer.listen({ onFinalized }),
      onPendingTransaction: (listener) => poolService.onPending(listener),
      oldestState: () => engine.oldestState(),
      oldestBlock: () => store.first(),
    }
    const rpc = config.rpc ? await RpcServer.start(backend, rpcServerOptions(config.rpc)) : undefined
    if (rpc) stops.push(() => rpc.stop())
    const monitor = config.metrics
      ? await MetricsServer.start({
          ...config.metrics,
          metrics: () => metrics.text(),
          health: () =>
            healthOf({
              facts,
              metrics,
              slotSeconds: spec.slotSeconds,
              nowMs: clock.nowMs(),
              validator: signer?.address,
              validators: finality.status().validators,
            }),
          logger,
        })
      : undefined
    if (monitor) stops.push(() => monitor.stop())

    logger.info(
      {
        genesis: genesis.hash,
        chainId: spec.chainId,
        validator: signer?.address,
        rpc: rpc?.port,
        metrics: monitor?.port,
      },
      'the node is up',
    )
    return {
      genesisHash: genesis.hash,
      spec,
      rpcPort: rpc?.port,
      metricsPort: monitor?.port,
      addresses: transport.addresses(),
      status: () => ({ ...store.pointers(), peers: transport.peers().length, validator: signer?.address }),
      stop: () => stops.run(),
    }
  } catch (error) {
    await stops
      .run()
      .catch((fault: unknown) => logger.error({ err: messageOf(fault) }, 'what was begun did not stop in order'))
    throw error
  }
}

function readSpec(file: string): ChainSpec {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'FILE_UNREADABLE', fault: 'user' },
      `the chain spec ${file} cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
  return parseChainSpec(text)
}

function readPassword(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? ''
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'FILE_UNREADABLE', fault: 'user' },
      `the password file ${file} cannot be read: ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
}

/** A bitcoin key that is nobody's in the chain spec signs nothing of use: better to say so at the start. */
function checkBitcoinKey(spec: ChainSpec, bitcoinKey: Uint8Array): void {
  const key = toHex(secp256k1.publicKey(bitcoinKey))
  if (!spec.validators.some((validator) => validator.bitcoinKey === key))
    throw new AppError<NodeError>(
      { code: 'KEY_NOT_VALIDATOR', fault: 'user' },
      `the bitcoin key ${key} is none of the validators' in the chain spec; custody stays with those of genesis until committees can be ` +
        'handed over: leave keys.bitcoin out of the configuration of a validator that joined later',
    )
}

async function connectBitcoin(config: NodeConfig, spec: ChainSpec, logger: Logger): Promise<BitcoindSource> {
  const { url, cookieFile, user, password } = config.bitcoin
  const auth = cookieFile !== undefined ? { cookieFile } : { user: user ?? '', password: password ?? '' }
  const source = new BitcoindSource(new BitcoindClient({ url, auth }), {
    network: spec.parent.network,
    onError: (error) => logger.warn({ err: messageOf(error) }, 'the Bitcoin node does not answer'),
  })
  try {
    const { subversion } = await source.identify()
    logger.info({ url, subversion }, 'connected to Bitcoin')
    return source
  } catch (cause) {
    const foreign = isAppError(cause, 'BITCOIND_BAD_ANSWER')
    const info: NodeError = foreign
      ? { code: 'L1_WRONG_NETWORK', fault: 'user' }
      : { code: 'L1_UNREACHABLE', fault: 'user', retry: true }
    throw new AppError<NodeError>(info, `the Bitcoin node at ${url} cannot be used: ${messageOf(cause)}`, { cause })
  }
}

/** The tree of blocks above the last final one, as the database has them. */
function restoreTree(store: StoredChain, spec: ChainSpec): BlockTree {
  const node = (ref: BlockRef) => {
    const header = store.header(ref.hash)
    if (!header) throw new Error(`block ${ref.hash} is stored`)
    return { ...ref, parent: toHex(header.parentHash) as Hash32, slot: slotOf(spec, header.timestamp) }
  }
  const tree = new BlockTree(node(store.pointers().finalized), (hash) => store.header(hash)?.serialize())
  // The stored head goes in first, so that a restart keeps the choice between equals.
  const { head } = store.pointers()
  const pending = [...store.unfinalized()]
  const onHead = new Set<Hash32>()
  for (
    let hash = head.hash;
    pending.some((ref) => ref.hash === hash);
    hash = node(pending.find((r) => r.hash === hash) as BlockRef).parent
  )
    onHead.add(hash)
  for (const ref of [...pending.filter((r) => onHead.has(r.hash)), ...pending.filter((r) => !onHead.has(r.hash))])
    if (tree.has(node(ref).parent)) tree.add(node(ref))
  return tree
}
