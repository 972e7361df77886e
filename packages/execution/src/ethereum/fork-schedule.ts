import { Hardfork, type ChainConfig, type Common, type ParamsConfig } from '@ethereumjs/common'
import { createSharedCommon, type ForkSchedule } from '@hawser/chain'
import { AppError } from '@hawser/primitives'
import type { ExecutionError } from '../errors.ts'
import type { GethConfig } from './geth-genesis.ts'
import { kzg } from './kzg.ts'

/** Geth's name of a fork, or of the forks that one field switches on, and EthereumJS's. */
const BLOCK_FORKS = [
  ['homesteadBlock', Hardfork.Homestead],
  ['eip150Block', Hardfork.TangerineWhistle],
  ['eip158Block', Hardfork.SpuriousDragon],
  ['byzantiumBlock', Hardfork.Byzantium],
  ['constantinopleBlock', Hardfork.Constantinople],
  ['petersburgBlock', Hardfork.Petersburg],
  ['istanbulBlock', Hardfork.Istanbul],
  ['muirGlacierBlock', Hardfork.MuirGlacier],
  ['berlinBlock', Hardfork.Berlin],
  ['londonBlock', Hardfork.London],
  ['arrowGlacierBlock', Hardfork.ArrowGlacier],
  ['grayGlacierBlock', Hardfork.GrayGlacier],
] as const
const TIME_FORKS = [
  ['shanghaiTime', Hardfork.Shanghai],
  ['cancunTime', Hardfork.Cancun],
  ['pragueTime', Hardfork.Prague],
  ['osakaTime', Hardfork.Osaka],
  ['bpo1Time', Hardfork.Bpo1],
  ['bpo2Time', Hardfork.Bpo2],
  ['bpo3Time', Hardfork.Bpo3],
  ['bpo4Time', Hardfork.Bpo4],
  ['bpo5Time', Hardfork.Bpo5],
] as const

const GAS_PER_BLOB = 131_072 // EIP-4844

/** A fork that a timestamp switches on. */
export interface TimedFork {
  readonly name: string
  /** Unix seconds */
  readonly activationTime: bigint
  readonly common: Common
}

/** The forks of a plain Ethereum chain, from its Geth configuration: which rules a block has. */
export class EthereumForks {
  /** Ascending; a block's fork is the last one that is active. */
  readonly timed: readonly TimedFork[]
  readonly #byBlock: readonly { readonly number: bigint; readonly common: Common }[]
  readonly #paris: Common
  readonly #merges: boolean

  /** @throws GENESIS_INVALID when forks are out of order */
  constructor(config: GethConfig) {
    if (config.daoForkBlock != null)
      throw new AppError<ExecutionError>(
        { code: 'GENESIS_INVALID', fault: 'user' },
        'chains with the DAO fork are not supported',
      )
    const blocks = BLOCK_FORKS.flatMap(([field, name]) => (config[field] == null ? [] : [{ name, at: config[field] }]))
    const times = TIME_FORKS.flatMap(([field, name]) => (config[field] == null ? [] : [{ name, at: config[field] }]))
    for (const list of [blocks, times])
      for (const [i, { name, at }] of list.entries())
        if (i > 0 && at < (list[i - 1]?.at ?? 0n))
          throw new AppError<ExecutionError>(
            { code: 'GENESIS_INVALID', fault: 'user' },
            `the fork ${name} is out of order`,
          )
    this.#merges = config.terminalTotalDifficulty != null
    const chain: ChainConfig = {
      name: `chain-${config.chainId}`,
      chainId: config.chainId,
      defaultHardfork: Hardfork.Chainstart,
      genesis: { gasLimit: 0, difficulty: 0, nonce: '0x0000000000000000', extraData: '0x' },
      hardforks: [
        { name: Hardfork.Chainstart, block: 0 },
        ...blocks.map(({ name, at }) => ({ name, block: Number(at) })),
        // Where the merge lies is told by the blocks themselves: from it on their difficulty is 0.
        { name: Hardfork.Paris, block: null },
        ...times.map(({ name, at }) => ({ name, block: null, timestamp: at.toString() })),
      ],
      // A fork that changes blob parameters alone has no rules of its own: what the genesis file says replaces EthereumJS's.
      customHardforks: Object.fromEntries(
        times
          .filter(({ name }) => name.startsWith('bpo'))
          .map(({ name }) => [name, { eips: [], params: blobParameters(config, name) }]),
      ),
      bootstrapNodes: [],
      consensus: { type: 'pow', algorithm: 'ethash', ethash: {} },
      ...(config.depositContractAddress ? { depositContractAddress: config.depositContractAddress } : {}),
    }
    const common = (name: string) => {
      const shared = createSharedCommon(chain, name, { kzg })
      shared.updateParams(Object.fromEntries(times.map(({ name: fork }) => [fork, blobParameters(config, fork)])))
      return shared
    }
    this.#byBlock = [
      { number: 0n, common: common(Hardfork.Chainstart) },
      ...blocks.map(({ name, at }) => ({ number: at, common: common(name) })),
    ]
    this.#paris = common(Hardfork.Paris)
    this.timed = times.map(({ name, at }) => ({ name, activationTime: at, common: common(name) }))
  }

  readonly commonAt: ForkSchedule = ({ number, timestamp, difficulty }) => {
    if (this.#merges && difficulty === 0n)
      return this.timed.findLast((fork) => fork.activationTime <= timestamp)?.common ?? this.#paris
    return (this.#byBlock.findLast((fork) => fork.number <= number) as { common: Common }).common
  }
}

/** A fork's blob parameters as the genesis file gives them, in EthereumJS's names: it counts them in gas, from `bpo1` on in blobs. */
function blobParameters(config: GethConfig, name: string): ParamsConfig {
  const schedule = config.blobSchedule[name]
  if (!schedule) return {}
  const [target, max] = [Number(schedule.target), Number(schedule.max)]
  return {
    target,
    max,
    targetBlobGasPerBlock: target * GAS_PER_BLOB,
    maxBlobGasPerBlock: max * GAS_PER_BLOB,
    blobGasPriceUpdateFraction: Number(schedule.baseFeeUpdateFraction),
  }
}
