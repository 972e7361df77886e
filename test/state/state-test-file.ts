import { readFileSync, statSync } from 'node:fs'
import { messageOf } from '@hawser/primitives'
import * as v from 'valibot'

/** The longest file of tests, in bytes: the largest public ones have some 40 MB. */
export const MAX_FILE_BYTES = 128 * 1024 * 1024
const MAX_256 = (1n << 256n) - 1n
/** Fields that are too large on purpose are tests, too. */
const MAX_QUANTITY_CHARS = 200

const withPrefix = (text: string) => (/^0x/.test(text) ? text : `0x${text}`)
const quantity = v.pipe(
  v.string(),
  v.maxLength(MAX_QUANTITY_CHARS),
  v.regex(/^(0x[0-9a-fA-F]*|[0-9]+)$/, 'no number'),
  v.transform((text) => (text === '0x' ? 0n : BigInt(text))),
)
const word = v.pipe(quantity, v.maxValue(MAX_256, 'more than 256 bits'))
const bytes = v.pipe(
  v.string(),
  v.transform(withPrefix),
  v.regex(/^0x([0-9a-fA-F]{2})*$/, 'no bytes in hex'),
  v.transform((text) => text.toLowerCase() as `0x${string}`),
)
const address = v.pipe(bytes, v.length(42, 'no address of 20 bytes'))
const hash = v.pipe(bytes, v.length(66, 'no hash of 32 bytes'))

/** Old fillers leave leading zeros out. */
const storageKey = v.pipe(
  bytes,
  v.maxLength(66, 'more than 32 bytes'),
  v.transform((text) => `0x${text.slice(2).padStart(64, '0')}` as const),
)
const accessList = v.array(v.object({ address, storageKeys: v.array(storageKey) }))

const authorization = v.object({
  chainId: quantity,
  address,
  nonce: quantity,
  v: v.optional(quantity),
  yParity: v.optional(quantity),
  r: quantity,
  s: quantity,
})

const transaction = v.object({
  data: v.array(bytes),
  gasLimit: v.array(quantity),
  value: v.array(v.string()),
  nonce: quantity,
  to: v.optional(v.union([v.literal(''), v.literal('0x'), address]), ''),
  secretKey: v.optional(hash),
  sender: v.optional(address),
  gasPrice: v.optional(quantity),
  maxFeePerGas: v.optional(quantity),
  maxPriorityFeePerGas: v.optional(quantity),
  accessLists: v.optional(v.array(v.nullable(accessList))),
  maxFeePerBlobGas: v.optional(quantity),
  blobVersionedHashes: v.optional(v.array(hash)),
  authorizationList: v.optional(v.array(authorization)),
})

const index = v.pipe(v.number(), v.integer(), v.minValue(0))
const post = v.object({
  indexes: v.object({ data: index, gas: index, value: index }),
  hash,
  logs: v.optional(hash),
  txbytes: v.optional(bytes),
  expectException: v.optional(v.string()),
})

const env = v.object({
  currentCoinbase: address,
  currentGasLimit: quantity,
  currentNumber: quantity,
  currentTimestamp: quantity,
  currentDifficulty: v.optional(word),
  currentRandom: v.optional(word),
  currentBaseFee: v.optional(word),
  currentExcessBlobGas: v.optional(word),
})

const stateTest = v.object({
  env,
  // Read by the genesis that it becomes.
  pre: v.record(v.string(), v.unknown()),
  transaction,
  post: v.record(v.string(), v.array(post)),
  config: v.optional(
    v.object({ chainid: v.optional(quantity), blobSchedule: v.optional(v.record(v.string(), v.unknown())) }),
  ),
})

export type StateTest = v.InferOutput<typeof stateTest>
export type StateTestTransaction = StateTest['transaction']
export type StateTestPost = v.InferOutput<typeof post>

/** The state tests of one file, by name. @throws Error that says what is wrong with it, and where */
export function readStateTests(file: string): ReadonlyMap<string, StateTest> {
  let json: unknown
  try {
    const { size } = statSync(file)
    if (size > MAX_FILE_BYTES) throw new Error(`it is longer than ${MAX_FILE_BYTES} bytes`)
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Error(`cannot be read: ${messageOf(cause)}`, { cause })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new Error('is no file of state tests: an object with a test for each name is wanted')
  return new Map(
    Object.entries(json)
      // What old fillers write beside the tests.
      .filter(([name]) => name !== '_info')
      .map(([name, value]) => {
        const parsed = v.safeParse(stateTest, value)
        if (parsed.success) return [name, parsed.output]
        const issue = parsed.issues[0]
        throw new Error(`is no state test: ${name.slice(0, 200)}: ${v.getDotPath(issue) ?? ''}: ${issue.message}`)
      }),
  )
}
