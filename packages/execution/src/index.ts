export { HawserEngine, type HawserEngineParts } from './hawser-engine.ts'
export type { ExecutionError } from './errors.ts'
export { buildGenesisState, type GenesisAccount } from './genesis-state.ts'
