/**
 * The ports between rooms. `node/` joins them; execution, consensus, bridge, p2p and rpc never import one another.
 * Whatever waits takes `{ signal }`. Numbers of blocks are bigint, hashes are lower-case hex.
 */
import type { Block, BlockHeader } from '@ethereumjs/block'
import type { TypedTransaction } from '@ethereumjs/tx'
import type { Block as BitcoinBlock, InclusionProof } from '@hawser/bitcoin'
import type { Address, BtcHash, Hash32, Hex, Wei } from '@hawser/primitives'
import type { Write } from '@hawser/storage'
import type { Log, Receipt, SealedBlock } from './block-types.ts'

export interface Cancellable {
  readonly signal?: AbortSignal
}

/** A block by number and hash. */
export interface BlockRef {
  readonly number: bigint
  readonly hash: Hash32
}

// ---------------------------------------------------------------- Signer

/** What a session key signs: digests of known kinds only, never a digest from outside. */
export type SignRequest =
  /** The seal of a block of the key's own slot: keccak256("HWAS" | chainId u64 | blockHash 32). */
  | { readonly kind: 'seal'; readonly slot: bigint; readonly blockHash: Hash32 }
  /** A finality vote (consensus.md 2.0). voteKind: prevote 0, precommit 1, primary 2. */
  | {
      readonly kind: 'vote'
      readonly setId: bigint
      readonly round: bigint
      readonly voteKind: 0 | 1 | 2
      readonly target: BlockRef
    }
  /** The signing hash of an inherent: a legacy transaction of gas price 0 and value 0 to a system contract. */
  | { readonly kind: 'inherent'; readonly to: Address; readonly signingHash: Hash32 }
  /** This node's claim to be the validator, made to a peer: keccak256("HWID" | chainId u64 | genesisHash 32 | peer id bytes). */
  | { readonly kind: 'identity'; readonly peerId: Uint8Array }

/** A validator's session key behind its monotonic guard. */
export interface Signer {
  readonly address: Address
  /** 65 bytes r | s | v (v 0 or 1). @throws SIGNER_REFUSED when the guard says no; nothing is signed then. */
  sign(request: SignRequest): Promise<Uint8Array>
}

// ---------------------------------------------------------------- ChainStore

/** A change of the state: writes for an atomic batch, and what memory does when that is on disk. */
export interface StateChange {
  readonly writes: readonly Write[]
  apply(): void
}

/** One change of the chain's database: all of it or nothing. */
export interface ChainChange {
  /** A block that is new, with its receipts and the state it writes. */
  readonly block?: {
    readonly sealed: SealedBlock
    readonly receipts: readonly Receipt[]
    readonly state: StateChange
  }
  /** The new best block, with the canonical blocks that it adds and removes (ascending numbers). */
  readonly head?: { readonly ref: BlockRef; readonly added: readonly BlockRef[]; readonly removed: readonly BlockRef[] }
  /** The new last final block, its justification if there is one, and the abandoned blocks to delete. */
  readonly finalized?: {
    readonly ref: BlockRef
    readonly justification?: Uint8Array
    readonly pruned: readonly BlockRef[]
    readonly state?: StateChange
  }
}

/** Blocks, receipts and pointers on disk. Reads are synchronous. */
export interface ChainStore {
  pointers(): { readonly head: BlockRef; readonly finalized: BlockRef }
  block(hash: Hash32): SealedBlock | undefined
  receipts(hash: Hash32): readonly Receipt[] | undefined
  /** The canonical block's hash at a number. */
  canonicalHash(number: bigint): Hash32 | undefined
  /** Where a canonical transaction stands. */
  transactionLocation(hash: Hash32): { readonly blockHash: Hash32; readonly index: number } | undefined
  justification(hash: Hash32): Uint8Array | undefined
  /** The hashes of stored blocks above the last final one, parents first. */
  unfinalized(): readonly BlockRef[]
  commit(change: ChainChange): Promise<void>
}

// ---------------------------------------------------------------- ExecutionEngine

