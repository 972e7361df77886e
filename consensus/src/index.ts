export type {
  CatchUpRequest,
  CatchUpResponse,
  Commit,
  HeaderRef,
  IndexedVote,
  Justification,
  NeighbourPacket,
  Phase,
  SignedVote,
  UnsignedVote,
  VoteEquivocation,
  VoteInventory,
  VoteKind,
} from './types.ts'
export type { ConsensusErrorInfo } from './errors.ts'
export { sealDigest, voteDigest, voteKindCode, voteKindOf, type NetworkId } from './digests.ts'
export {
  decodeCatchUpRequest,
  decodeCatchUpResponse,
  decodeCommit,
  decodeJustification,
  decodeNeighbour,
  decodeVote,
  decodeVotes,
  encodeCatchUpRequest,
  encodeCatchUpResponse,
  encodeCommit,
  encodeJustification,
  encodeNeighbour,
  encodeVote,
  encodeVotes,
  MAX_ANCESTRY_HEADERS,
  MAX_CATCH_UP_BYTES,
  MAX_CATCH_UP_REQUEST_BYTES,
  MAX_COMMIT_BYTES,
  MAX_JUSTIFICATION_BYTES,
  MAX_NEIGHBOUR_BYTES,
  MAX_VOTE_BYTES,
  MAX_VOTES_BYTES,
} from './codec.ts'
export { MAX_VOTERS, VoterSet, type VoterEntry } from './voter-set.ts'
export { Round, type RoundState, type VoteOutcome } from './round.ts'
export { VoteGraph, type GraphNode } from './vote-graph.ts'
export { ancestorAt, isAncestorOrSelf, type ChainView } from './chain-view.ts'
export { HeaderTree, type TreeHeader } from './header-tree.ts'
export { buildCommit, checkCommit, commitAncestry, type CheckedCommit, type CommitFault } from './commit.ts'
export { prevoteTarget } from './voting-rules.ts'
export { LIVE_ROUNDS_BEHIND, Voter, type VoterConfig } from './voter.ts'
export type { VoterEffect, VoterEvent } from './voter-events.ts'
export { readRecords, type StoredRound, type VoteRecord } from './vote-records.ts'
export {
  recoverAddressPure,
  verifyJustification,
  voteVerifier,
  type JustificationClaim,
  type JustificationFault,
  type RecoverAddress,
} from './justification.ts'
export {
  backsOff,
  buildDeadlineMs,
  checkSlot,
  slotAt,
  slotAuthor,
  SlotBook,
  slotStartMs,
  type SealEquivocation,
  type SealedHeader,
  type SlotFault,
} from './aura.ts'
export { AuraAuthorService, type Abstention, type AuraAuthorOptions, type AuthorTask } from './aura-author-service.ts'
export { AuraConsensus, checkSeal, type AuraOptions } from './aura-consensus.ts'
export { SignerGuard } from './signer-guard.ts'
export {
  compareAct,
  guardAct,
  NOTHING_SIGNED,
  type GuardAnswer,
  type GuardedAct,
  type GuardState,
} from './guard-rule.ts'
export { SetChanges, type EarlyVote } from './set-changes.ts'
export { TreeChainView, type TreeChainViewOptions } from './tree-chain-view.ts'
export {
  checkEvidence,
  decodeEvidence,
  encodeEvidence,
  MAX_EVIDENCE_BYTES,
  offenceOf,
  type Evidence,
  type EvidenceFault,
  type EvidenceRules,
} from './evidence.ts'
export { isRefused, isReported, mayHaveSealed, reportCall } from './evidence-on-chain.ts'
export { EvidenceService, type EvidenceOptions } from './evidence-service.ts'
export { listenFirst, OwnSignatureWatch, type ListeningOptions, type OwnSignatureOptions } from './own-signatures.ts'
export { GuardedSigner } from './guarded-signer.ts'
export { GrandpaService, type GrandpaOptions, type RoundHistory } from './grandpa-service.ts'
export type { HandoverProof } from './handover-proof.ts'
export { FinalityService, type FinalityOptions } from './finality-service.ts'
export { recordSets, type KnownSet } from './set-book.ts'
