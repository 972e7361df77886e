import { EthereumForks, parseGethGenesis } from '@hawser/execution'

/** Names of state tests, oldest first, and what each adds to a Geth configuration. */
const FORKS: readonly (readonly [names: readonly string[], fields: readonly string[]])[] = [
  [['Frontier'], []],
  [['Homestead'], ['homesteadBlock']],
  [['EIP150', 'TangerineWhistle'], ['eip150Block']],
  [
    ['EIP158', 'SpuriousDragon'],
    ['eip155Block', 'eip158Block'],
  ],
  [['Byzantium'], ['byzantiumBlock']],
  [['Constantinople'], ['constantinopleBlock']],
  [['ConstantinopleFix', 'Petersburg'], ['petersburgBlock']],
  [['Istanbul'], ['istanbulBlock']],
  [['MuirGlacier'], ['muirGlacierBlock']],
  [['Berlin'], ['berlinBlock']],
  [['London'], ['londonBlock']],
  [['ArrowGlacier'], ['arrowGlacierBlock']],
  [['GrayGlacier'], ['grayGlacierBlock']],
  [['Paris', 'Merge'], ['terminalTotalDifficulty']],
  [['Shanghai'], ['shanghaiTime']],
  [['Cancun'], ['cancunTime']],
  [['Prague'], ['pragueTime']],
  [['Osaka'], ['osakaTime']],
  [['BPO1'], ['bpo1Time']],
  [['BPO2'], ['bpo2Time']],
  [['BPO3'], ['bpo3Time']],
  [['BPO4'], ['bpo4Time']],
  [['BPO5'], ['bpo5Time']],
]
const MERGE = FORKS.findIndex(([names]) => names.includes('Paris'))
/** Rule sets that are kept: making one costs more than most tests. */
const MAX_RULES = 64

const rules = new Map<string, EthereumForks>()

export const FORK_NAMES: readonly string[] = FORKS.flatMap(([names]) => names)

/** Whether a fork's blocks have no difficulty any more. */
export function isMerged(fork: string): boolean {
  return indexOf(fork) >= MERGE
}

/** Blob parameters of forks as a test gives them, by the fork's name. */
export type BlobSchedule = Readonly<Record<string, unknown>>

/** A Geth configuration with every fork up to one from the first block on; undefined when the fork is not known here. */
export function configOf(fork: string, chainId: number, blobs: BlobSchedule = {}): object | undefined {
  const last = indexOf(fork)
  if (last === -1) return undefined
  const fields = FORKS.slice(0, last + 1).flatMap(([, added]) => added)
  return {
    chainId,
    ...Object.fromEntries(fields.map((field) => [field, 0])),
    blobSchedule: Object.fromEntries(Object.entries(blobs).map(([name, value]) => [name.toLowerCase(), value])),
  }
}

/** The rules of a configuration. @throws GENESIS_INVALID */
export function rulesOf(config: object): EthereumForks {
  const key = JSON.stringify(config)
  let forks = rules.get(key)
  if (!forks) {
    forks = new EthereumForks(parseGethGenesis(JSON.stringify({ config, alloc: {}, gasLimit: 1 })).config)
    if (rules.size >= MAX_RULES) rules.delete(rules.keys().next().value as string)
    rules.set(key, forks)
  }
  return forks
}

function indexOf(fork: string): number {
  return FORKS.findIndex(([names]) => names.includes(fork))
}