/** What executing a block gave; `state` goes into the block's atomic batch. */
export interface Executed {
  readonly stateRoot: Hash32
  readonly receiptsRoot: Hash32
  readonly logsBloom: Uint8Array
  readonly gasUsed: bigint
  readonly receipts: readonly Receipt[]
  readonly state: StateChange
}

/** A call as JSON-RPC knows it. Without a price nothing is paid and BASEFEE reads 0, as Geth has it. */
export interface CallRequest {
  readonly from?: Address
  readonly to?: Address
  readonly data?: Uint8Array
  readonly value?: bigint
  readonly gas?: bigint
  readonly nonce?: bigint
  readonly gasPrice?: bigint
  readonly maxFeePerGas?: bigint
  readonly maxPriorityFeePerGas?: bigint
  readonly accessList?: readonly AccessListEntry[]
  /** EIP-7702; never empty. */
  readonly authorizationList?: readonly Authorization[]
  /** EIP-4844; never empty. */
  readonly blobVersionedHashes?: readonly Hash32[]
  readonly maxFeePerBlobGas?: bigint
}

export interface AccessListEntry {
  readonly address: Address
  /** 32-byte keys. */
  readonly storageKeys: readonly Hex[]
}

/** A signed permission to run an account's calls by another contract's code. @see EIP-7702 */
export interface Authorization {
  readonly chainId: bigint
  readonly address: Address
  readonly nonce: bigint
  readonly yParity: bigint
  readonly r: bigint
  readonly s: bigint
}

export type CallOutcome =
  | { readonly kind: 'success'; readonly output: Uint8Array; readonly gasUsed: bigint; readonly created?: Address }
  /** `reason` is what Solidity's Error(string) or Panic(uint256) says, if the output is one. */
  | { readonly kind: 'revert'; readonly output: Uint8Array; readonly gasUsed: bigint; readonly reason?: string }
  /** The EVM halted: out of gas, invalid opcode, and so on. */
  | { readonly kind: 'halt'; readonly reason: string; readonly gasUsed: bigint }

/** The state after one block, read only. Every read may throw STATE_MISSING. */
export interface StateView {
  account(address: Address): StateAccount | undefined
  code(address: Address): Uint8Array
  /** The 32-byte word at a 32-byte key. */
  storage(address: Address, key: Uint8Array): Uint8Array
  /** Proves an account and some of its slots, there or not, under the block's state root (EIP-1186). */
  prove(address: Address, keys: readonly Uint8Array[]): StateProof
}

export interface StateAccount {
  readonly nonce: bigint
  readonly balance: Wei
  readonly codeHash: Hash32
  readonly storageRoot: Hash32
}

export interface StateProof {
  readonly account: StateAccount | undefined
  /** The RLP of the trie's nodes, from the root down. */
  readonly accountProof: readonly Uint8Array[]
  /** In the order of the keys; the word without leading zeros. */
  readonly storage: readonly { readonly word: Uint8Array; readonly proof: readonly Uint8Array[] }[]
}

/** An inherent before it is signed. */
export interface InherentCall {
  readonly to: Address
  readonly data: Uint8Array
  readonly gasLimit: bigint
  /** For logs: which function, and of what. */
  readonly label: string
}

/** What the author decides about a block; everything else follows from the parent. */
export interface BuildPlan {
  readonly slot: bigint
  readonly author: Address
  /** In the order of protocol.md section 2; one that fails is left out, with a warning. */
  readonly inherents: readonly InherentCall[]
  /** Ready transactions, best first, nonces in order per sender; taken until the block is full or time is up. */
  readonly transactions: Iterable<TypedTransaction>
  /** No further transaction is started after this time (Unix ms). */
  readonly deadlineMs: number
  readonly sign: Signer
}

