/** Checks finality proofs with nothing but the proofs and the first voter set: no node, no chain, no disk; runs in a browser. */
export { decodeCommit, decodeJustification, encodeJustification } from './codec.ts'
export { sealDigest, voteDigest, type NetworkId } from './digests.ts'
export {
  readHeader,
  recoverAddressPure,
  verifyJustification,
  voteVerifier,
  type JustificationClaim,
  type JustificationFault,
  type RecoverAddress,
} from './justification.ts'
export {
  verifyFinalBlock,
  verifyHandover,
  verifyHandovers,
  type FinalBlockFault,
  type FinalBlockProof,
  type HandoverFault,
  type LightState,
} from './light-client.ts'
export { MAX_PROOF_NODES, readMerkleProof, type MerkleFault } from './merkle-proof.ts'
export {
  decodeHandovers,
  encodeHandovers,
  MAX_HANDOVERS,
  MAX_SET_PROOFS_BYTES,
  type HandoverProof,
} from './handover-proof.ts'
export type { BlockRef, Commit, HeaderRef, IndexedVote, Justification, SignedVote } from './types.ts'
export { VoterSet, type VoterEntry } from './voter-set.ts'
