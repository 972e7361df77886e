export {
  configSchema,
  DEFAULT_HISTORY,
  HISTORY_BOUNDS,
  readConfig,
  type ConfigOverrides,
  type NodeConfig,
} from './config.ts'
export {
  defaultLimit,
  isHostName,
  isOrigin,
  limitFlag,
  RPC_LIMIT_NAMES,
  RPC_LIMIT_SETTINGS,
  rpcServerOptions,
  type LimitSetting,
  type RpcConfig,
} from './rpc-config.ts'
export { beginAtState, type BeginAtStateParts } from './begin-at-state.ts'
export { hawserProfile } from './hawser-profile.ts'
export {
  CLIENT_VERSION,
  createNode,
  type HawserNode,
  type NodeDependencies,
  type NodeMakes,
  type NodeStatus,
  type NodeTransport,
  type SessionSigner,
} from './create-node.ts'
export { Devnet, DEVNET_VALIDATORS, findDevnet, type DevnetAccess, type DevnetOptions } from './devnet/devnet.ts'
export { DEV_MNEMONIC, DEV_WALLET_SEED, devAccounts, devValidatorKeys, validatorSpecOf } from './devnet/dev-keys.ts'
export { freePort } from './devnet/free-port.ts'
export { accessFromUrl, findBitcoind, openSource, type L1Access, type L1Choice } from './devnet/devnet-l1.ts'
export { ValidatorProcess, type ReadyMessage } from './devnet/validator-process.ts'
export { encryptKey, readKeyFile, writeKeyFile } from './key-file.ts'
export { writeResumeRequest } from './resume-request.ts'
export { runNode, type RunNodeOptions } from './run-node.ts'
export type { NodeError } from './errors.ts'
export { runImportChain, type ImportChainOptions, type ImportChainResult } from './imported-chain/run-import-chain.ts'
export { ImportedChain } from './imported-chain/imported-chain.ts'
export { importedChainBackend } from './imported-chain/rpc-backend.ts'
export { NAMESPACES, parseApi, type Namespace } from '@hawser/rpc'