export interface ExecutionEngine {
  /** Gate 3: executes every transaction and compares. @throws BLOCK_BAD_EXECUTION and others; nothing is kept then. */
  execute(parent: BlockHeader, block: Block, options?: Cancellable): Promise<Executed>
  build(
    parent: BlockHeader,
    plan: BuildPlan,
    options?: Cancellable,
  ): Promise<{ readonly block: Block; readonly executed: Executed; readonly dropped: readonly Hash32[] }>
  /** Runs a call on top of a block; changes nothing. `pending` runs it in a block after it. */
  call(at: BlockHeader, request: CallRequest, options?: Cancellable): Promise<CallOutcome>
  /** The least gas that the call needs to do what it does with much gas. */
  estimateGas(at: BlockHeader, request: CallRequest, options?: Cancellable): Promise<bigint | CallOutcome>
  /** The state after a block, read only. @throws STATE_MISSING when it was pruned or never executed here */
  stateAt(block: BlockHeader): StateView
  /** What the state does when blocks become final (ascending) and others are abandoned; called right before that is written. */
  finalize(path: readonly BlockRef[], abandoned: readonly BlockRef[]): StateChange
}

// ---------------------------------------------------------------- State in parts

/** Leaves of one of a state's tries, ascending, with what proves that there are no others between the origin asked for and `end`. */
export interface StateRange {
  /** 32-byte hashed keys; an account's RLP, or the RLP of a word. */
  readonly leaves: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]
  /** 32 bytes: the last key that the answer is about. */
  readonly end: Uint8Array
  /** The RLP of the trie's nodes on the paths to both edges. */
  readonly proof: readonly Uint8Array[]
}

/** Final states that are kept here, in parts, for nodes that begin from one. */
export interface StateSource {
  /** Of the accounts, or of the storage of one (its hashed address); undefined when the state is not kept here, or has no such account. */
  range(
    block: BlockRef,
    account: Uint8Array | undefined,
    origin: Uint8Array,
    limit: Uint8Array,
    maxBytes: number,
  ): StateRange | undefined
  code(hash: Uint8Array): Uint8Array | undefined
}

/** Takes a state in parts into an empty database; what is not proven is refused, and nothing of it is kept. */
export interface StateSink {
  readonly block: BlockRef
  /** Ranges of accounts that are still to be fetched: independent of one another. */
  missing(): readonly { readonly origin: Uint8Array; readonly limit: Uint8Array }[]
  /** Undefined for a false range. `commit` is called when all that the accounts need was taken; `next` is where to go on. */
  accounts(
    origin: Uint8Array,
    limit: Uint8Array,
    range: StateRange,
  ):
    | {
        readonly storages: readonly { readonly account: Uint8Array; readonly root: Uint8Array }[]
        readonly codes: readonly Uint8Array[]
        readonly next: Uint8Array | undefined
        commit(): Promise<void>
      }
    | undefined
  /** Undefined for a false range. */
  storage(
    account: Uint8Array,
    root: Uint8Array,
    origin: Uint8Array,
    range: StateRange,
  ): Promise<{ readonly next: Uint8Array | undefined } | undefined>
  /** False for other bytes than the hash's. */
  code(hash: Uint8Array, code: Uint8Array): Promise<boolean>
  /** Builds the tries when nothing is missing, and checks the state root; what is left to write makes the state the database's. @throws STATE_IMPORT_INVALID */
  finish(options?: Cancellable): Promise<readonly Write[]>
}

// ---------------------------------------------------------------- Inspector

/** What a simulation changes of an account before it runs. */
export interface AccountOverride {
  readonly nonce?: bigint
  readonly balance?: bigint
  readonly code?: Uint8Array
  /** The whole storage: 32-byte key to 32-byte word. Not together with `stateDiff`. */
  readonly state?: ReadonlyMap<Hex, Hex>
  /** Single words of the storage. */
  readonly stateDiff?: ReadonlyMap<Hex, Hex>
  readonly movePrecompileToAddress?: Address
}

export type StateOverrides = ReadonlyMap<Address, AccountOverride>

/** An EIP-4895 withdrawal; the amount in gwei. */
export interface WithdrawalData {
  readonly index: bigint
  readonly validatorIndex: bigint
  readonly address: Address
  readonly amount: bigint
}

