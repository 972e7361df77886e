/** What needs Node itself: the logger's sink and the native signature library. */
export { createLogger, type LogLevel } from './node-logger.ts'
export {
  nativeAddonFile,
  publicKeyToAddress,
  recoverAddress,
  recoverPublicKey,
  secp256k1,
  type Secp256k1,
} from './secp256k1.ts'
