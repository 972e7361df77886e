import { AppError, keccak256, toHex, utf8, type Address, type Hash32, type Hex } from '@hawser/primitives'
import * as v from 'valibot'

/**
 * Every constant that two nodes must agree on (protocol.md). Its canonical JSON is bound by the genesis block, whose
 * extraData is the JSON's keccak256. All numbers are JSON integers; what can pass 2^53 is a decimal string.
 */
const hex = (bytes: number, what: string) =>
  v.pipe(
    v.string(),
    v.regex(new RegExp(`^0x[0-9a-f]{${2 * bytes}}$`), `${what}: 0x and ${2 * bytes} lower-case hex digits`),
  )
const uint = (min = 0, max = Number.MAX_SAFE_INTEGER) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max))
const decimal = v.pipe(v.string(), v.regex(/^(0|[1-9]\d{0,77})$/, 'a decimal integer in a string'))

/** Blocks for which the history contract knows a hash. */
const EIP2935_WINDOW = 8_191

const validatorSchema = v.strictObject({
  /** Address of the session key: the validator's id in Aura and GRANDPA. */
  session: hex(20, 'session'),
  /** Where tips and rewards go. */
  beneficiary: hex(20, 'beneficiary'),
  /** 33-byte compressed public key, offline. */
  managementKey: hex(33, 'managementKey'),
  /** 33-byte compressed public key of MuSig2 custody. */
  bitcoinKey: hex(33, 'bitcoinKey'),
})

export const chainSpecSchema = v.strictObject({
  version: v.literal(1),
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/)),
  chainId: uint(1, 0xffff_ffff),
  gasToken: v.literal('BTC'),
  /** None exist yet. */
  modules: v.pipe(v.array(v.never()), v.maxLength(0)),
  /** Unix seconds, a multiple of slotSeconds. */
  genesisTime: uint(),
  slotSeconds: uint(1, 60),
  /**
   * Blocks of an epoch: the validator set is fixed within one. The end of the first one is the last time that `Validators` surely asks
   * EIP-2935 for the hash of block 0, which is there for 8,191 blocks: without it evidence of double votes is never taken.
   */
  epochBlocks: uint(1, EIP2935_WINDOW),
  /** header.gasLimit from a block number on, ascending; the first entry is for block 0. */
  gasLimits: v.pipe(
    v.array(v.strictObject({ fromBlock: uint(), gasLimit: uint(1_000_000, 1_000_000_000) })),
    v.minLength(1),
    v.maxLength(64),
  ),
  /** Wei per gas; the floor is also what the genesis block has. */
  minBaseFeeWei: uint(1, 1_000_000_000_000),
  /** The Bitcoin network that the chain is moored to, and where its light client begins. */
  parent: v.strictObject({
    network: v.picklist(['mainnet', 'testnet3', 'testnet4', 'signet', 'regtest']),
    checkpoint: v.strictObject({
      height: uint(0, 0xffff_ffff),
      /** 80 bytes. */
      header: hex(80, 'header'),
      /** Decimal; the work of the chain up to and with the checkpoint. */
      chainWork: decimal,
      /** Time of the first block of the checkpoint's retarget period, Unix seconds. */
      periodStartTime: uint(0, 0xffff_ffff),
      /** Compact target of the checkpoint's retarget period. */
      periodBits: uint(0, 0xffff_ffff),
      /** Times of the up to 10 blocks before the checkpoint, newest first: for the median. */
      previousTimes: v.pipe(v.array(uint(0, 0xffff_ffff)), v.maxLength(10)),
    }),
    /** Seconds that a header may be ahead of the block that brings it. */
    maxFutureSeconds: uint(0, 86_400),
    /** Heights that one call rewrites at most when the best chain changes. */
    maxReorgSteps: uint(1, 10_000),
    /** Headers that one submitHeaders inherent may carry. */
    maxHeadersPerBlock: uint(1, 144),
  }),
  validators: v.pipe(v.array(validatorSchema), v.minLength(1), v.maxLength(100)),
  /** The first custody committee, computed by the genesis builder and by each node again. */
  committee: v.strictObject({
    /** x-only BIP327 aggregate of the sorted bitcoin keys. */
    internalKey: hex(32, 'internalKey'),
    /** Merkle root of the custody tree. */
    root: hex(32, 'root'),
    /** Weight units of one input spent by its deepest subset leaf. */
    inputWeight: uint(1, 100_000),
  }),
  bridge: v.strictObject({
    minDepositSats: uint(1),
    depositFeeSats: uint(),
    /** What a reclaimable deposit pays for being moved on. */
    sweepFeeSats: uint(),
    depositConfirmations: uint(1, 1000),
    /** Relative timelock of the depositor's way out, in blocks. */
    reclaimCsvBlocks: uint(1, 65_535),
    /** A reclaimable output is credited only with at least so many blocks left. */
    reclaimMinBlocksLeft: uint(1, 65_535),
    /** A reclaimable coin older than this makes a sweep due. */
    sweepAfterBlocks: uint(1, 65_535),
    minWithdrawalSats: uint(546),
    minMaxFeeSats: uint(1),
    batchWaitSeconds: uint(1, 86_400),
    batchMinRequests: uint(1, 50),
    maxBatchRequests: uint(1, 50),
    maxBatchInputs: uint(1, 50),
    maxBatchesInFlight: uint(1, 64),
    /** sat/vB, ascending. */
    feeRungs: v.pipe(v.array(uint(1, 10_000)), v.minLength(1), v.maxLength(8)),
    changeReserveSats: uint(546),
    failConfirmations: uint(1, 1000),
    anchorSpentConfirmations: uint(1, 1000),
    /** Bitcoin blocks for which deposits to a replaced committee are still credited. */
    oldCommitteeBlocks: uint(1, 1_000_000),
    /** Queued requests that one formBatch looks at. */
    maxQueueScan: uint(1, 1000),
    /** Gas of the call that pays a deposit or refund out, and what must be left before it. */
    payoutGas: uint(2300, 1_000_000),
    payoutMinGasLeft: uint(2300, 10_000_000),
  }),
  feePool: v.strictObject({
    /** Kept back for sweeps and handovers. */
    reserveSats: uint(),
    pointsPerBlock: uint(1, 1_000_000),
  }),
  /** Signing policy that every committee member follows. */
  custody: v.strictObject({
    keyPathWaitMs: uint(100, 600_000),
    attemptMs: uint(500, 600_000),
    recoveryCsvBlocks: uint(1, 65_535),
  }),
  /** Code changes by block number; none yet. */
  upgrades: v.pipe(v.array(v.never()), v.maxLength(0)),
})

