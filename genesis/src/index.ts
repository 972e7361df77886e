export { buildGenesis, genesisAccounts, type Genesis } from './genesis-block.ts'
export { DEVNET_CHAIN_ID, devnetSpec, REGTEST_GENESIS_HEADER } from './devnet-spec.ts'
export { committeeOf, SUPPLY_WEI } from './system-contract-code.ts'
export type { GenesisError } from './errors.ts'
