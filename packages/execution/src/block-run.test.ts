import { createBlockHeader } from '@ethereumjs/block'
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { Account, createAddressFromString } from '@ethereumjs/util'
import { createCommon } from '@hawser/chain'
import { MemoryStore } from '@hawser/storage'
import { describe, expect, it } from 'vitest'
import { BlockRun } from './block-run.ts'
import { openMachine } from './machine.ts'
import { StateDatabase } from './state/state-database.ts'
import { senderAddress, senderKey } from './testing/random-transactions.ts'

const common = createCommon(18443)
const CONTRACT = createAddressFromString(`0x${'ab'.repeat(20)}`)
const header = createBlockHeader(
  { number: 1n, gasLimit: 30_000_000n, baseFeePerGas: 7n },
  { common, setHardfork: false, freeze: false },
)

/** A block of which nothing is run but its transactions. */
class Bare extends BlockRun {
  transaction(tx: Parameters<BlockRun['transaction']>[0]) {
    return this.run(tx, header)
  }
  protected override async before(): Promise<void> {}
  protected override async after(): Promise<void> {}
}

/** A database that can stop answering, as one does that is closed or whose disk is gone. */
class FailingStore extends MemoryStore {
  failing = false
  override get(key: Uint8Array): Uint8Array | undefined {
    if (this.failing) throw new Error('Database is not open')
    return super.get(key)
  }
}

async function bareRun() {
  const store = new FailingStore()
  const states = new StateDatabase(store)
  const machine = await openMachine(states, common, states.empty(), () => undefined)
  await machine.state.putAccount(createAddressFromString(senderAddress(0)), new Account(0n, 10n ** 18n))
  // BALANCE of an account that was not looked at yet.
  await machine.state.putAccount(CONTRACT, new Account(1n))
  await machine.state.putCode(CONTRACT, Uint8Array.of(0x60, 0x99, 0x31))
  const run = new Bare(machine, header)
  await run.begin()
  return { store, run }
}

const call = (nonce: bigint) =>
  createFeeMarket1559Tx(
    { nonce, to: CONTRACT, gasLimit: 100_000n, maxFeePerGas: 100n, chainId: 18443n },
    { common, freeze: false },
  ).sign(senderKey(0))

describe('a run of a block', () => {
  it('finds a block bad for a transaction that cannot stand there', async () => {
    const { run } = await bareRun()
    await expect(run.transaction(call(7n))).rejects.toMatchObject({ code: 'BLOCK_BAD_EXECUTION' })
  })

  it('finds no block bad because its own database fails', async () => {
    const { store, run } = await bareRun()
    store.failing = true
    await expect(run.transaction(call(0n))).rejects.toThrow('Database is not open')
    await expect(run.transaction(call(0n))).rejects.not.toMatchObject({ code: 'BLOCK_BAD_EXECUTION' })
    store.failing = false
    expect((await run.transaction(call(0n))).receipt.status).toBe(1)
  })
})
