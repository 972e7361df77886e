export type * from './ports.ts'
export type { ChainError } from './errors.ts'
export {
  blockHash,
  blockRef,
  decodeSealedBlock,
  encodeReceipt,
  encodeSealedBlock,
  logsBloom,
  MAX_BLOCK_BYTES,
  readHeaderFields,
  SEAL_BYTES,
  transactionsRoot,
  type ForkSchedule,
  type Log,
  type Receipt,
  type SealedBlock,
} from './block-types.ts'
export { Bloom } from './bloom.ts'
export { BlockImporter, type ImportOrigin, type ImportOutcome, type ImporterEvents } from './block-importer.ts'
export { BlockTree, type HeadChange } from './block-tree.ts'
export { checkBody, checkBodyOfHeader, countInherents, inherentGasCap, inherentRank } from './body-rules.ts'
export {
  bitcoinKeys,
  canonicalJson,
  chainSpecHash,
  gasLimitAt,
  MAX_SPEC_BYTES,
  parseChainSpec,
  sessionAddresses,
  type ChainSpec,
  type ValidatorSpec,
} from './chain-spec.ts'
export { StoredChain } from './chain-store.ts'
export { createCommon, createSharedCommon } from './common.ts'
export {
  checkHeader,
  EMPTY_OMMERS_HASH,
  EMPTY_REQUESTS_HASH,
  EMPTY_TRIE_ROOT,
  headerFromParent,
  nextBaseFee,
  nextMixHash,
  slotOf,
  slotTime,
} from './header-rules.ts'
export { orderedTrieRoot } from './ordered-trie.ts'
export {
  decodeTransaction,
  effectiveGasPrice,
  effectiveTip,
  encodedTransaction,
  isInherentShape,
  maxFeePerGas,
  MAX_TRANSACTION_BYTES,
  MAX_TRANSACTION_GAS,
  senderOf,
  transactionHash,
} from './transaction.ts'
export { upfrontCost } from './pool-rules.ts'
export { PoolJournal } from './pool-journal.ts'
export type { PoolAccount } from './sender-queue.ts'
export { TransactionPool } from './transaction-pool.ts'
export { TransactionPoolService, type TransactionPoolParts } from './transaction-pool-service.ts'
export { ValidatorSets, type ValidatorSet } from './validator-sets.ts'
export { encodeBranchNode, encodeExtensionNode, encodeLeafNode } from './trie-node-encoding.ts'
