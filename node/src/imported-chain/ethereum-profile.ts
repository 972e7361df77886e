import { paramsBlock, type BlockHeader } from '@ethereumjs/block'
import type { EthereumForks, GethGenesis } from '@hawser/execution'
import type { Address, Hash32 } from '@hawser/primitives'
import type { ChainProfile } from '@hawser/rpc'
import { forkId } from '../fork-id.ts'

/** 1 gwei, as Geth has it where it knows nothing better. */
const SUGGESTED_TIP_WEI = 1_000_000_000n
const SLOT_SECONDS = 12n
const GAS_PER_BLOB = 131_072 // EIP-4844

/** A plain Ethereum chain as JSON-RPC describes it. */
export function ethereumProfile(genesis: GethGenesis, forks: EthereumForks, genesisHash: Hash32): ChainProfile {
  const { config } = genesis
  const changes = forkPoints(genesis)
  // EthereumJS adds a fork's block parameters when its first header is made; they are asked for before that.
  for (const { common } of forks.timed) common.updateParams(paramsBlock)
  /** The rules of the block after this one. */
  const next = ({ number, timestamp, difficulty }: BlockHeader) =>
    forks.commonAt({ number: number + 1n, timestamp: timestamp + SLOT_SECONDS, difficulty })
  return {
    chainId: BigInt(config.chainId),
    nextBaseFee: (header) => {
      if (header.common.isActivatedEIP(1559)) return header.calcNextBaseFee()
      const common = next(header)
      return common.isActivatedEIP(1559) ? common.param('initialBaseFee') : undefined
    },
    nextBlobBaseFee: (header) => {
      const common = next(header)
      return common.isActivatedEIP(4844) && header.common.isActivatedEIP(4844)
        ? header.calcNextBlobGasPrice(common)
        : undefined
    },
    suggestedTip: () => SUGGESTED_TIP_WEI,
    blobs: true,
    forks: forks.timed
      .filter(({ common }) => common.isActivatedEIP(4844))
      .map(({ activationTime, common }) => ({
        activationTime,
        common,
        forkId: forkId(genesisHash, [
          ...changes.blocks,
          ...changes.times.filter((time) => time > genesis.timestamp && time <= activationTime),
        ]),
        blobSchedule: {
          target: Number(common.param('targetBlobGasPerBlock')) / GAS_PER_BLOB,
          max: Number(common.param('maxBlobGasPerBlock')) / GAS_PER_BLOB,
          baseFeeUpdateFraction: Number(common.param('blobGasPriceUpdateFraction')),
        },
      })),
    systemContracts: (common) => ({
      BEACON_ROOTS_ADDRESS: '0x000f3df6d732807ef1319fb7b8bb8522d0beac02' as Address,
      ...(common.isActivatedEIP(7685)
        ? {
            CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS: '0x0000bbddc7ce488642fb579f8b00f3a590007251' as Address,
            ...(config.depositContractAddress
              ? { DEPOSIT_CONTRACT_ADDRESS: config.depositContractAddress as Address }
              : {}),
            HISTORY_STORAGE_ADDRESS: '0x0000f90827f1c53a10cb7a02335b175320002935' as Address,
            WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS: '0x00000961ef480eb55e80d19ad83579a64c007002' as Address,
          }
        : {}),
    }),
  }
}

/** The numbers and times at which the chain's rules change, each once and ascending; those of the genesis block left out. */
function forkPoints({ config }: GethGenesis): {
  readonly blocks: readonly bigint[]
  readonly times: readonly bigint[]
} {
  const points = (ending: string) => {
    const found = Object.entries(config).flatMap(([name, value]) =>
      name.endsWith(ending) && typeof value === 'bigint' && value > 0n ? [value] : [],
    )
    return [...new Set(found)].sort((a, b) => (a < b ? -1 : 1))
  }
  return { blocks: points('Block'), times: points('Time') }
}
