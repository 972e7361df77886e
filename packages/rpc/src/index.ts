export { RpcServer, type RpcServerOptions } from './rpc-server.ts'
export type { RpcBackend } from './backend.ts'
export { RpcCode, RpcError } from './errors.ts'
export { MAX_BATCH, MAX_BODY_BYTES } from './limits.ts'
