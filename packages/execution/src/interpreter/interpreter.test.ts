import { createBlockHeader } from '@ethereumjs/block'
import type { EVMResult, EVMRunCallOpts, ExecResult } from '@ethereumjs/evm'
import { createAccount, createAddressFromString, createContractAddress } from '@ethereumjs/util'
import { createCommon } from '@hawser/chain'
import { concatBytes, fromHex, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openMachine, type Machine } from '../machine.ts'
import { StateDatabase } from '../state/state-database.ts'
import {
  DELEGATING_ACCOUNT,
  EMPTY_ACCOUNT,
  PROGRAM_ACCOUNTS,
  randomProgram,
  RICH_ACCOUNT,
} from '../testing/random-program.ts'

/** More for a long run: HAWSER_FUZZ_RUNS=20000 npx vitest run interpreter */
const RUNS = Number(process.env['HAWSER_FUZZ_RUNS'] ?? 300)
const CALLER = 0xca11n
const COINBASE = 0xc0n

/** The port that interpreters have: one message on a state. */
type Interpreter = (machine: Machine, message: EVMRunCallOpts) => Promise<EVMResult>

const ours: Interpreter = ({ evm }, message) => evm.runCall(message)

/** EthereumJS's own interpreter runs as soon as somebody listens to what it does. */
const ethereumJs: Interpreter = async (machine, message) => {
  const evm = machine.evm as unknown as Internals
  const { runInterpreter, _executeCreate } = evm
  const listener = (_: unknown) => undefined
  evm.events.on('newContract', listener)
  // It takes what a reverted creation gives back for a code, and refuses it when it begins with ef (EIP-3541); Geth does not.
  const hidden = new WeakMap<Uint8Array, Uint8Array>()
  evm.runInterpreter = async (inner, options) => {
    const result = await runInterpreter.call(evm, inner, options)
    if (!inner.isCreate || result.exceptionError?.error !== 'revert' || result.returnValue[0] !== 0xef) return result
    const stand = new Uint8Array(result.returnValue.length)
    hidden.set(stand, result.returnValue)
    return { ...result, returnValue: stand }
  }
  evm._executeCreate = async (inner) => {
    const result = await _executeCreate.call(evm, inner)
    const { execResult } = result
    return {
      ...result,
      execResult: { ...execResult, returnValue: hidden.get(execResult.returnValue) ?? execResult.returnValue },
    }
  }
  try {
    return await machine.evm.runCall(message)
  } finally {
    Object.assign(evm, { runInterpreter, _executeCreate })
    evm.events.off('newContract', listener)
  }
}

/** What the test needs of EthereumJS that its types hide. */
interface Internals {
  readonly events: {
    on(name: string, listener: (event: unknown) => void): void
    off(name: string, listener: (event: unknown) => void): void
  }
  runInterpreter(message: { readonly isCreate?: boolean }, options?: unknown): Promise<ExecResult>
  _executeCreate(message: unknown): Promise<EVMResult>
}

const common = createCommon(18443)
const header = createBlockHeader(
  {
    number: 300n,
    timestamp: 1_800_000_000n,
    gasLimit: 30_000_000n,
    baseFeePerGas: 7n,
    coinbase: addressOf(COINBASE),
    mixHash: new Uint8Array(32).fill(9),
  },
  { common, setHardfork: false, freeze: false },
)

function addressOf(word: bigint) {
  return createAddressFromString(toHex(uintBE(word, 20)))
}

async function machineWith(programs: readonly Uint8Array[]): Promise<Machine> {
  const states = new StateDatabase(new MemoryStore())
  const machine = await openMachine(states, common, states.empty(), (number) => toHex(uintBE(number, 32)) as Hash32)
  const { state, evm } = machine
  await state.checkpoint()
  for (const [i, account] of [...PROGRAM_ACCOUNTS, RICH_ACCOUNT, CALLER].entries()) {
    await state.putAccount(addressOf(account), createAccount({ balance: 1_000n, nonce: i === 0 ? 1n : 0n }))
    const program = programs[i]
    if (program) await state.putCode(addressOf(account), program)
  }
  await state.putAccount(addressOf(EMPTY_ACCOUNT), createAccount({}))
  // Slots that hold something before the transaction.
  for (const slot of [0n, 1n])
    await state.putStorage(addressOf(PROGRAM_ACCOUNTS[0] as bigint), uintBE(slot, 32), Uint8Array.of(5))
  await state.putCode(
    addressOf(DELEGATING_ACCOUNT),
    concatBytes(fromHex('0xef0100'), uintBE(PROGRAM_ACCOUNTS[1] as bigint, 20)),
  )
  state.originalStorageCache.clear()
  await evm.journal.cleanup()
  for (const warm of [CALLER, COINBASE, PROGRAM_ACCOUNTS[0] as bigint])
    evm.journal.addAlwaysWarmAddress(toHex(uintBE(warm, 20)))
  for (const [precompile] of evm.precompiles) evm.journal.addAlwaysWarmAddress(precompile)
  return machine
}

