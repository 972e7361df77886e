import type { BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import type {
  BlockRef,
  BridgeView,
  ChainStore,
  ExecutionEngine,
  FinalityGadget,
  FinalityProofs,
  HeadChange,
  Inspector,
  TransactionPool,
  WithdrawalData,
} from '@hawser/chain'
import type { Address, Hash32, Hex, Logger } from '@hawser/primitives'

/** Rules that a timestamp switches on, for eth_config (EIP-7910). */
export interface ForkProfile {
  /** Unix seconds; 0 for those that hold from the genesis block on. */
  readonly activationTime: bigint
  readonly common: Common
  /** EIP-6122's FORK_HASH of the chain up to this fork, 4 bytes. */
  readonly forkId: Hex
  readonly blobSchedule: { readonly target: number; readonly max: number; readonly baseFeeUpdateFraction: number }
}

/** What the methods must know of a chain beyond its blocks: Hawser's own and a plain Ethereum chain differ in it. */
export interface ChainProfile {
  readonly chainId: bigint
  /** Wei for a unit of gas in the block after this one; undefined before EIP-1559. */
  nextBaseFee(header: BlockHeader): bigint | undefined
  /** Wei for a unit of blob gas in the block after this one; undefined where there are no blobs. */
  nextBlobBaseFee(header: BlockHeader): bigint | undefined
  /** A tip, in wei, that makes a transaction welcome. */
  suggestedTip(header: BlockHeader): bigint
  /** Whether transactions may carry blobs (EIP-4844). */
  readonly blobs: boolean
  /** Ascending by time. */
  readonly forks: readonly ForkProfile[]
  /** System contracts by EIP-7910's names. */
  systemContracts(common: Common): Readonly<Record<string, Address>>
}

/** What testing_buildBlockV1 hands to whoever can build blocks at will. */
export interface BlockBuilder {
  build(request: {
    readonly parent: BlockHeader
    /** Unix seconds. */
    readonly timestamp: bigint
    readonly prevRandao: Uint8Array
    readonly feeRecipient: Address
    readonly withdrawals: readonly WithdrawalData[]
    readonly parentBeaconBlockRoot?: Uint8Array
    readonly extraData: Uint8Array
    /** Raw, in order; undefined takes the pool's. */
    readonly transactions?: readonly Uint8Array[]
  }): Promise<{
    readonly block: NonNullable<ReturnType<ChainStore['block']>>['block']
    /** What the author earns, in wei. */
    readonly value: bigint
    /** EIP-7685 requests: type | data. */
    readonly requests: readonly Uint8Array[]
  }>
}

/** A validator set that is or was in office. */
export interface SetInOffice {
  readonly setId: bigint
  /** The final block that it took over on; genesis for the first. */
  readonly base: BlockRef
  readonly totalWeight: number
  /** What a supermajority weighs at least. */
  readonly threshold: number
  /** Ascending. */
  readonly validators: readonly { readonly validator: Address; readonly weight: number }[]
}

/** The chain of validator sets, for the finality namespace. */
export interface ValidatorSetBook extends FinalityProofs {
  /** The set whose votes a justification holds. */
  signedBy(justification: Uint8Array): bigint
  /** Undefined for a set that this node has not seen in office. */
  find(setId: bigint): SetInOffice | undefined
}

/** What the RPC server needs of a node; `node/` hands it in. The btc, bridge and finality namespaces are there when their backends are. */
export interface RpcBackend {
  readonly chain: ChainProfile
  readonly clientVersion: string
  readonly store: ChainStore
  readonly engine: Pick<ExecutionEngine, 'stateAt'>
  readonly inspector: Inspector
  readonly pool: TransactionPool
  readonly finality?: FinalityGadget
  /** There where `finality` is. */
  readonly sets?: ValidatorSetBook
  readonly bridge?: BridgeView
  readonly builder?: BlockBuilder
  readonly logger: Logger
  /** The oldest block whose state is kept; 0 when it is not given. */
  oldestState?(): bigint
  /** The first block from which on all are here, with receipts; 1 unless the chain began at a fetched state. */
  oldestBlock?(): bigint
  /** Decodes a transaction, checks it against the head, takes it into the pool and tells the peers. */
  submit(raw: Uint8Array): Promise<Hash32>
  peerCount(): number
  /** The height that the node is syncing to, or undefined when it is in step. */
  syncTarget(): bigint | undefined
  onHead(listener: (change: HeadChange) => void): () => void
  onFinalized(listener: (path: readonly BlockRef[]) => void): () => void
  onPendingTransaction(listener: (tx: TypedTransaction) => void): () => void
}
