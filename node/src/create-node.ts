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
  sessionAddresses,
  slotOf,
  StoredChain,
  TransactionPool,
  TransactionPoolService,
  type BlockRef,
  type ChainSpec,
} from '@hawser/chain'
import {
  AuraAuthorService,
  AuraConsensus,
  GrandpaService,
  GuardedSigner,
  SignerGuard,
  VoterSet,
} from '@hawser/consensus'
import { EthereumJsInspector, HawserEngine } from '@hawser/execution'
import { buildGenesis, committeeOf } from '@hawser/genesis'
import { Libp2pTransport, SyncService, TransactionGossip } from '@hawser/p2p'
import {
  AppError,
  isAppError,
  messageOf,
  spawn,
  systemClock,
  toHex,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { RpcServer, type RpcBackend } from '@hawser/rpc'
import { claimDatabase, LevelStore } from '@hawser/storage'
import { DEFAULT_HISTORY, type NodeConfig } from './config.ts'
import type { NodeError } from './errors.ts'
import { hawserProfile } from './hawser-profile.ts'
import { readKeyFile } from './key-file.ts'
import { produceBlock } from './produce-block.ts'
import { rpcServerOptions } from './rpc-config.ts'
import { takeResumeRequest } from './resume-request.ts'

/** What the client calls itself, with its version. */
export const CLIENT_VERSION = 'Hawser/0.1.0'

/** GRANDPA's T as a part of the slot: votes cross a network well within a third of a second. */
const GOSSIP_PORTION = 1 / 3
/** Peers that are asked for a block which votes name. */
const MAX_ASKED_PEERS = 4

export interface NodeDependencies {
  readonly config: NodeConfig
  readonly logger: Logger
  readonly clock?: Clock
  /** Allows a signing guard to be made where none is: only for keys that have never signed. */
  readonly allowFreshGuard?: boolean
  /** Called when the node cannot go on. */
  readonly onFatal: (reason: string) => void
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
  /** Where peers reach it. */
  readonly addresses: readonly string[]
  status(): NodeStatus
  stop(): Promise<void>
}

/** Builds everything in one straight line and starts it; what was started is stopped in reverse order. */
export async function createNode(dependencies: NodeDependencies): Promise<HawserNode> {
  const { config, logger, clock = systemClock, onFatal } = dependencies
  const stops: (() => Promise<void> | void)[] = []
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step()
  }
  try {
    // The chain's constants and its first block
    const spec = readSpec(config.chainSpec)
    const common = createCommon(spec.chainId)
    const committee: Committee = committeeOf(spec)
    const genesis = await buildGenesis(spec, common)
    const network = { chainId: BigInt(spec.chainId), genesisHash: genesis.hash }
    const validators = sessionAddresses(spec)

    // Keys
    const password = config.keys.passwordFile && readPassword(config.keys.passwordFile)
    const nodeKey = readKeyFile(config.keys.node, password)
    const sessionKey = config.keys.session && readKeyFile(config.keys.session, password)
    const bitcoinKey = config.keys.bitcoin ? readKeyFile(config.keys.bitcoin, password) : undefined
    checkKeys(spec, sessionKey || undefined, bitcoinKey)

    // Bitcoin, before anything is written: a wrong network must change nothing
    const source = await connectBitcoin(config, spec, logger)

    // Storage and the chain on it
    const db = await LevelStore.open(join(config.dataDir, 'chain'))
    stops.push(() => db.close())
    await claimDatabase(db, genesis.hash, join(config.dataDir, 'chain'))
    const store = await StoredChain.open(db, common, genesis)
    const headerOf = (hash: Hash32) => store.block(hash)?.block.header
    const aura = new AuraConsensus({
      chainId: network.chainId,
      slotSeconds: spec.slotSeconds,
      authorities: () => validators,
      onEquivocation: ({ offender, slot }) =>
        logger.warn({ offender, slot: Number(slot) }, 'a validator sealed two blocks for one slot'),
    })
    const history = config.history ?? DEFAULT_HISTORY
    const engine = new HawserEngine({
      spec,
      common,
      store: db,
      history,
      clock,
      logger,
      headerOf,
      author: (slot, parent) => aura.author(slot, { number: parent.number, hash: blockHash(parent) }),
    })
    const tree = restoreTree(store, spec)
    const importer = new BlockImporter({ spec, common, store, tree, engine, consensus: aura, clock, logger, onFatal })
    stops.push(() => importer.stop())

    // The validator's signer, behind its guard
    const signer = sessionKey
      ? new GuardedSigner(
          network,
          sessionKey,
          await SignerGuard.open(join(config.dataDir, 'signer-guard.json'), {
            allowFresh: dependencies.allowFreshGuard ?? false,
          }),
        )
      : undefined

    // The network
    const transport = await Libp2pTransport.start({
      ...network,
      nodeKey,
      listen: config.p2p.listen,
      bootnodes: config.p2p.bootnodes,
      peerFile: join(config.dataDir, 'peers.json'),
      limits: config.p2p,
      signer,
      validators: () => validators,
      status: () => store.pointers(),
      clock,
      logger,
    })
    stops.push(() => transport.stop())

    // The bridge, which also says which blocks are not to be voted for
    const bridge = new BridgeService({
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
    })

    // Finality
    const finality: GrandpaService = new GrandpaService({
      network,
      voters: new VoterSet(
        0n,
        validators.map((id) => ({ id, weight: 1 })),
      ),
      base: { number: 0n, hash: genesis.hash },
      gossipMs: Math.round(spec.slotSeconds * 1000 * GOSSIP_PORTION),
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
      requestBlock: (hash) => {
        for (const peer of transport.peers().slice(0, MAX_ASKED_PEERS))
          spawn(
            () => sync.fetchByHash(peer.id, [hash]),
            (error) => logger.debug({ hash, err: messageOf(error) }, 'a block that votes name could not be fetched'),
          )
      },
      onHalt: onFatal,
      acceptable: (hash) => bridge.acceptableBlock(hash),
    })
    const sync: SyncService = new SyncService({
      common,
      epochBlocks: spec.epochBlocks,
      store,
      importer,
      finality,
      transport,
      clock,
      logger,
    })
    const pool = new TransactionPool({ sessionKeys: validators, minFeePerGas: BigInt(spec.minBaseFeeWei) })
    const journal = new PoolJournal(join(config.dataDir, 'pool-journal'), logger)
    const poolService = new TransactionPoolService({ common, pool, store, engine, importer, logger, journal })
    const gossip = new TransactionGossip({ transport, pool, service: poolService, clock, logger })

    // Wire events, then start from the bottom up
    importer.listen({
      onImported: (block) => finality.onBlock(block),
      onHead: ({ head }) => {
        finality.onBlock(head)
        const pauseId = takeResumeRequest(config.dataDir, logger)
        if (pauseId !== undefined) bridge.requestResume(pauseId)
      },
      onFinalized: (path) => {
        const last = path.at(-1)
        if (last) bridge.onFinalized(last)
      },
    })
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
          if (aura.isSurplus(slot, aura.author(slot, parent), blockHash(sealed.block))) return 'ignore'
          await importer.import(sealed, 'gossip')
          return 'accept'
        } catch (error) {
          if (isAppError(error, 'BLOCK_UNKNOWN_PARENT')) sync.catchUpWith(from)
          else if (isAppError(error) && error.info.fault === 'peer') throw error
          else logger.warn({ err: messageOf(error) }, 'a block that a peer sent could not be imported')
          return 'ignore'
        }
      }),
    )
    await finality.start(store.unfinalized())
    stops.push(() => finality.stop())
    sync.start()
    stops.push(() => sync.stop())
    await bridge.start()
    stops.push(() => bridge.stop())
    if (signer) {
      const parts = { spec, store, engine, importer, pool, inherents: bridge, transport, signer, logger }
      const author = new AuraAuthorService({
        address: signer.address,
        consensus: aura,
        slotSeconds: spec.slotSeconds,
        tree,
        slotOf: (ref) => slotOf(spec, headerOf(ref.hash)?.timestamp ?? 0n),
        alone: () => sync.progress.syncing || (validators.length > 1 && transport.peers().length === 0),
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
      bridge,
      logger,
      submit: (raw) => poolService.submit(raw),
      peerCount: () => transport.peers().length,
      syncTarget: () => (sync.progress.syncing ? sync.progress.target : undefined),
      onHead: (onHead) => importer.listen({ onHead }),
      onFinalized: (onFinalized) => importer.listen({ onFinalized }),
      onPendingTransaction: (listener) => poolService.onPending(listener),
      oldestState: () => oldestKept(store.pointers().finalized.number, history),
    }
    const rpc = config.rpc ? await RpcServer.start(backend, rpcServerOptions(config.rpc)) : undefined
    if (rpc) stops.push(() => rpc.stop())

    logger.info(
      { genesis: genesis.hash, chainId: spec.chainId, validator: signer?.address, rpc: rpc?.port },
      'the node is up',
    )
    return {
      genesisHash: genesis.hash,
      spec,
      rpcPort: rpc?.port,
      addresses: transport.addresses(),
      status: () => ({ ...store.pointers(), peers: transport.peers().length, validator: signer?.address }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The oldest block whose state is surely there: pruning may be behind, never ahead. */
function oldestKept(final: bigint, history: 'archive' | number): bigint {
  const oldest = history === 'archive' ? 0n : final - BigInt(history) + 1n
  return oldest > 0n ? oldest : 0n
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

/** A key that is nobody's in the chain spec signs nothing of use: better to say so at the start. */
function checkKeys(spec: ChainSpec, sessionKey: Uint8Array | undefined, bitcoinKey: Uint8Array | undefined): void {
  const wrong = (what: string) =>
    new AppError<NodeError>(
      { code: 'KEY_NOT_VALIDATOR', fault: 'user' },
      `${what} is none of the validators' in the chain spec; check the key file and the spec`,
    )
  const session = sessionKey && publicKeyToAddress(secp256k1.publicKey(sessionKey, false))
  if (session && !spec.validators.some((validator) => validator.session === session))
    throw wrong(`the session key ${session}`)
  const bitcoin = bitcoinKey && toHex(secp256k1.publicKey(bitcoinKey))
  if (bitcoin && !spec.validators.some((validator) => validator.bitcoinKey === bitcoin))
    throw wrong(`the bitcoin key ${bitcoin}`)
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
    const header = store.block(ref.hash)?.block.header
    if (!header) throw new Error(`block ${ref.hash} is stored`)
    return { ...ref, parent: toHex(header.parentHash) as Hash32, slot: slotOf(spec, header.timestamp) }
  }
  const tree = new BlockTree(node(store.pointers().finalized), (hash) => store.block(hash)?.block.header.serialize())
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