/** Everything that can be seen of a message's run. */
async function outcome(
  interpreter: Interpreter,
  programs: readonly Uint8Array[],
  message: Omit<EVMRunCallOpts, 'block'>,
  setup: Setup = async () => undefined,
) {
  const machine = await machineWith(programs)
  await setup(machine)
  await machine.evm.journal.checkpoint()
  const { execResult, createdAddress } = await interpreter(machine, { ...message, block: { header } as never })
  await machine.evm.journal.commit()
  await machine.evm.journal.cleanup()
  await machine.state.commit()
  const failed = execResult.exceptionError !== undefined
  return {
    gas: execResult.executionGasUsed,
    output: toHex(execResult.returnValue),
    reverted: execResult.exceptionError?.error === 'revert',
    failed,
    refund: failed ? 0n : (execResult.gasRefund ?? 0n),
    logs: failed
      ? []
      : (execResult.logs ?? []).map(([address, topics, data]) => [
          toHex(address),
          topics.map((topic) => toHex(topic)),
          toHex(data),
        ]),
    // What goes at the end: only what was created in the same transaction (EIP-6780).
    destroyed: failed
      ? []
      : [...(execResult.selfdestruct?.keys() ?? [])]
          .filter((address) => execResult.createdAddresses?.has(address as never))
          .sort(),
    created: failed ? undefined : createdAddress?.toString(),
    root: toHex(machine.root()),
  }
}

/** What a case adds to the state. */
type Setup = (machine: Machine) => Promise<void>

async function expectSame(
  programs: readonly Uint8Array[],
  message: Omit<EVMRunCallOpts, 'block'>,
  setup?: Setup,
): Promise<Awaited<ReturnType<typeof outcome>>> {
  const own = await outcome(ours, programs, message, setup)
  expect(own).toEqual(await outcome(ethereumJs, programs, message, setup))
  return own
}

const gasLimit = fc.constantFrom(20_000n, 100_000n, 1_000_000n)
const call = (gas: bigint, value: bigint, data: Uint8Array) => ({
  caller: addressOf(CALLER),
  to: addressOf(PROGRAM_ACCOUNTS[0] as bigint),
  gasLimit: gas,
  gasPrice: 11n,
  value,
  data,
})

