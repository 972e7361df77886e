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