export type ChainSpec = v.InferOutput<typeof chainSpecSchema>
export type ValidatorSpec = v.InferOutput<typeof validatorSchema>

/** The longest chain spec file, in bytes: 100 validators take 35 kB. */
export const MAX_SPEC_BYTES = 256 * 1024

/**
 * Parses a chain spec's JSON and checks every field and what holds between fields.
 * @throws SPEC_INVALID with the path of the first wrong field
 */
export function parseChainSpec(json: string): ChainSpec {
  if (json.length > MAX_SPEC_BYTES) throw invalid(`longer than ${MAX_SPEC_BYTES} bytes`)
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw invalid('not JSON', cause)
  }
  const parsed = v.safeParse(chainSpecSchema, value)
  if (!parsed.success) {
    const issue = parsed.issues[0]
    throw invalid(`${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`)
  }
  const spec = parsed.output
  if (spec.genesisTime % spec.slotSeconds !== 0) throw invalid('genesisTime: not a multiple of slotSeconds')
  if (spec.gasLimits[0]?.fromBlock !== 0) throw invalid('gasLimits: the first entry must be for block 0')
  ascending(
    spec.gasLimits.map((entry) => entry.fromBlock),
    'gasLimits',
  )
  ascending(spec.bridge.feeRungs, 'bridge.feeRungs')
  ascending(
    spec.validators.map((validator) => BigInt(validator.session)),
    'validators (by session address)',
  )
  if (new Set(spec.validators.map((validator) => validator.bitcoinKey)).size !== spec.validators.length)
    throw invalid('validators: a bitcoin key stands twice')
  return spec
}

function ascending(values: readonly (number | bigint)[], what: string): void {
  for (let i = 1; i < values.length; i++)
    if ((values[i - 1] as number | bigint) >= (values[i] as number | bigint))
      throw invalid(`${what}: not strictly ascending`)
}

function invalid(why: string, cause?: unknown): AppError {
  return new AppError({ code: 'SPEC_INVALID', fault: 'user' }, `the chain spec is not valid: ${why}`, { cause })
}

/** The canonical JSON: object keys in order of their code units, no white space. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`)
      .join(',')}}`
  return JSON.stringify(value)
}

/** What the genesis block's extraData holds. */
export function chainSpecHash(spec: ChainSpec): Hash32 {
  return toHex(keccak256(utf8(canonicalJson(spec)))) as Hash32
}

/** header.gasLimit at a block number. */
export function gasLimitAt(spec: ChainSpec, number: bigint): bigint {
  const entry = spec.gasLimits.findLast((candidate) => BigInt(candidate.fromBlock) <= number)
  return BigInt(entry?.gasLimit ?? 0)
}

/** The session addresses in set order. */
export function sessionAddresses(spec: ChainSpec): readonly Address[] {
  return spec.validators.map((validator) => validator.session as Address)
}

/** The custody keys in the spec's order, 33 bytes each as hex. */
export function bitcoinKeys(spec: ChainSpec): readonly Hex[] {
  return spec.validators.map((validator) => validator.bitcoinKey as Hex)
}