/** What a simulation changes of the block that it runs in. */
export interface BlockOverrides {
  readonly number?: bigint
  /** Unix seconds. */
  readonly time?: bigint
  readonly gasLimit?: bigint
  readonly feeRecipient?: Address
  /** 32 bytes. */
  readonly prevRandao?: Uint8Array
  readonly baseFeePerGas?: bigint
  readonly blobBaseFee?: bigint
  /** 32 bytes. */
  readonly beaconRoot?: Uint8Array
  readonly withdrawals?: readonly WithdrawalData[]
}

/** What a simulation may cost the node. */
export interface InspectionLimits {
  /** Gas of one call, or of a whole eth_simulateV1. */
  readonly gasCap: bigint
  readonly timeoutMs: number
  /** Characters of one trace's JSON, about. */
  readonly maxTraceChars: number
}

export interface CallOptions {
  readonly state?: StateOverrides
  readonly block?: BlockOverrides
}

/** How a trace is told: Geth's names and options. */
export type TracerConfig =
  | {
      readonly kind: 'structLogger'
      readonly enableMemory: boolean
      readonly disableStack: boolean
      readonly disableStorage: boolean
      readonly enableReturnData: boolean
      /** Steps that are told; 0 for all. */
      readonly limit: number
    }
  | { readonly kind: 'callTracer'; readonly onlyTopCall: boolean; readonly withLog: boolean }
  | {
      readonly kind: 'prestateTracer'
      readonly diffMode: boolean
      readonly disableCode: boolean
      readonly disableStorage: boolean
      /** Whether accounts that were not there are told too; not with `diffMode`. */
      readonly includeEmpty: boolean
    }
  | { readonly kind: '4byteTracer' }
  | { readonly kind: 'noopTracer' }

export interface TransactionTrace {
  readonly txHash: Hash32
  /** In the tracer's own form, as JSON-RPC answers it. */
  readonly result: unknown
}

export interface SimulatedBlockRequest {
  readonly overrides: BlockOverrides
  readonly state: StateOverrides
  readonly calls: readonly CallRequest[]
}

export interface SimulationOptions {
  /** Whether nonces, balances and fees are checked as in a real block. */
  readonly validation: boolean
  /** Whether transfers of the native coin are told as logs of 0xeeee…. */
  readonly traceTransfers: boolean
}

export interface SimulatedCall {
  readonly output: Uint8Array
  readonly gasUsed: bigint
  /** Before refunds. */
  readonly maxUsedGas: bigint
  readonly logs: readonly Log[]
  /** Why it failed: `execution reverted`, or why the EVM halted. */
  readonly failure?: { readonly reverted: boolean; readonly reason: string }
}

/** A block that was simulated: whole, but that its transactions are not signed. */
export interface SimulatedBlock {
  readonly block: Block
  readonly senders: readonly Address[]
  readonly calls: readonly SimulatedCall[]
}

/** Looks into execution without changing anything: calls, estimates, simulations and traces, each within limits. */
export interface Inspector {
  /** @throws CALL_TIMEOUT, CALL_… when the call cannot run at all */
  call(at: BlockHeader, request: CallRequest, limits: InspectionLimits, options?: CallOptions): Promise<CallOutcome>
  /** The least gas with which the call succeeds, or what it does with all of it. */
  estimateGas(
    at: BlockHeader,
    request: CallRequest,
    limits: InspectionLimits,
    options?: CallOptions,
  ): Promise<bigint | CallOutcome>
  /** The accounts and slots that a call touches, and what it costs with them listed. */
  accessList(
    at: BlockHeader,
    request: CallRequest,
    limits: InspectionLimits,
    options?: CallOptions,
  ): Promise<{ readonly accessList: readonly AccessListEntry[]; readonly outcome: CallOutcome }>
  /** @throws SIMULATION_… (eth_simulateV1's own errors) */
  simulate(
    at: BlockHeader,
    blocks: readonly SimulatedBlockRequest[],
    options: SimulationOptions,
    limits: InspectionLimits,
  ): Promise<readonly SimulatedBlock[]>
  traceCall(
    at: BlockHeader,
    request: CallRequest,
    tracer: TracerConfig,
    limits: InspectionLimits,
    options?: CallOptions,
  ): Promise<unknown>
  /** Executes a block anew and traces all its transactions, or the one at `only`. @throws TRACE_TOO_LARGE */
  traceBlock(
    block: Block,
    tracer: TracerConfig,
    limits: InspectionLimits,
    only?: number,
  ): Promise<readonly TransactionTrace[]>
}

