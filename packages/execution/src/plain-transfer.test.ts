import { createBlockHeader } from '@ethereumjs/block'
import { createAccessList2930Tx, createFeeMarket1559Tx, createLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import { Account, createAddressFromString } from '@ethereumjs/util'
import { runTx, type RunTxOpts } from '@ethereumjs/vm'
import { describe, expect, it } from 'vitest'
import { createCommon } from '@hawser/chain'
import { concatBytes, fromHex, toHex } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { openMachine, type Machine } from './machine.ts'
import { runPlainTransfer } from './plain-transfer.ts'
import { StateDatabase } from './state/state-database.ts'
import { senderAddress, senderKey } from './testing/random-transactions.ts'

const common = createCommon(18443)
const SENDER = createAddressFromString(senderAddress(0))
const OTHER = createAddressFromString(`0x${'ab'.repeat(20)}`)
const COINBASE = createAddressFromString(`0x${'cd'.repeat(20)}`)
const DELEGATION = concatBytes(fromHex('0xef0100'), OTHER.bytes)
const header = createBlockHeader(
  { number: 1n, gasLimit: 30_000_000n, baseFeePerGas: 7n, coinbase: COINBASE },
  { common, setHardfork: false, freeze: false },
)
const options = { common, freeze: false } as const
const sign = (tx: TypedTransaction) => tx.sign(senderKey(0))

type Setup = (machine: Machine) => Promise<void>

/** The state with a rich sender and what a case adds. */
async function machineWith(setup: Setup): Promise<Machine> {
  const states = new StateDatabase(new MemoryStore())
  const machine = await openMachine(states, common, states.empty(), () => undefined)
  await machine.state.putAccount(SENDER, new Account(3n, 10n ** 18n))
  await setup(machine)
  return machine
}

/** What either way makes of the same transaction on the same state. */
async function bothWays(tx: TypedTransaction, setup: Setup) {
  const plain = await machineWith(setup)
  const before = toHex(plain.root())
  const gas = runPlainTransfer(plain, tx, header)
  const reference = await machineWith(setup)
  const block = { header, common } as unknown as NonNullable<RunTxOpts['block']>
  const result = await runTx(reference.vm, { tx, block, skipHardForkValidation: true }).catch(() => undefined)
  return {
    gas,
    expected: result?.totalGasSpent,
    before,
    root: toHex(plain.root()),
    expectedRoot: toHex(reference.root()),
  }
}

const fees = { maxFeePerGas: 100n, maxPriorityFeePerGas: 2n, gasLimit: 50_000n, nonce: 3n, chainId: 18443n }
const transfer = (fields: object = {}) =>
  sign(createFeeMarket1559Tx({ ...fees, to: OTHER, value: 5n, ...fields }, options))
const nothing: Setup = async () => undefined
const put =
  (address: typeof SENDER, account: Account, code?: Uint8Array): Setup =>
  async ({ state }) => {
    await state.putAccount(address, account)
    if (code) await state.putCode(address, code)
  }

describe('runPlainTransfer', () => {
  it.each<[string, TypedTransaction, Setup]>([
    ['to an account that is not there', transfer(), nothing],
    ['of nothing, to an account that is not there', transfer({ value: 0n }), nothing],
    ['of nothing, to an account that is empty', transfer({ value: 0n }), put(OTHER, new Account())],
    ['to the sender', transfer({ to: SENDER }), nothing],
    ['to the author', transfer({ to: COINBASE }), put(COINBASE, new Account(0n, 1n))],
    [
      'without a tip, past an author that is not there',
      transfer({ maxPriorityFeePerGas: 0n, maxFeePerGas: 7n }),
      nothing,
    ],
    ['whose cap leaves less than the tip that it offers', transfer({ maxFeePerGas: 8n }), nothing],
    ['from an account with a delegation', transfer(), put(SENDER, new Account(3n, 10n ** 9n), DELEGATION)],
    ['of all that the sender has but the fees', transfer({ value: 10n ** 18n - 50_000n * 100n }), nothing],
    [
      'with an access list',
      transfer({ accessList: [{ address: OTHER.toString(), storageKeys: [`0x${'00'.repeat(32)}`] }] }),
      nothing,
    ],
    ['of the legacy type', sign(createLegacyTx({ ...fees, gasPrice: 9n, to: OTHER, value: 1n }, options)), nothing],
    [
      'of type 1',
      sign(
        createAccessList2930Tx(
          { ...fees, gasPrice: 9n, to: OTHER, accessList: [{ address: OTHER.toString(), storageKeys: [] }] },
          options,
        ),
      ),
      nothing,
    ],
  ])('does as the interpreter does with a transfer %s', async (_name, tx, setup) => {
    const { gas, expected, root, expectedRoot } = await bothWays(tx, setup)
    expect(gas).toBeDefined()
    expect(gas).toBe(expected)
    expect(root).toBe(expectedRoot)
  })

  it.each<[string, TypedTransaction, Setup]>([
    ['to a contract', transfer(), put(OTHER, new Account(1n), Uint8Array.of(0))],
    ['to an account with a delegation', transfer(), put(OTHER, new Account(1n), DELEGATION)],
    ['to a precompile', transfer({ to: createAddressFromString(`0x${'00'.repeat(19)}04`) }), nothing],
    ['with data', transfer({ data: Uint8Array.of(1) }), nothing],
    ['that creates', transfer({ to: undefined }), nothing],
    ['that makes a balance overflow', transfer(), put(OTHER, new Account(0n, 2n ** 256n - 1n))],
    ['from an account with code', transfer(), put(SENDER, new Account(3n, 10n ** 18n), Uint8Array.of(0))],
    ['with the wrong nonce', transfer({ nonce: 4n }), nothing],
    ['that cannot be paid', transfer({ value: 10n ** 18n - 50_000n * 100n + 1n }), nothing],
    ['below the base fee', transfer({ maxFeePerGas: 6n, maxPriorityFeePerGas: 0n }), nothing],
    [
      'with too little gas',
      transfer({ gasLimit: 21_000n, accessList: [{ address: OTHER.toString(), storageKeys: [] }] }),
      nothing,
    ],
    [
      'that is listened to',
      transfer(),
      async ({ evm }) => void evm.events.on('beforeMessage', (_message, resolve) => resolve?.()),
    ],
  ])('leaves a transaction %s to the interpreter, and the state as it was', async (_name, tx, setup) => {
    const { gas, root, before } = await bothWays(tx, setup)
    expect(gas).toBeUndefined()
    expect(root).toBe(before)
  })
})
