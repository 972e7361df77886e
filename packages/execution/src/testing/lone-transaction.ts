import type { BlockHeader } from '@ethereumjs/block'
import type { TypedTransaction } from '@ethereumjs/tx'
import { Account } from '@ethereumjs/util'
import type { ForkSchedule, Log } from '@hawser/chain'
import { toHex, type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { BlockRun, type TransactionOutcome } from '../block-run.ts'
import { buildEthereumGenesis } from '../ethereum/ethereum-genesis.ts'
import type { GethGenesis } from '../ethereum/geth-genesis.ts'
import { openMachine, type BlockHashes } from '../machine.ts'
import { StateDatabase } from '../state/state-database.ts'

/** What one transaction alone came to. */
export interface LoneOutcome {
  readonly stateRoot: Hash32
  /** The state before it, without the coinbase's touch. */
  readonly firstRoot: Hash32
  readonly logs: readonly Log[]
  /** Why it cannot run at all; the state is then as before, but for the coinbase. */
  readonly refused: Error | undefined
}

/** A block of which nothing is run but its transactions; at its end the coinbase is touched, as by a reward of nothing. */
class LoneRun extends BlockRun {
  async transaction(tx: TypedTransaction): Promise<TransactionOutcome> {
    const outcome = await this.run(tx, this.header)
    this.keep(outcome)
    return outcome
  }

  protected override async before(): Promise<void> {}

  protected override async after(): Promise<void> {
    const { evm, state } = this.machine
    const { coinbase } = this.header
    await evm.journal.putAccount(coinbase, (await state.getAccount(coinbase)) ?? new Account())
    await evm.journal.cleanup()
  }
}

/**
 * Runs one transaction on a state of its own, as Ethereum's state tests want it: without the rest of a block. `commonAt` gives the
 * rules of the first block, whose accounts the state has.
 */
export async function runLoneTransaction(parts: {
  readonly genesis: GethGenesis
  readonly commonAt: ForkSchedule
  readonly header: BlockHeader
  /** Undefined: it could not even be made. */
  readonly tx: TypedTransaction | undefined
  readonly hashes: BlockHashes
}): Promise<LoneOutcome> {
  const { genesis, commonAt, header, tx, hashes } = parts
  const first = await buildEthereumGenesis(genesis, commonAt)
  const store = new MemoryStore()
  await store.write(first.state)
  const states = new StateDatabase(store)
  const below = states.open({ number: 0n, hash: `0x${'00'.repeat(32)}` as Hash32 })
  const machine = await openMachine(states, header.common, below, hashes)
  try {
    const run = new LoneRun(machine, header)
    await run.begin()
    let refused: Error | undefined
    if (tx)
      await run.transaction(tx).catch((error: unknown) => {
        refused = error instanceof Error ? error : new Error(String(error))
      })
    const { stateRoot, receipts } = await run.finish()
    return {
      stateRoot,
      firstRoot: toHex(first.block.header.stateRoot) as Hash32,
      logs: receipts.flatMap((receipt) => receipt.logs),
      refused,
    }
  } finally {
    machine.release()
  }
}