// ---------------------------------------------------------------- Consensus and finality

/** Who may author when (Aura). */
export interface Consensus {
  slotAt(timeMs: number): bigint
  /** The author of a slot by the validator set in the parent's state. */
  author(slot: bigint, parent: BlockRef): Address
  /** Gate 1's part: slot rules, author and seal. @throws BLOCK_BAD_SEAL, BLOCK_BAD_SLOT, BLOCK_TOO_EARLY */
  verifySeal(
    block: { readonly header: BlockHeader; readonly seal: Uint8Array },
    parent: BlockHeader,
    nowMs: number,
  ): void
}

/** What finality tells the node. */
export interface FinalityEvent {
  readonly block: BlockRef
  readonly justification: Uint8Array
}

/** GRANDPA as the node sees it. */
export interface FinalityGadget {
  /** A block was imported (its ancestors are known), or the head moved. */
  onBlock(block: BlockRef): void
  /** A justification from sync, said to prove a block that is imported: verifies it and makes the block final. @throws JUSTIFICATION_INVALID */
  importJustification(justification: Uint8Array, block: BlockRef): Promise<void>
  /** The block that a justification proves final, once what becomes final now has settled; nothing changes. */
  verify(justification: Uint8Array): Promise<BlockRef | undefined>
  status(): {
    readonly setId: bigint
    readonly round: bigint
    readonly validators: readonly Address[]
    readonly stalled: boolean
  }
  /** The round that is voted on now, with every voter's votes. */
  round(): FinalityRoundView
}

/** Lets a stranger follow the chain of validator sets from genesis (consensus.md, 2.10). */
export interface FinalityProofs {
  /**
   * The handovers from a set to those after it, up to `upTo` or the present one, as `decodeHandovers` of
   * @hawser/consensus/verify reads them; `next` is the set to ask on from when they do not fit in one answer.
   * @throws HANDOVER_UNKNOWN where this node did not see a handover happen
   */
  setProofs(from: bigint, upTo?: bigint): { readonly proofs: Uint8Array; readonly next?: bigint }
}

/** A voter's part in a round. */
export interface FinalityVoterView {
  readonly validator: Address
  readonly weight: number
  /** The first vote that was seen of each kind; absent for whoever is missing. */
  readonly prevote?: BlockRef
  readonly precommit?: BlockRef
  /** Two different votes of one kind were seen. */
  readonly equivocated: boolean
}

/** A round of the finality gadget as one node sees it (consensus.md, 2.3). */
export interface FinalityRoundView {
  readonly setId: bigint
  readonly round: bigint
  /** Whoever may propose in this round. */
  readonly primary: Address
  readonly totalWeight: number
  /** What a supermajority weighs at least. */
  readonly threshold: number
  /** The weight that voted, by kind. */
  readonly prevoteWeight: number
  readonly precommitWeight: number
  readonly voters: readonly FinalityVoterView[]
  readonly base: BlockRef
  readonly prevoteGhost?: BlockRef
  readonly estimate?: BlockRef
  readonly finalized?: BlockRef
  readonly completable: boolean
}

/** The view of blocks that finality votes on: the tree above the last final block. */
export interface BlockTreeView {
  finalized(): BlockRef
  best(): BlockRef
  /** Number and parent of a block in the tree (the last final block included). */
  get(hash: Hash32): { readonly number: bigint; readonly parent: Hash32 } | undefined
  /** The best leaf that descends from a block (or is it), over all forks. */
  bestContaining(hash: Hash32): BlockRef | undefined
  /** The RLP of the header: what justification ancestries are made of. */
  headerRlp(hash: Hash32): Uint8Array | undefined
}

