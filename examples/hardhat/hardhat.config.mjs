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
      url: process.env.HAWSER_RPC_URL ?? 'http://127.0.0.1:8545',
      // The devnet's mnemonic; its third account.
      accounts: { mnemonic: 'test test test test test test test test test test test junk', initialIndex: 2, count: 1 },
    },
  },
})
