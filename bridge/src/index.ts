export { BridgeService, type BridgeServiceParts } from './bridge-service.ts'
export type { BridgeError, BridgeErrorCode, BridgeErrorInfo } from './errors.ts'
export type { SigningPolicy } from './policy.ts'
