import { createBlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { createAccount } from '@ethereumjs/util'
import { AppError, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { MemoryStore, type Write } from '@hawser/storage'
import { ethereumAddress } from './block-run.ts'
import type { ExecutionError } from './errors.ts'
import { openMachine } from './machine.ts'
import { StateDatabase } from './state/state-database.ts'

export interface GenesisAccount {
  readonly address: Address
  readonly balance?: bigint
  readonly nonce?: bigint
  /** Runtime code, put as it is. */
  readonly code?: Uint8Array
  /** Creation code with its arguments: it runs at the address itself, and what it returns becomes the code. */
  readonly creationCode?: Uint8Array
}

/** The state of block 0: accounts put, constructors run in order. */
export async function buildGenesisState(
  common: Common,
  genesis: { readonly timestamp: bigint; readonly gasLimit: bigint; readonly baseFeePerGas: bigint },
  accounts: readonly GenesisAccount[],
): Promise<{ readonly stateRoot: Hash32; readonly state: readonly Write[] }> {
  const states = new StateDatabase(new MemoryStore())
  const machine = await openMachine(states, common, states.empty(), () => undefined)
  const { state, evm } = machine
  const header = createBlockHeader({ ...genesis, number: 0n }, { common, setHardfork: false, freeze: false })
  await state.checkpoint()
  for (const account of accounts) {
    const at = ethereumAddress(account.address)
    await state.putAccount(at, createAccount({ balance: account.balance ?? 0n, nonce: account.nonce ?? 0n }))
    if (account.code) await state.putCode(at, account.code)
    if (!account.creationCode) continue
    // Run as a message to the final address, so that what the constructor stores is stored there.
    await state.putCode(at, account.creationCode)
    const { execResult } = await evm.runCall({
      to: at,
      gasLimit: 1_000_000_000n,
      block: { header } as never,
      skipNonceIncrement: true,
    })
    if (execResult.exceptionError)
      throw new AppError<ExecutionError>(
        { code: 'SYSTEM_CALL_FAILED', fault: 'local' },
        `the constructor at ${account.address} failed: ${execResult.exceptionError.error} ${toHex(execResult.returnValue.subarray(0, 256))}`,
      )
    await state.putCode(at, execResult.returnValue)
    await evm.journal.cleanup()
    state.originalStorageCache.clear()
  }
  await state.commit()
  return { stateRoot: toHex(machine.root()) as Hash32, state: machine.firstState() }
}
