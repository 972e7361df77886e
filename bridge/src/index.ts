export { BridgeService, type BridgeServiceParts } from './bridge-service.ts'
export type { BridgeError, BridgeErrorCode, BridgeErrorInfo } from './errors.ts'