// ---------------------------------------------------------------- Inherents

export interface Inherents {
  /** The fee-free calls that the author should put first in a block after `parent`, in protocol order. */
  inherents(parent: BlockRef, options?: Cancellable): Promise<readonly InherentCall[]>
}

// ---------------------------------------------------------------- Bitcoin

export interface BitcoinTip {
  readonly hash: BtcHash
  readonly height: number
}

/** A block that the committee named as final in a transaction that spends custody (protocol.md, section 7). */
export interface CustodyCheckpoint extends BlockRef {
  /** The Bitcoin transaction, and the height of its block. */
  readonly txid: BtcHash
  readonly height: number
}

/** A view of Bitcoin; never trusted: headers and proofs are checked by our own light client. BitcoindSource is the adapter. */
export interface BitcoinSource {
  tip(options?: Cancellable): Promise<BitcoinTip>
  /** The raw headers of the source's best chain from a height on: 80 bytes each, at most `count`. */
  headers(fromHeight: number, count: number, options?: Cancellable): Promise<Uint8Array[]>
  block(hash: BtcHash, options?: Cancellable): Promise<BitcoinBlock>
  /** The proof that a transaction is in a block. */
  transactionProof(txid: BtcHash, blockHash: BtcHash, options?: Cancellable): Promise<InclusionProof>
  /** Hands a raw transaction to the network. @throws with bitcoind's reason when it is refused */
  broadcast(raw: Uint8Array, options?: Cancellable): Promise<'accepted' | 'known'>
  isInMempool(txid: BtcHash, options?: Cancellable): Promise<boolean>
  /** The estimated rate for confirmation within `blocks`, in sat/vB. */
  feeRate(blocks?: number, options?: Cancellable): Promise<number>
  /** The tip whenever it changes, the present one first; ends with the signal. */
  changes(signal: AbortSignal): AsyncIterable<BitcoinTip>
}

// ---------------------------------------------------------------- Transport

/** libp2p's peer id in its text form. */
export type PeerId = string

/** What a gossip handler says of a message: relay it, keep silent, or that nobody should have sent it; what that costs the sender, the handler reports. */
export type Verdict = 'accept' | 'ignore' | 'reject'

export type Topic = 'blocks' | 'votes' | 'commits' | 'evidence' | 'deposit-addresses'
export type Protocol =
  | 'status'
  | 'blocks-by-range'
  | 'blocks-by-hash'
  | 'transactions'
  | 'transaction-hashes'
  | 'pooled-transactions'
  | 'neighbour'
  | 'catch-up'
  | 'missing-votes'
  | 'justification'
  | 'handovers'
  | 'signing'
  | 'peers'
  | 'state-range'
  | 'state-code'

export interface PeerInfo {
  readonly id: PeerId
  /** The validator that the peer proved to be, if any. */
  readonly validator?: Address
  readonly score: number
}

/** Messages between nodes (docs/wire.md). Sizes are bounded on both sides before anything is parsed. */
export interface Transport {
  readonly self: PeerId
  publish(topic: Topic, message: Uint8Array): Promise<void>
  subscribe(topic: Topic, handler: (message: Uint8Array, from: PeerId) => Verdict | Promise<Verdict>): () => void
  /** @throws PEER_UNREACHABLE, PEER_TIMEOUT, PEER_REFUSED */
  request(peer: PeerId, protocol: Protocol, message: Uint8Array, options?: Cancellable): Promise<Uint8Array>
  /** Answers requests; a handler that throws closes the stream, and an AppError with fault 'peer' lowers the score. */
  serve(protocol: Protocol, handler: (message: Uint8Array, from: PeerId) => Promise<Uint8Array>): () => void
  peers(): readonly PeerInfo[]
  /** Called with each peer that connected and proved to be on our chain, and when it left. */
  onPeer(listener: (peer: PeerId, event: 'joined' | 'left') => void): () => void
  /** Changes a peer's score; below the limit it is disconnected and refused for a while. */
  report(peer: PeerId, delta: number, reason: string): void
}

