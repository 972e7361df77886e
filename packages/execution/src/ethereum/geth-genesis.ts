import { AppError, messageOf, type Address, type Hex } from '@hawser/primitives'
import * as v from 'valibot'
import type { ExecutionError } from '../errors.ts'

/** The longest genesis file, in bytes: mainnet's has some 700 kB. */
export const MAX_GENESIS_BYTES = 64 * 1024 * 1024

const MAX_256 = (1n << 256n) - 1n

/** A number as Geth's JSON has it: decimal, hex string, or number. */
const quantity = v.pipe(
  v.union([
    v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
    v.pipe(v.string(), v.regex(/^(0x[0-9a-fA-F]{1,64}|[0-9]{1,78})$/)),
  ]),
  v.transform((value) => BigInt(value)),
  v.check((value) => value <= MAX_256, 'more than 256 bits'),
)
const fork = v.optional(v.nullable(quantity))
const hex = (bytes?: number) =>
  v.pipe(
    v.string(),
    v.regex(
      bytes === undefined ? /^0x([0-9a-fA-F]{2})*$/ : new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`),
      'not hex of the right length',
    ),
    v.transform((value) => value.toLowerCase() as Hex),
  )
const bare = (value: string) => (value.startsWith('0x') ? value : `0x${value}`)
const address = v.pipe(v.string(), v.transform(bare), hex(20))
const word = v.pipe(
  v.string(),
  v.transform((value) => `0x${bare(value).slice(2).padStart(64, '0')}`),
  hex(32),
)

const blobParameters = v.object({ target: quantity, max: quantity, baseFeeUpdateFraction: quantity })

const configSchema = v.object({
  chainId: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  homesteadBlock: fork,
  daoForkBlock: fork,
  eip150Block: fork,
  eip155Block: fork,
  eip158Block: fork,
  byzantiumBlock: fork,
  constantinopleBlock: fork,
  petersburgBlock: fork,
  istanbulBlock: fork,
  muirGlacierBlock: fork,
  berlinBlock: fork,
  londonBlock: fork,
  arrowGlacierBlock: fork,
  grayGlacierBlock: fork,
  /** Changes no rule, but counts in the fork id (EIP-6122). */
  mergeNetsplitBlock: fork,
  shanghaiTime: fork,
  cancunTime: fork,
  pragueTime: fork,
  osakaTime: fork,
  bpo1Time: fork,
  bpo2Time: fork,
  bpo3Time: fork,
  bpo4Time: fork,
  bpo5Time: fork,
  terminalTotalDifficulty: fork,
  depositContractAddress: v.optional(address),
  blobSchedule: v.optional(v.record(v.string(), blobParameters), {}),
})

const accountSchema = v.object({
  balance: v.optional(quantity, '0'),
  nonce: v.optional(quantity, '0'),
  code: v.optional(hex(), '0x'),
  storage: v.optional(v.record(v.string(), v.string()), {}),
})

const genesisSchema = v.object({
  config: configSchema,
  alloc: v.record(v.string(), accountSchema),
  nonce: v.optional(quantity, '0'),
  timestamp: v.optional(quantity, '0'),
  extraData: v.optional(hex(), '0x'),
  gasLimit: quantity,
  difficulty: v.optional(quantity, '0'),
  mixHash: v.optional(hex(32), `0x${'00'.repeat(32)}`),
  coinbase: v.optional(address, `0x${'00'.repeat(20)}`),
  baseFeePerGas: v.optional(v.nullable(quantity)),
  excessBlobGas: v.optional(v.nullable(quantity)),
  blobGasUsed: v.optional(v.nullable(quantity)),
})

/** A chain's genesis as Geth writes it: forks, first header, accounts. */
export type GethGenesis = Omit<v.InferOutput<typeof genesisSchema>, 'alloc'> & {
  readonly alloc: readonly GethAccount[]
}
export type GethConfig = GethGenesis['config']

export interface GethAccount {
  readonly address: Address
  /** wei */
  readonly balance: bigint
  readonly nonce: bigint
  readonly code: Hex
  /** 32-byte keys and values */
  readonly storage: readonly (readonly [Hex, Hex])[]
}

/** @throws GENESIS_INVALID with the field that is wrong */
export function parseGethGenesis(text: string): GethGenesis {
  const wrong = (why: string, cause?: unknown) =>
    new AppError<ExecutionError>({ code: 'GENESIS_INVALID', fault: 'user' }, `the genesis file is not valid: ${why}`, {
      cause,
    })
  if (text.length > MAX_GENESIS_BYTES) throw wrong(`it is longer than ${MAX_GENESIS_BYTES} bytes`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw wrong(messageOf(cause), cause)
  }
  const read = <T extends v.GenericSchema>(schema: T, value: unknown, at: string): v.InferOutput<T> => {
    const result = v.safeParse(schema, value)
    if (result.success) return result.output
    const issue = result.issues[0]
    throw wrong(`${[at, v.getDotPath(issue) ?? ''].filter(Boolean).join('.')}: ${issue.message}`)
  }
  const { alloc, ...genesis } = read(genesisSchema, json, '')
  return {
    ...genesis,
    alloc: Object.entries(alloc).map(([name, { storage, ...account }]) => ({
      ...account,
      address: read(address, name, 'alloc') as Address,
      storage: Object.entries(storage).map(
        ([key, value]) =>
          [read(word, key, `alloc.${name}.storage`), read(word, value, `alloc.${name}.storage`)] as const,
      ),
    })),
  }
}
