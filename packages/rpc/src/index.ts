export type { BlockBuilder, ChainProfile, ForkProfile, RpcBackend, SetInOffice, ValidatorSetBook } from './backend.ts'
export { RpcCode, RpcError } from './errors.ts'
export { DEFAULT_LIMITS, type RpcLimits } from './limits.ts'
export {
  DEFAULT_API,
  DEFAULT_CORS_ORIGINS,
  DEFAULT_VHOSTS,
  NAMESPACES,
  parseApi,
  type Namespace,
  type RpcServerOptions,
} from './options.ts'
export { RpcServer } from './rpc-server.ts'
