import { createBlockHeader, type BlockHeader } from '@ethereumjs/block'
import { createEVM } from '@ethereumjs/evm'
import { MerkleStateManager } from '@ethereumjs/statemanager'
import { createAccount, createAddressFromString } from '@ethereumjs/util'
import { createVM, runTx, type RunTxOpts } from '@ethereumjs/vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EMPTY_REQUESTS_HASH, EMPTY_TRIE_ROOT, type BlockRef } from '@hawser/chain'
import { fromHex, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { EthereumBlockRun } from './ethereum/ethereum-block-run.ts'
import { EthereumEngine } from './ethereum/ethereum-engine.ts'
import { buildEthereumGenesis } from './ethereum/ethereum-genesis.ts'
import { EthereumForks } from './ethereum/fork-schedule.ts'
import { parseGethGenesis } from './ethereum/geth-genesis.ts'
import { RandomTransactions, senderAddress } from './testing/random-transactions.ts'

const BLOCK_FORKS = [
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
const TIME_FORKS = ['shanghai', 'cancun', 'prague', 'osaka']
const COINBASE = createAddressFromString('0xc0ffee0000000000000000000000000000000000')

/** A Geth genesis file with all forks up to one from the start, and rich senders. */
function genesisOf(newest: string): string {
  const merged = TIME_FORKS.includes(newest)
  const blocks = merged ? BLOCK_FORKS : BLOCK_FORKS.slice(0, BLOCK_FORKS.indexOf(newest) + 1)
  const times = merged ? TIME_FORKS.slice(0, TIME_FORKS.indexOf(newest) + 1) : []
  const config = {
    chainId: 1337,
    ...Object.fromEntries(blocks.map((fork) => [`${fork}Block`, 0])),
    ...Object.fromEntries(times.map((fork) => [`${fork}Time`, 0])),
    ...(merged ? { terminalTotalDifficulty: 0 } : {}),
  }
  const alloc = Object.fromEntries([0, 1, 2, 3, 4].map((n) => [senderAddress(n), { balance: '1000000000000000000' }]))
  return JSON.stringify({ config, alloc, gasLimit: 30_000_000, difficulty: merged ? 0 : 131_072 })
}

/** Runs the same random blocks here and on EthereumJS with its own state manager, and compares whatever can be seen. */
async function compareRuns(fork: string, seed: number): Promise<void> {
  const genesis = parseGethGenesis(genesisOf(fork))
  const forks = new EthereumForks(genesis.config)
  const { block, state } = await buildEthereumGenesis(genesis, forks.commonAt)
  const { common } = block.header
  const store = new MemoryStore()
  await store.write(state)
  const headers = new Map<Hash32, BlockHeader>()
  const engine = new EthereumEngine({
    store,
    headerOf: (hash) => headers.get(hash),
    commonAt: forks.commonAt,
    history: 2,
  })

  const trusted = new MerkleStateManager({ common })
  const evm = await createEVM({ common, stateManager: trusted })
  const vm = await createVM({ common, stateManager: trusted, evm })
  for (const { address, balance } of genesis.alloc)
    await trusted.putAccount(createAddressFromString(address), createAccount({ balance }))
  expect(toHex(block.header.stateRoot)).toBe(toHex(await trusted.getStateRoot()))

  const random = new RandomTransactions(seed, common)
  let parent = block.header
  let final = 0n
  for (let number = 1n; number <= 4n; number++) {
    // An author may be a sender too.
    const coinbase = number % 2n === 0n ? createAddressFromString(senderAddress(0)) : COINBASE
    const fields = {
      number,
      parentHash: parent.hash(),
      timestamp: parent.timestamp + 12n,
      gasLimit: 30_000_000n,
      coinbase,
      difficulty: block.header.difficulty,
      ...(common.isActivatedEIP(1559) ? { baseFeePerGas: 7n } : {}),
      ...(common.isActivatedEIP(4895) ? { withdrawalsRoot: fromHex(EMPTY_TRIE_ROOT) } : {}),
      ...(common.isActivatedEIP(4844) ? { blobGasUsed: 0n, excessBlobGas: 0n } : {}),
      ...(common.isActivatedEIP(7685) ? { requestsHash: fromHex(EMPTY_REQUESTS_HASH) } : {}),
    }
    const options = { common, setHardfork: false, freeze: false, skipConsensusFormatValidation: true } as const
    const header = createBlockHeader(fields, options)
    const machine = await engine.machine(parent, common)
    const run = new EthereumBlockRun(machine, { header, uncleHeaders: [], withdrawals: [] })
    await run.begin()
    for (let count = 0; count < 12; count++) {
      random.follow(
        await Promise.all(
          random.senders.map(
            async (sender) => (await trusted.getAccount(createAddressFromString(sender)))?.nonce ?? 0n,
          ),
        ),
      )
      const tx = random.next(header.baseFeePerGas ?? 1n)
      const at = `seed ${seed}, block ${number}, transaction ${count}`
      const expected = await runTx(vm, {
        tx,
        block: { header, common } as unknown as NonNullable<RunTxOpts['block']>,
        blockGasUsed: run.gasUsed,
        skipHardForkValidation: true,
      }).catch((error: unknown) => error as Error)
      if (expected instanceof Error) {
        await expect(run.transaction(tx), at).rejects.toThrow(expected.message.slice(0, 40))
        expect(toHex(await machine.state.getStateRoot()), at).toBe(toHex(await trusted.getStateRoot()))
        continue
      }
      const outcome = await run.transaction(tx)
      expect(outcome.gas, at).toBe(expected.totalGasSpent)
      expect(toHex(outcome.output), at).toBe(toHex(expected.execResult.returnValue))
      const failed = expected.execResult.exceptionError !== undefined
      expect(outcome.receipt.status, at).toBe(failed ? 0 : 1)
      const logs = failed ? [] : (expected.execResult.logs ?? [])
      expect(
        outcome.receipt.logs.map(({ address, topics, data }) => [address, topics, toHex(data)]),
        at,
      ).toEqual(logs.map(([address, topics, data]) => [toHex(address), topics.map(toHex), toHex(data)]))
      expect(toHex(await machine.state.getStateRoot()), at).toBe(toHex(await trusted.getStateRoot()))
      if ('stateRoot' in expected.receipt) expect(outcome.receipt.postState, at).toBe(toHex(expected.receipt.stateRoot))
      if (expected.createdAddress) random.contracts.push(toHex(expected.createdAddress.bytes) as Address)
      for (const created of expected.execResult.createdAddresses ?? []) random.contracts.push(created as Address)
    }
    if (common.consensusType() === 'pow') {
      const miner = (await trusted.getAccount(coinbase)) ?? createAccount({})
      miner.balance += common.param('minerReward')
      await trusted.putAccount(coinbase, miner)
    }
    const result = await run.finish()
    expect(result.stateRoot, `seed ${seed}, block ${number}`).toBe(toHex(await trusted.getStateRoot()))
    parent = createBlockHeader({ ...fields, stateRoot: fromHex(result.stateRoot) }, options)
    const ref: BlockRef = { number, hash: toHex(parent.hash()) as Hash32 }
    headers.set(ref.hash, parent)
    const change = machine.change(ref)
    await store.write(change.writes)
    change.apply()
    machine.release()
    if (random.chance(0.5)) continue
    const path = [...headers.values()]
      .filter((each) => each.number > final)
      .map((each) => ({
        number: each.number,
        hash: toHex(each.hash()) as Hash32,
      }))
    final = number
    const finality = engine.finalize(path, [])
    await store.write(finality.writes)
    finality.apply()
  }
}
describe('random blocks', () => {
  it.each([...BLOCK_FORKS.filter((fork) => fork !== 'eip155'), ...TIME_FORKS])(
    'come to what EthereumJS makes of them: roots, receipts, gas (%s)',
    async (fork) => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
          await compareRuns(fork, seed)
        }),
        { numRuns: 6, endOnFailure: true },
      )
    },
  )
})
