import type { Common } from '@ethereumjs/common'
import type { TypedTransaction } from '@ethereumjs/tx'
import type {
  BlockRef,
  BridgeView,
  ChainSpec,
  ChainStore,
  ExecutionEngine,
  FinalityGadget,
  HeadChange,
  TransactionPool,
} from '@hawser/chain'
import type { Hash32, Logger } from '@hawser/primitives'

/** What the RPC server needs of a node; `node/` hands it in. */
export interface RpcBackend {
  readonly spec: ChainSpec
  readonly common: Common
  readonly clientVersion: string
  readonly store: ChainStore
  readonly engine: ExecutionEngine
  readonly pool: TransactionPool
  readonly finality: FinalityGadget
  readonly bridge: BridgeView
  readonly logger: Logger
  /** Checks a transaction against the head, takes it into the pool and tells the peers. */
  submit(tx: TypedTransaction): Promise<Hash32>
  peerCount(): number
  /** The height that the node is syncing to, or undefined when it is in step. */
  syncTarget(): bigint | undefined
  onHead(listener: (change: HeadChange) => void): () => void
  onFinalized(listener: (path: readonly BlockRef[]) => void): () => void
  onPendingTransaction(listener: (tx: TypedTransaction) => void): () => void
}
