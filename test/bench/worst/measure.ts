import { buildEthereumGenesis, EthereumEngine, EthereumForks, parseGethGenesis } from '@hawser/execution'
import { toHex, uintBE, type Address } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { BIG_CODE, BIG_CODE_ACCOUNT, STOP_ACCOUNT, type WorstCase } from './cases.ts'

/** EIP-7825: what one transaction may burn. */
export const TRANSACTION_GAS = 1n << 24n
const FIRST_CASE = 0xca5e000000000000000000000000000000000000n
/** Where a case takes longer than this with an eighth of the gas, the rest is not run: the rate is clear. */
const LONG_MS = 1_000

export interface Rate {
  readonly name: string
  readonly mgasPerSecond: number
  /** Of one transaction of 2^24 gas. */
  readonly transactionMs: number
}

const addressOf = (value: bigint): Address => toHex(uintBE(value, 20)) as Address

/** An engine at the newest fork with one account for each case. */
export async function prepare(
  cases: readonly WorstCase[],
): Promise<(index: number, gas: bigint) => Promise<{ readonly ms: number; readonly gas: bigint }>> {
  const forks = [
    'homestead',
    'eip150',
    'eip155',
    'eip158',
    'byzantium',
    'constantinople',
    'petersburg',
    'istanbul',
    'berlin',
    'london',
  ]
  const account = (code: Uint8Array) => ({ balance: '1000000000000000000', code: toHex(code) })
  const genesis = parseGethGenesis(
    JSON.stringify({
      config: {
        chainId: 18443,
        ...Object.fromEntries(forks.map((fork) => [`${fork}Block`, 0])),
        terminalTotalDifficulty: 0,
        shanghaiTime: 0,
        cancunTime: 0,
        pragueTime: 0,
        osakaTime: 0,
      },
      gasLimit: '0x3b9aca00',
      alloc: {
        [addressOf(BIG_CODE_ACCOUNT)]: account(BIG_CODE),
        [addressOf(STOP_ACCOUNT)]: account(Uint8Array.of(0)),
        ...Object.fromEntries(cases.map(({ code }, i) => [addressOf(FIRST_CASE + BigInt(i)), account(code)])),
      },
    }),
  )
  const { commonAt } = new EthereumForks(genesis.config)
  const { block, state } = await buildEthereumGenesis(genesis, commonAt)
  const store = new MemoryStore()
  await store.write(state)
  const engine = new EthereumEngine({ store, commonAt, headerOf: () => undefined })
  return async (index, gas) => {
    const began = performance.now()
    const outcome = await engine.call(block.header, {
      to: addressOf(FIRST_CASE + BigInt(index)),
      data: cases[index]?.callData,
      gas,
    })
    return { ms: performance.now() - began, gas: outcome.gasUsed }
  }
}

/** Burns a transaction's gas in a case. */
export async function measure(run: Awaited<ReturnType<typeof prepare>>, index: number, name: string): Promise<Rate> {
  const trial = await run(index, TRANSACTION_GAS / 8n)
  const result = trial.ms > LONG_MS ? trial : await run(index, TRANSACTION_GAS)
  const mgasPerSecond = Number(result.gas) / 1e3 / result.ms
  return { name, mgasPerSecond, transactionMs: Number(TRANSACTION_GAS) / 1e3 / mgasPerSecond }
}
