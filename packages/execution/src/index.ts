export { EthereumJsEngine, type EngineParts } from './engine.ts'
export type { ExecutionError } from './errors.ts'
export { buildGenesisState, type GenesisAccount } from './genesis-state.ts'
