import { createBlockHeader, type BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { RLP } from '@ethereumjs/rlp'
import { createAddressFromString } from '@ethereumjs/util'
import type { Log } from '@hawser/chain'
import { parseGethGenesis } from '@hawser/execution'
import { runLoneTransaction } from '@hawser/execution/testing'
import { fromHex, keccak256, messageOf, toHex, uintBE, utf8, type Hash32 } from '@hawser/primitives'
import { configOf, isMerged, rulesOf } from './forks.ts'
import type { StateTest, StateTestPost } from './state-test-file.ts'
import { MalformedTest, transactionOf } from './transaction-of.ts'

/** What came of one entry of a test's `post`. */
export type StateTestResult =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly why: string }
  /** A fork that is not known here. */
  | { readonly kind: 'skipped' }

/** Base fee of a test of London or later that names none, as in Geth's runner. */
const DEFAULT_BASE_FEE = 10n

/** Runs one entry of a test on this engine and compares state root and logs. */
export async function runStateTest(test: StateTest, fork: string, post: StateTestPost): Promise<StateTestResult> {
  const config = configOf(fork, Number(test.config?.chainid ?? 1n), test.config?.blobSchedule)
  if (config === undefined) return { kind: 'skipped' }
  const failed = (why: string) => ({ kind: 'failed', why }) as const
  try {
    const difficulty = isMerged(fork) ? 0n : (test.env.currentDifficulty ?? 0n)
    // Its accounts are the state; its header is nobody's.
    const genesis = parseGethGenesis(
      JSON.stringify({ config, alloc: test.pre, gasLimit: 1, difficulty: `${difficulty}` }),
    )
    const { commonAt } = rulesOf(config)
    const header = headerOf(test.env, commonAt({ number: 0n, timestamp: 0n, difficulty }), difficulty)
    let tx
    let unmade: unknown
    try {
      tx = transactionOf(test.transaction, post, header.common)
    } catch (error) {
      if (error instanceof MalformedTest) throw error
      unmade = error
    }
    const outcome = await runLoneTransaction({ genesis, commonAt, header, tx, hashes: hashOfNumber })
    const refused = unmade ?? outcome.refused
    const { expectException } = post
    if (refused !== undefined && expectException === undefined)
      return failed(`the transaction was refused: ${messageOf(refused)}`)
    if (refused === undefined && expectException !== undefined) return failed(`it ran; expected was ${expectException}`)
    // Whether a transaction that is refused leaves a coinbase behind before EIP-161 depends on the age of the test's filler.
    if (refused !== undefined && outcome.firstRoot === post.hash) return { kind: 'passed' }
    if (outcome.stateRoot !== post.hash) return failed(`state root ${outcome.stateRoot}, expected was ${post.hash}`)
    const logs = hashOfLogs(outcome.logs)
    if (post.logs !== undefined && logs !== post.logs) return failed(`hash of logs ${logs}, expected was ${post.logs}`)
    return { kind: 'passed' }
  } catch (error) {
    return failed(messageOf(error))
  }
}

/** The block that a test's transaction stands in. */
export function headerOf(env: StateTest['env'], common: Common, difficulty: bigint): BlockHeader {
  return createBlockHeader(
    {
      coinbase: createAddressFromString(env.currentCoinbase),
      gasLimit: env.currentGasLimit,
      number: env.currentNumber,
      timestamp: env.currentTimestamp,
      difficulty,
      ...(difficulty === 0n ? { mixHash: uintBE(env.currentRandom ?? 0n, 32) } : {}),
      ...(common.isActivatedEIP(1559) ? { baseFeePerGas: env.currentBaseFee ?? DEFAULT_BASE_FEE } : {}),
      ...(common.isActivatedEIP(4844) ? { excessBlobGas: env.currentExcessBlobGas ?? 0n, blobGasUsed: 0n } : {}),
    },
    { common, setHardfork: false, freeze: false, skipConsensusFormatValidation: true },
  )
}

/** In state tests a block's hash is that of its number's decimal digits. */
export function hashOfNumber(number: bigint): Hash32 {
  return toHex(keccak256(utf8(number.toString()))) as Hash32
}

export function hashOfLogs(logs: readonly Log[]): string {
  return toHex(
    keccak256(
      RLP.encode(logs.map(({ address, topics, data }) => [fromHex(address), topics.map((t) => fromHex(t)), data])),
    ),
  )
}
