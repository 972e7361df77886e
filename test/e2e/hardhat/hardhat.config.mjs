import { createRequire } from 'node:module'
import { defineConfig } from 'hardhat/config'

export default defineConfig({
  solidity: {
    version: '0.8.37',
    // npm's solc: no other compiler is downloaded.
    path: createRequire(import.meta.url).resolve('solc/soljson.js'),
    settings: { evmVersion: 'osaka' },
  },
  networks: {
    hawser: {
      type: 'http',
      chainType: 'l1',
      url: process.env.HAWSER_RPC_URL,
      accounts: [process.env.HAWSER_PRIVATE_KEY],
    },
    // Hardhat's own node, for the benchmark.
    peer: {
      type: 'edr-simulated',
      chainType: 'l1',
      chainId: 18443,
      blockGasLimit: Number(process.env.HAWSER_PEER_GAS_LIMIT ?? 30_000_000),
      mining: { auto: false, interval: 1000 },
      accounts: {
        mnemonic: 'test test test test test test test test test test test junk',
        count: Number(process.env.HAWSER_PEER_ACCOUNTS ?? 20),
      },
    },
  },
})
