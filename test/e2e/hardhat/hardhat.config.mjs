import { createRequire } from 'node:module'
import testRunner from '@nomicfoundation/hardhat-node-test-runner'
import { defineConfig } from 'hardhat/config'

export default defineConfig({
  plugins: [testRunner],
  solidity: {
    version: '0.8.37',
    // npm's solc: no other compiler is downloaded.
    path: createRequire(import.meta.url).resolve('solc/soljson.js'),
    settings: { evmVersion: 'osaka' },
  },
  // What Hardhat must be told of a chain that it does not know: by which rules to run calls on blocks before the fork.
  chainDescriptors: {
    18443: { name: 'Hawser devnet', chainType: 'l1', hardforkHistory: { osaka: { blockNumber: 0 } } },
  },
  networks: {
    hawser: {
      type: 'http',
      chainType: 'l1',
      url: process.env.HAWSER_RPC_URL,
      accounts: [process.env.HAWSER_PRIVATE_KEY],
    },
    // Hardhat's own node on a fork of the devnet.
    fork: {
      type: 'edr-simulated',
      chainType: 'l1',
      chainId: 18443,
      // Not the devnet's accounts, to which Hardhat would give 10,000 coins each.
      accounts: { mnemonic: 'legal winner thank year wave sausage worth useful legal winner thank yellow' },
      // Without a number Hardhat forks 128 blocks below the head of a chain that it does not know.
      forking: {
        url: process.env.HAWSER_RPC_URL ?? 'http://127.0.0.1:8545',
        blockNumber: Number(process.env.HAWSER_FORK_BLOCK ?? 0),
      },
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
