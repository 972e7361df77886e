import { Hardfork } from '@ethereumjs/common'
import { EVM, EVMError, type EVMResult, type EVMRunCallOpts, type ExecResult } from '@ethereumjs/evm'
import { Account, Address, createZeroAddress } from '@ethereumjs/util'
import type { EthereumState } from '../state/ethereum-state.ts'
import { Execution, type BlockEnvironment, type MessageEnd, type Precompile } from './execution.ts'
import { NOTHING } from './frame.ts'
import { addressBytes, wordOf } from './words.ts'
import { World } from './world.ts'

/** The forks whose rules the interpreter has; those of blob parameters alone change nothing that it knows. */
const FORKS: ReadonlySet<string> = new Set([
  Hardfork.Osaka,
  Hardfork.Bpo1,
  Hardfork.Bpo2,
  Hardfork.Bpo3,
  Hardfork.Bpo4,
  Hardfork.Bpo5,
])
/** More gas than numbers count exactly goes to EthereumJS. */
const MAX_GAS = 1n << 52n

type Header = NonNullable<EVMRunCallOpts['block']>['header']

/**
 * EthereumJS's EVM with our own interpreter inside: messages of the newest forks run on it. Older forks, traces and reports of access
 * run on EthereumJS's, which is also what it is compared with.
 */
export class FastEvm extends EVM {
  /** Lets others run while a message does, or throws when its time is up. */
  pause: (() => Promise<void>) | undefined
  /** The hash of one of the 256 blocks before the one that runs. */
  readonly #hashOf: (number: bigint) => Uint8Array

  constructor(options: ConstructorParameters<typeof EVM>[0], hashOf: (number: bigint) => Uint8Array) {
    super(options)
    this.#hashOf = hashOf
  }

  override async runCall(options: EVMRunCallOpts): Promise<EVMResult> {
    if (!this.#isOurs(options)) return super.runCall(options)
    const { journal } = this.stateManager as EthereumState
    const caller = options.caller ?? createZeroAddress()
    const world = new World(journal, {
      account: (address) => this.journal.isWarmedAddress(address),
      slot: (address, key) => this.journal.isWarmedStorage(address, key),
    })
    const execution = new Execution({
      world,
      block: this.#environment(options),
      precompile: (address) => this.#precompileAt(address),
      pause: this.pause,
    })
    if (options.skipNonceIncrement !== true)
      world.setNonce(caller.bytes, (world.account(caller.bytes)?.nonce ?? 0n) + 1n)
    const gas = Number(options.gasLimit ?? 0xffffffn)
    const value = options.value ?? 0n
    const data = options.data ?? NOTHING
    const end = await (options.to
      ? execution.call(topCall(world, options.to.bytes, caller.bytes, value, data, gas))
      : execution.create({ value, initCode: data, salt: undefined, gas }, caller.bytes))
    // Told to EthereumJS's journal, which looks at them when the transaction ends.
    for (const address of world.emptied)
      if (world.isDead(address)) await this.journal.putAccount(new Address(address), new Account())
    return resultOf(end, gas, world)
  }

  #isOurs(options: EVMRunCallOpts): boolean {
    const { events, journal, common } = this
    return (
      FORKS.has(common.hardfork()) &&
      options.message === undefined &&
      options.code === undefined &&
      options.salt === undefined &&
      options.skipBalance !== true &&
      options.delegatecall !== true &&
      options.isStatic !== true &&
      (options.gasLimit ?? 0n) <= MAX_GAS &&
      journal.accessList === undefined &&
      events.listenerCount('step') === 0 &&
      events.listenerCount('afterMessage') === 0 &&
      events.listenerCount('newContract') === 0
    )
  }

  #environment({ block, caller, origin, gasPrice, blobVersionedHashes }: EVMRunCallOpts): BlockEnvironment {
    const header = block?.header as Header
    return {
      origin: wordOf((origin ?? caller ?? createZeroAddress()).bytes),
      gasPrice: gasPrice ?? 0n,
      coinbase: wordOf(header.coinbase.bytes),
      timestamp: header.timestamp,
      number: header.number,
      prevRandao: wordOf(header.prevRandao),
      gasLimit: header.gasLimit,
      chainId: this.common.chainId(),
      baseFee: header.baseFeePerGas ?? 0n,
      blobHashes: (blobVersionedHashes ?? []).map((hash) => BigInt(hash)),
      blobBaseFee: () => header.getBlobGasPrice() ?? 1n,
      hashOf: (number) => wordOf(this.#hashOf(number)),
    }
  }

  #precompileAt(address: Uint8Array): Precompile | undefined {
    // Precompiles lie below 2^16, or where an override moved them.
    const run = this.getPrecompile(new Address(address))
    if (!run) return undefined
    const outcome = ({ returnValue, executionGasUsed, exceptionError }: ExecResult) => ({
      output: returnValue,
      gasUsed: exceptionError ? undefined : Number(executionGasUsed),
    })
    return (data, gas) => {
      const result = this.runPrecompile(run, data, BigInt(gas))
      return result instanceof Promise ? result.then(outcome) : outcome(result)
    }
  }
}

function topCall(world: World, to: Uint8Array, caller: Uint8Array, value: bigint, data: Uint8Array, gas: number) {
  const address = wordOf(to)
  const delegate = world.delegateOf(to)
  if (delegate !== undefined) world.warmAccount(delegate)
  return {
    address,
    addressBytes: to,
    codeAddress: address,
    delegate,
    caller: wordOf(caller),
    value,
    moves: value,
    needs: value,
    data,
    gas,
    isStatic: false,
    outOffset: 0,
    outLength: 0,
  }
}

function resultOf(end: MessageEnd, gas: number, world: World): EVMResult {
  const hex = (word: bigint) => new Address(addressBytes(word)).toString()
  const exception = end.success ? undefined : exceptionOf(end)
  return {
    createdAddress: end.created === undefined ? undefined : new Address(addressBytes(end.created)),
    execResult: {
      returnValue: end.output,
      executionGasUsed: BigInt(gas - end.gasLeft),
      exceptionError: exception,
      gasRefund: BigInt(exception ? 0 : world.refund),
      logs: world.logs,
      selfdestruct: new Map(world.destroyed.map((word) => [hex(word), hex(word)] as const)),
      createdAddresses: new Set(world.created.map(hex)),
    },
  }
}

function exceptionOf({ failure }: MessageEnd): EVMError {
  const messages = EVMError.errorMessages
  if (failure === undefined) return new EVMError(messages.REVERT)
  if (failure === 'precompile failed') return new EVMError(messages.OUT_OF_GAS)
  const message = Object.values(messages).find((known) => known === failure) ?? messages.INTERNAL_ERROR
  return new EVMError(message)
}
