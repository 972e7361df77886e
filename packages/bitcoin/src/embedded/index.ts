export {
  EmbeddedChain,
  MAX_MINED_AT_ONCE,
  type Coin,
  type EmbeddedBlock,
  type EmbeddedChainOptions,
} from './embedded-chain.ts'
export { type MempoolVerdict } from './mempool-policy.ts'
export { type MempoolEntry } from './mempool.ts'
export { checkScripts } from './script-check.ts'
export { MAX_RPC_BODY_BYTES, serveEmbeddedRpc, type EmbeddedRpcOptions, type EmbeddedRpcServer } from './rpc-server.ts'
