import { blockRef, type BlockRef, type PeerId, type SealedBlock } from '@hawser/chain'
import { checkSeal } from '@hawser/consensus'
import {
  encodeJustification,
  verifyJustification,
  voteDigest,
  VoterSet,
  type Commit,
  type SignedVote,
} from '@hawser/consensus/verify'
import { devValidatorKeys } from '@hawser/node'
import { Libp2pTransport, SyncService, type SyncParts } from '@hawser/p2p'
import { keccak256, silentLogger, systemClock, utf8, type Address, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { TestChain, TEST_SPEC, VALIDATORS } from '../kit/index.ts'

const keys = new Map(
  Array.from({ length: VALIDATORS }, (_, i) => {
    const key = devValidatorKeys(i).session
    return [publicKeyToAddress(secp256k1.publicKey(key, false)) as Address, key] as const
  }),
)
/** The first set of validators. */
export const voters = new VoterSet(
  0n,
  [...keys.keys()].map((id) => ({ id, weight: 1 })),
)

/** A validator's vote on the chain with this genesis. */
export function signedVote(genesisHash: Hash32, vote: Omit<SignedVote, 'signature'>): SignedVote {
  const digest = voteDigest({ chainId: BigInt(TEST_SPEC.chainId), genesisHash }, vote)
  const key = keys.get(voters.voters[vote.voter]?.id as Address) as Uint8Array
  return { ...vote, signature: secp256k1.sign(digest, key) }
}

const SEAL_RULES = {
  chainId: BigInt(TEST_SPEC.chainId),
  slotSeconds: TEST_SPEC.slotSeconds,
  authorities: voters.voters.map(({ id }) => id),
}

/** All validators' precommits for a block, in a round of its own. */
export function commitFor(genesisHash: Hash32, { number, hash }: BlockRef): Commit {
  const target = { number, hash }
  const precommits = voters.voters.map((_, voter) => {
    const vote = { setId: 0n, round: number, kind: 'precommit', number, hash, voter } as const
    return { target: 0, voter, signature: signedVote(genesisHash, vote).signature }
  })
  return { setId: 0n, round: number, target, targets: [target], precommits }
}

/** A justification of a block by all validators. */
export function justify(chain: TestChain, block: BlockRef): Uint8Array {
  return encodeJustification({ commit: commitFor(chain.genesisHash, block), ancestry: [] })
}

/** The part of the finality gadget that sync needs, with true proofs and no votes. */
export function finalityOf(chain: TestChain) {
  const network = { chainId: BigInt(TEST_SPEC.chainId), genesisHash: chain.genesisHash }
  const proven = (justification: Uint8Array) => {
    const result = verifyJustification({ justification, voters, network, recover: recoverAddress })
    return result.ok ? result.value : undefined
  }
  return {
    proven,
    verify: (justification: Uint8Array) => Promise.resolve(proven(justification)),
    checkSeal: (sealed: SealedBlock) => void checkSeal(SEAL_RULES, { header: sealed.block.header, seal: sealed.seal }),
    importJustification: async (justification: Uint8Array, block: BlockRef) =>
      chain.importer.finalize(block, justification),
  }
}

/** A chain of empty blocks; every so many of them is justified, and final. */
export async function sourceChain(blocks: number, justifiedEvery: number): Promise<TestChain> {
  const chain = await TestChain.create()
  for (let i = 1; i <= blocks; i++) {
    const { block } = await chain.mine()
    if (i % justifiedEvery === 0) await chain.importer.finalize(blockRef(block), justify(chain, blockRef(block)))
  }
  return chain
}

/** Nodes on real sockets on the loopback interface. */
export class SyncWorld {
  readonly #stops: (() => Promise<void> | void)[] = []

  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop()
  }

  async transport(
    name: string,
    chain: Pick<TestChain, 'genesisHash' | 'store'>,
    bootnodes: readonly string[] = [],
  ): Promise<Libp2pTransport> {
    const transport = await Libp2pTransport.start({
      chainId: BigInt(TEST_SPEC.chainId),
      genesisHash: chain.genesisHash,
      nodeKey: keccak256(utf8(`sync node ${name}`)),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      bootnodes,
      status: () => ({ ...chain.store.pointers(), first: chain.store.first() }),
      clock: systemClock,
      logger: silentLogger,
    })
    this.#stops.push(() => transport.stop())
    return transport
  }

  sync(
    chain: Pick<TestChain, 'common' | 'store' | 'importer'> & Partial<Pick<SyncParts, 'finality' | 'onBlockBeside'>>,
    transport: Libp2pTransport,
  ): SyncService {
    const { common, store, importer } = chain
    const service = new SyncService({
      common,
      epochBlocks: TEST_SPEC.epochBlocks,
      store,
      importer,
      finality: chain.finality ?? finalityOf(chain as TestChain),
      onBlockBeside: chain.onBlockBeside,
      transport,
      clock: systemClock,
      logger: silentLogger,
    })
    service.start()
    this.#stops.push(() => service.stop())
    return service
  }
}

/** A fresh chain whose clock is where another's stands. */
export async function followerOf(source: TestChain): Promise<TestChain> {
  const chain = await TestChain.create()
  chain.clock.moveTo(source.clock.nowMs())
  return chain
}

/** Resolves when a block of this number is the head. */
export function reached(chain: Pick<TestChain, 'importer' | 'store'>, number: bigint): Promise<void> {
  return new Promise((resolve) => {
    const stop = chain.importer.listen({
      onImported: (block) => {
        if (block.number < number) return
        queueMicrotask(() => stop())
        resolve()
      },
    })
    if (chain.store.pointers().head.number >= number) resolve()
  })
}

export function left(transport: Libp2pTransport, peer: PeerId): Promise<void> {
  return new Promise((resolve) => transport.onPeer((id, event) => id === peer && event === 'left' && resolve()))
}

export function joined(transport: Libp2pTransport, peer: PeerId): Promise<void> {
  return new Promise((resolve) => transport.onPeer((id, event) => id === peer && event === 'joined' && resolve()))
}
