import { deriveCommittee, RECOVERY_CSV_BLOCKS } from '@hawser/bitcoin'
import { parseChainSpec, type ChainSpec, type ValidatorSpec } from '@hawser/chain'
import { fromHex, toHex } from '@hawser/primitives'

export const DEVNET_CHAIN_ID = 18443

/** Bitcoin's regtest genesis header, 80 bytes (Bitcoin Core, chainparams). */
export const REGTEST_GENESIS_HEADER =
  '0x0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000'

/** The devnet's chain spec: the bracketed values of protocol.md, on Bitcoin regtest from its genesis block. */
export function devnetSpec(options: {
  readonly genesisTime: number
  readonly validators: readonly ValidatorSpec[]
}): ChainSpec {
  const validators = [...options.validators].sort((a, b) => (BigInt(a.session) < BigInt(b.session) ? -1 : 1))
  const committee = deriveCommittee({
    bitcoinKeys: validators.map((validator) => fromHex(validator.bitcoinKey)),
    managementKeys: validators.map((validator) => fromHex(validator.managementKey)),
  })
  const spec: ChainSpec = {
    version: 1,
    name: 'devnet',
    chainId: DEVNET_CHAIN_ID,
    gasToken: 'BTC',
    modules: [],
    genesisTime: options.genesisTime,
    slotSeconds: 1,
    epochBlocks: 20,
    gasLimits: [{ fromBlock: 0, gasLimit: 30_000_000 }],
    minBaseFeeWei: 1_000_000,
    parent: {
      network: 'regtest',
      checkpoint: {
        height: 0,
        header: REGTEST_GENESIS_HEADER,
        chainWork: '2',
        periodStartTime: 1_296_688_602,
        periodBits: 0x207fffff,
        previousTimes: [],
      },
      maxFutureSeconds: 7_200,
      maxReorgSteps: 200,
      maxHeadersPerBlock: 144,
    },
    validators,
    committee: {
      internalKey: toHex(committee.internalKey),
      root: toHex(committee.root),
      inputWeight: committee.inputWeight,
    },
    bridge: {
      minDepositSats: 10_000,
      depositFeeSats: 0,
      sweepFeeSats: 1_000,
      depositConfirmations: 1,
      reclaimCsvBlocks: 144,
      reclaimMinBlocksLeft: 72,
      sweepAfterBlocks: 4,
      minWithdrawalSats: 10_000,
      minMaxFeeSats: 500,
      batchWaitSeconds: 10,
      batchMinRequests: 1,
      maxBatchRequests: 50,
      maxBatchInputs: 50,
      maxBatchesInFlight: 8,
      feeRungs: [2],
      changeReserveSats: 10_000,
      failConfirmations: 1,
      anchorSpentConfirmations: 100,
      oldCommitteeBlocks: 100,
      maxQueueScan: 200,
      payoutGas: 10_000,
      payoutMinGasLeft: 20_000,
    },
    feePool: { reserveSats: 100_000, pointsPerBlock: 1 },
    custody: { keyPathWaitMs: 3_000, attemptMs: 10_000, recoveryCsvBlocks: RECOVERY_CSV_BLOCKS },
    upgrades: [],
  }
  return parseChainSpec(JSON.stringify(spec))
}
