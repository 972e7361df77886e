export { type BitcoinError, type BitcoinErrorCode, type BitcoinErrorInfo } from './errors.ts'
export { NETWORKS, type BitcoinNetwork, type NetworkParameters } from './networks.ts'
export {
  bitsFromTarget,
  RETARGET_INTERVAL,
  RETARGET_TIMESPAN_S,
  retargetBits,
  targetFromBits,
  workOfBits,
  workOfTarget,
} from './compact-target.ts'
export { HEADER_BYTES, headerHashNumber, parseHeader, type BlockHeader } from './header.ts'
export {
  checkHeader,
  checkProofOfWork,
  childContext,
  expectedBits,
  isAfterMedian,
  MAX_FUTURE_DRIFT_S,
  medianTime,
  type HeaderContext,
} from './header-rules.ts'
export {
  HeaderChain,
  MAX_HEADERS,
  type AddHeaderOutcome,
  type BitcoinCheckpoint,
  type HeaderRecord,
} from './header-chain.ts'
export { compactSize, compactSizeLength } from './compact-size.ts'
export {
  decodeTransaction,
  encodeOutpoint,
  encodeOutput,
  encodeStripped,
  encodeTransaction,
  isCoinbase,
  MAX_TRANSACTION_BYTES,
  stripWitness,
  txid,
  vsize,
  weight,
  wtxid,
  type Transaction,
  type TxInput,
  type TxOutput,
} from './transaction.ts'
export { decodeBlock, encodeBlock, MAX_BLOCK_BYTES, MAX_BLOCK_TRANSACTIONS, type Block } from './block.ts'
export {
  classifyScript,
  DUST_LIMIT_SATS,
  dustLimitSats,
  hash160,
  OP,
  p2pkhScript,
  p2shScript,
  p2trScript,
  p2wpkhScript,
  p2wshScript,
  pushData,
  pushNumber,
  type ClassifiedScript,
  type ScriptType,
} from './script.ts'
export { addressToScript, scriptToAddress } from './bitcoin-address.ts'
export { merkleBranch, merkleRoot, rootFromBranch, type MerkleRoot } from './merkle.ts'
export {
  buildPartialMerkleTree,
  parsePartialMerkleTree,
  type PartialMerkleTree,
  type ProvenLeaf,
} from './partial-merkle-tree.ts'
export {
  buildInclusionProof,
  MAX_BRANCH_HASHES,
  verifyInclusionProof,
  type InclusionProof,
  type ProvenTransaction,
} from './inclusion-proof.ts'
export { CURVE_ORDER, nobleCurve, type CurveOps } from './curve.ts'
export { aggregateKeys, keyAggCoefficients, sortKeys } from './key-agg.ts'
export {
  controlBlock,
  pairTree,
  tapBranchHash,
  tapLeafHash,
  TAPSCRIPT_VERSION,
  tapTweakKey,
  type PairedTree,
  type TweakedKey,
} from './taproot.ts'
export {
  committeeThreshold,
  deriveCommittee,
  MAX_COMMITTEE_MEMBERS,
  MAX_SUBSET_MEMBERS,
  RECOVERY_CSV_BLOCKS,
  subsetLeafOf,
  subsetsOf,
  type Committee,
  type CommitteeLeaf,
  type CustodyTree,
} from './committee.ts'
export {
  commitScript,
  custodyKey,
  custodyOutput,
  DEPOSIT_KIND_PLAIN,
  depositAddress,
  depositCommitment,
  depositReturnScript,
  parseDepositReturn,
  plainAddress,
  reclaimScript,
  type CustodyOutput,
  type DepositAddress,
  type DepositParameters,
  type DepositReturn,
} from './deposit.ts'
export { buildReclaimTransaction } from './reclaim.ts'
export { taprootSighashes, type TaprootSighashes } from './sighash.ts'
export {
  BATCH_SEQUENCE,
  batchPrevouts,
  batchSighashes,
  batchVsize,
  buildBatchTransaction,
  CHANGE_SCRIPT_BYTES,
  CHECKPOINT_SCRIPT_BYTES,
  checkpointScript,
  coinControlBlock,
  coinTweak,
  keyPathWitness,
  parseCheckpointScript,
  subsetWitness,
  thresholdWitness,
  withWitnesses,
  type BatchCheckpoint,
  type BatchInput,
  type BatchPayout,
} from './batch.ts'