// ---------------------------------------------------------------- The bridge, as RPC and CLI see it

/** Where a payment to a deposit address stands. */
export interface DepositView {
  /** As explorers show it. */
  readonly txid: string
  readonly vout: number
  readonly account: Address
  /** Decimal satoshis. */
  readonly sats: string
  /** `refused` never turns into credit; `reason` says why. */
  readonly status: 'unconfirmed' | 'confirming' | 'creditable' | 'credited' | 'refused'
  readonly confirmations: number
  readonly required: number
  readonly reason?: string
}

/** A committee member's part in the signing of a batch, as the asked node sees it. */
export interface SigningMemberView {
  /** Its validator's session address. */
  readonly session: Address
  /** 33 bytes. */
  readonly bitcoinKey: Hex
  /** `ready` would sign; `missing` is not connected or does not answer; `refused` gave a reason; `excluded` sent what is invalid. */
  readonly state: 'ready' | 'missing' | 'refused' | 'excluded'
  readonly reason?: string
}

/** How far this node has come with a batch's Bitcoin transaction. */
export interface BatchView {
  readonly id: string
  readonly status:
    'unknown' | 'waiting-for-finality' | 'signing' | 'signed' | 'broadcast' | 'confirmed' | 'settled' | 'failed'
  /** The requests that it pays. */
  readonly withdrawals: readonly string[]
  /** As explorers show it; the version that was broadcast last. */
  readonly txid?: string
  readonly feeRateSatPerVb?: number
  /** key-path, or the leaf that was used. */
  readonly path?: 'key-path' | 'subset' | 'checksigadd'
  /** While it is broadcast: whether the own Bitcoin node has it in its mempool. */
  readonly inMempool?: boolean
  /** In the light client's view, once it is mined, and what settling needs. */
  readonly confirmations?: number
  readonly required: number
  /** While it is being signed: who would sign, and why others do not. */
  readonly members?: readonly SigningMemberView[]
  /** Why members did not sign, newest last. */
  readonly refusals: readonly string[]
}

/** Where a withdrawal stands: its request in the state, its batch on the way to Bitcoin. Amounts in decimal satoshis. */
export interface WithdrawalView {
  readonly id: string
  readonly account: Address
  /** `requested`: not in a final block yet. `queued`: waits for a batch. `batched`: in one that this node knows nothing more of. Others as the batch's. */
  readonly status: 'requested' | 'queued' | 'cancelled' | 'batched' | Exclude<BatchView['status'], 'unknown'>
  /** Why it stands there, in words. */
  readonly reason?: string
  readonly amountSats: string
  readonly maxFeeSats: string
  /** Paid of maxFee; 0 until settled. */
  readonly feeSats: string
  /** The receiver. */
  readonly to: string
  readonly scriptPubKey: Hex
  readonly requestedAtBlock: string
  readonly batch?: BatchView
  /** As explorers show it, once settled. */
  readonly txid?: string
  readonly vout?: number
}

/** A page of a list. */
export interface Page {
  readonly offset: number
  readonly limit: number
}

/** The reserves at a block, amounts in decimal satoshis or wei. */
export interface ReservesView {
  readonly block: { readonly number: string; readonly hash: Hash32 }
  readonly custodySats: string
  readonly circulatingWei: string
  readonly pendingSats: string
  readonly maxFeeSats: string
  readonly claimableWei: string
  readonly liabilitySats: string
  readonly shortfallSats: string
  readonly paused: boolean
  readonly covered: boolean
}

/** An output on Bitcoin that the bridge counts as its own. */
export interface CustodyCoinView {
  readonly id: string
  /** As explorers show it. */
  readonly txid: string
  readonly vout: number
  readonly sats: string
  /** A coin in a batch may be spent on Bitcoin already. */
  readonly status: 'available' | 'in-batch'
  readonly batchId?: string
}

