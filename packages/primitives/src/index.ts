export {
  compareBytes,
  concatBytes,
  equalBytes,
  readUintBE,
  readUintLE,
  reverseBytes,
  uintBE,
  uintLE,
  utf8,
} from './bytes.ts'
export { fromHex, toHex, type Hex } from './hex.ts'
export {
  address,
  btcHash,
  btcHashFromDisplay,
  displayBtcHash,
  hash32,
  MAX_SATS,
  sats,
  wei,
  ZERO_ADDRESS,
  ZERO_HASH,
  type Address,
  type BtcHash,
  type Hash32,
  type Sats,
  type Wei,
} from './brands.ts'
export { formatBtc, parseBtc, SATS_PER_BTC, satsToWei, WEI_PER_SAT, weiToSats } from './units.ts'
export { AppError, invariant, isAppError, messageOf, type ErrorInfo, type Fault } from './errors.ts'
export { err, ok, type Result } from './result.ts'
export { delay, systemClock, type Clock } from './clock.ts'
export { BoundedQueue } from './queue.ts'
export { spawn } from './spawn.ts'
export { decodeRlp, type RlpItem } from './rlp.ts'
export { keccak256 } from './keccak.ts'
export { hash256, sha256, taggedHash } from './sha256.ts'
export { silentLogger, type Logger } from './logger.ts'
