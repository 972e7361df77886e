export { fastCurve } from './native-curve.ts'
export { verifySchnorr } from './schnorr.ts'
export { generateNonce, PUBLIC_NONCE_BYTES, SecretNonce, type NoncePair } from './secret-nonce.ts'
export {
  aggregateNonces,
  createSession,
  keyAggContext,
  type KeyAggContext,
  type MusigSession,
  type MusigTweak,
} from './session.ts'