/** The committee that takes deposits and signs, at a block. */
export interface CommitteeView {
  readonly id: number
  /** P, the x-only BIP327 aggregate of the members' keys; R, the custody tree's root; Q, the key of the plain address. 32 bytes each. */
  readonly internalKey: Hex
  readonly treeRoot: Hex
  readonly outputKey: Hex
  readonly members: number
  readonly threshold: number
  /** In the order of the sorted keys. */
  readonly keys: readonly { readonly session: Address; readonly bitcoinKey: Hex; readonly managementKey: Hex }[]
  /** Where change goes. Deposit addresses are derived from P, R and the account. */
  readonly address: string
}

/** A proof of the Bridge contract's account and reserve slots under a block's state root (EIP-1186). */
export interface ReservesProof {
  readonly block: BlockRef
  /** RLP: its hash is the block's, its fourth field the state root. */
  readonly header: Uint8Array
  readonly address: Address
  readonly slots: readonly { readonly name: string; readonly key: Uint8Array }[]
  /** `storage` in the order of the slots. */
  readonly proof: StateProof
}

/** What the bridge holds on Bitcoin and who holds it. */
export interface CustodyView {
  reservesProof(at: BlockHeader): ReservesProof
  /** The coins from an id on, at most `limit`; `next` is the id to go on with. */
  coins(
    at: BlockHeader,
    from: bigint,
    limit: number,
  ): { readonly coins: readonly CustodyCoinView[]; readonly next?: string }
  committee(at: BlockHeader): Promise<CommitteeView>
}

/** A Bitcoin header of one of the two views. */
export interface BitcoinHeaderView {
  /** As explorers show it. */
  readonly hash: string
  readonly height: number
  /** Unix seconds. */
  readonly time: number
  /** Decimal, up to and with this block. */
  readonly chainWork: string
  readonly onBestChain: boolean
  readonly confirmations: number
  /** 80 bytes; the light client on chain does not keep them. */
  readonly header?: Hex
}

/** A view of Bitcoin: the light client of the best block's state, or the chain that this node has checked itself. */
export type BitcoinViewName = 'light-client' | 'node'

/** Bitcoin as the chain and as the node see it: two views that may differ for a while. */
export interface BitcoinView {
  status(): Promise<{ readonly source?: BitcoinTip; readonly sourceError?: string; readonly lightClient: BitcoinTip }>
  /** A header by hash or by height on the view's best chain; the best one without either. */
  header(view: BitcoinViewName, id?: BtcHash | number): Promise<BitcoinHeaderView | undefined>
  /** Proves a transaction to be in a block, with the own source. @throws BITCOIN_TX_NOT_FOUND, BITCOIN_SOURCE_DOWN */
  proveTransaction(txid: BtcHash, blockHash: BtcHash): Promise<void>
  /** The source's estimate in sat/vB. @throws BITCOIN_SOURCE_DOWN */
  feeRate(blocks: number): Promise<number>
}

export interface BridgeView {
  readonly bitcoin: BitcoinView
  readonly custody: CustodyView
  /** The deposit address of an account; remembered, and told to all validators. */
  registerDepositAddress(
    account: Address,
    refundKey?: Uint8Array,
  ): Promise<{ readonly address: string; readonly scriptPubKey: Uint8Array }>
  deposits(account: Address): Promise<readonly DepositView[]>
  /** A payment to a deposit address by its outpoint; `txid` as explorers show it. */
  deposit(txid: string, vout: number): Promise<DepositView | undefined>
  /** Looks at a transaction for payments to the account's addresses and takes them up. `txid` as explorers show it. */
  claim(txid: string, account: Address, refundKey?: Uint8Array): Promise<readonly DepositView[]>
  /** Oldest first. */
  withdrawals(account: Address, page: Page): Promise<readonly WithdrawalView[]>
  withdrawal(id: bigint): Promise<WithdrawalView | undefined>
  batch(id: bigint): Promise<BatchView>
  reserves(at: BlockHeader): Promise<ReservesView>
}