describe('the interpreter', () => {
  it('does what EthereumJS does: gas, output, refunds, logs, state, for random programs that call one another', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(randomProgram, randomProgram, randomProgram),
        gasLimit,
        fc.constantFrom(0n, 3n),
        fc.uint8Array({ maxLength: 70 }),
        async (programs, gas, value, data) => void (await expectSame(programs, call(gas, value, data))),
      ),
      { numRuns: RUNS },
    )
  }, 600_000)

  it('creates what EthereumJS creates', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(randomProgram, randomProgram),
        randomProgram,
        gasLimit,
        async (programs, initCode, gas) => {
          const message = { caller: addressOf(CALLER), gasLimit: gas, gasPrice: 11n, value: 2n, data: initCode }
          await expectSame(programs, message)
        },
      ),
      { numRuns: Math.ceil(RUNS / 3) },
    )
  }, 600_000)

  it('charges and refunds every sequence of values in a slot (EIP-2200, EIP-3529)', async () => {
    const values = [0, 5, 6]
    for (const slot of [0, 2])
      // before the transaction: 5 and 0
      for (const first of values)
        for (const second of values)
          for (const third of values) {
            const stores = [first, second, third].flatMap((value) => [0x60, value, 0x60, slot, 0x55])
            await expectSame([Uint8Array.from(stores)], call(100_000n, 0n, new Uint8Array()))
          }
  })

  it('runs a recursion to the depth that gas allows without touching the native stack', async () => {
    // Calls itself with all gas, then stores how deep it went.
    const recursion = fromHex('0x5f5f5f5f5f305af150600160005401600055')
    await expectSame([recursion], call(16_000_000n, 0n, new Uint8Array()))
  })

  describe('at its edges, where random programs seldom come,', () => {
    const run = (codes: readonly string[], gas = 1_000_000n, setup?: Setup) =>
      expectSame(
        codes.map((code) => fromHex(`0x${code}`)),
        call(gas, 0n, new Uint8Array()),
        setup,
      )
    const create = (initCode: string, gas: bigint, setup?: Setup) =>
      expectSame([], { caller: addressOf(CALLER), gasLimit: gas, gasPrice: 11n, data: fromHex(`0x${initCode}`) }, setup)
    const callNext = (account: string, value = '5f') => `5f5f5f5f${value}61${account}5af15f5260205ff3`

    it('keeps what was called by STATICCALL from writing and paying, however deep', async () => {
      const staticCall = '5f5f5f5f61aa025afa5f5260205ff3'
      await run([staticCall, callNext('aa03'), '60015f55'])
      await run([staticCall, callNext('aa03', '6001'), '00'])
      for (const forbidden of ['60015f55', '60015f5d', '5f5fa0', '5f5f5ff0', '5f5f5f5ff5', '5fff'])
        await run([staticCall, forbidden])
    })

    it('refuses an SSTORE with 2,300 gas left, and not with one more (EIP-2200)', async () => {
      expect((await run(['60055f55'], 2_305n)).failed).toBe(true)
      expect((await run(['60055f55'], 2_306n)).failed).toBe(false)
    })

    it('limits init code and code (EIP-3860, EIP-170), and what a code begins with (EIP-3541)', async () => {
      expect((await run(['61c0015f5ff000'])).failed).toBe(true)
      expect((await run(['61c0005f5ff000'])).failed).toBe(false)
      expect((await create('6160015ff3', 16_000_000n)).failed).toBe(true)
      expect((await create('6160005ff3', 16_000_000n)).failed).toBe(false)
      expect((await create('60ef5f5360015ff3', 1_000_000n)).failed).toBe(true)
    })

    it('goes 1,024 messages deep, and no deeper', async () => {
      // A 64th stays behind at each level (EIP-150).
      const deep = 1n << 50n
      await run(['5f5f5f5f5f305af150600160005401600055'], deep)
      // A code that creates with its own code.
      await create('385f5f39385f5ff05000', deep)
    })

    it('creates nothing over storage (EIP-7610), nor with the last nonce (EIP-2681)', async () => {
      const sender = addressOf(PROGRAM_ACCOUNTS[0] as bigint)
      const takenRoot = createAccount({ storageRoot: new Uint8Array(32).fill(7) })
      const taken = createContractAddress(sender, 1n)
      await run(['5f5f5ff05f5260205ff3'], 1_000_000n, ({ state }) => state.putAccount(taken, takenRoot))
      const code = fromHex('0x5f5f5ff05f5260205ff3')
      await run([toHex(code).slice(2)], 1_000_000n, async ({ state }) => {
        await state.putAccount(sender, createAccount({ nonce: (1n << 64n) - 1n }))
        await state.putCode(sender, code)
      })
    })

    it('hands back what a precompile gave, not the memory that it came from', async () => {
      // IDENTITY of one byte of memory, which is changed before the returned data are read.
      await run(['60075f535f5f60015f60045afa5060095f5360015f60203e60405ff3'])
    })

    it('hands back nothing of a code that was created, but what a creation reverted with', async () => {
      for (const end of ['f3', 'fd']) await run([`6360015f${end}5f526004601c5ff0503d5f5260205ff3`])
    })

    it('forgets transient storage, warmth and refunds of what reverted', async () => {
      const revert = '5f5ffd'
      await run(['5f5f5f5f5f61aa025af15060015c5f525f545060205ff3', `600760015d5f5f55${revert}`])
      await run(['5f5f5f5f5f61aa025af15061aa033100', `61aa033150${revert}`])
      // DELEGATECALL: the same account's slots.
      await run([
        '5f5f5f5f61aa025af45060015c5f525f5450600154505f5f556005545060205ff3',
        `600760015d5f5f55600554505f600155${revert}`,
      ])
    })
  })

  it.each([
    ['straight code without a jump', '620100005f2050'.repeat(240), '00'],
    ['one call after another', '5f5f5f5f5f61aa025af150'.repeat(500), '620100005f2050'],
    ['slow precompiles', '5f5f6140005f60025afa50'.repeat(600), '00'],
  ])('gives way by gas in %s, and comes to the same', async (_name, code, callee) => {
    const programs = [fromHex(`0x${code}`), fromHex(`0x${callee}`)]
    const plain = await outcome(ours, programs, call(16_000_000n, 0n, new Uint8Array()))
    let pauses = 0
    const pausing: Interpreter = async (machine, message) => {
      machine.evm.pause = async () => void pauses++
      try {
        return await machine.evm.runCall(message)
      } finally {
        machine.evm.pause = undefined
      }
    }
    expect(await outcome(pausing, programs, call(16_000_000n, 0n, new Uint8Array()))).toEqual(plain)
    expect(plain.failed).toBe(false)
    // At least once for each 150,000 gas: an opcode, a message or a precompile may go a little beyond its share.
    expect(pauses).toBeGreaterThan(Number(plain.gas) / 150_000 - 1)
  })

  it('leaves an empty account what it is given after it was touched (EIP-161)', async () => {
    // CALL with nothing, then with 1 wei.
    const pay = (wei: number) => `5f5f5f5f60${uintHex(wei)}61${EMPTY_ACCOUNT.toString(16)}5af150`
    await expectSame([fromHex(`0x${pay(0)}${pay(1)}`)], call(100_000n, 0n, new Uint8Array()))
    await expectSame([fromHex(`0x${pay(0)}`)], call(100_000n, 0n, new Uint8Array()))
  })
})

function uintHex(value: number): string {
  return value.toString(16).padStart(2, '0')
}
