import type { Address, Hash32 } from '@hawser/primitives'

/** A block by number and hash. */
export interface BlockRef {
  readonly number: bigint
  readonly hash: Hash32
}

/** What consensus reads of a header. */
export interface HeaderRef extends BlockRef {
  readonly parentHash: Hash32
}

/** The two counted phases of a round, and the primary's hint. */
export type VoteKind = 'prevote' | 'precommit' | 'primary'

/** The phases in which votes are counted. */
export type Phase = 'prevote' | 'precommit'

/** A vote before it is signed: the target of one voter in one phase of one round of one set. */
export interface UnsignedVote extends BlockRef {
  readonly setId: bigint
  readonly round: bigint
  readonly kind: VoteKind
}

/** A vote on the wire; `voter` is the index in the set, `signature` is r | s | v (65 bytes). */
export interface SignedVote extends UnsignedVote {
  readonly voter: number
  readonly signature: Uint8Array
}

/** One precommit (or prevote) of a message that names its targets once: an index into `targets`. */
export interface IndexedVote {
  readonly target: number
  readonly voter: number
  readonly signature: Uint8Array
}

/** The precommits of one round that finalise `target`. */
export interface Commit {
  readonly setId: bigint
  readonly round: bigint
  readonly target: BlockRef
  readonly targets: readonly BlockRef[]
  readonly precommits: readonly IndexedVote[]
}

/**
 * A commit that proves itself without a chain: the RLP of every header above the target that links the precommits'
 * targets down to it, and no other.
 */
export interface Justification {
  readonly commit: Commit
  readonly ancestry: readonly Uint8Array[]
}

/** Which votes of a round a node has: two bits a voter (0, 1, or 2 for an equivocation), voter 0 in the lowest bits of byte 0. */
export interface VoteInventory {
  readonly round: bigint
  readonly prevotes: Uint8Array
  readonly precommits: Uint8Array
}

/** Where a node stands. `stuck`: no progress for ten gossip durations; `have` is filled when votes are wanted. */
export interface NeighbourPacket {
  readonly setId: bigint
  readonly round: bigint
  readonly finalizedNumber: bigint
  readonly stuck: boolean
  readonly have: readonly VoteInventory[]
}

/** Asks for a completed round at or after `round`. */
export interface CatchUpRequest {
  readonly setId: bigint
  readonly round: bigint
}

/** All votes of a completed round, with the base they are counted on. */
export interface CatchUpResponse {
  readonly setId: bigint
  readonly round: bigint
  readonly base: BlockRef
  readonly targets: readonly BlockRef[]
  readonly prevotes: readonly IndexedVote[]
  readonly precommits: readonly IndexedVote[]
}

/** Two different votes of one voter in one phase of one round. */
export interface VoteEquivocation {
  readonly offender: Address
  readonly first: SignedVote
  readonly second: SignedVote
}
