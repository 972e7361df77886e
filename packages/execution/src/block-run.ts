import type { BlockHeader } from '@ethereumjs/block'
import type { TypedTransaction } from '@ethereumjs/tx'
import { createAddressFromString } from '@ethereumjs/util'
import { runTx, type RunTxOpts } from '@ethereumjs/vm'
import { inherentGasCap, logsBloom, type ChainSpec, type Log, type Receipt } from '@hawser/chain'
import { SYSTEM_ADDRESS, systemContracts } from '@hawser/contracts'
import { AppError, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { encodeReceiptsRoot } from './receipts-root.ts'
import type { ExecutionError } from './errors.ts'
import type { Machine } from './machine.ts'
import { functionData } from './system-calls.ts'

const SYSTEM = createAddressFromString(SYSTEM_ADDRESS)
const FEE_POOL = createAddressFromString(systemContracts.feePool)
const BEACON_ROOTS = createAddressFromString('0x000f3df6d732807ef1319fb7b8bb8522d0beac02') // EIP-4788
const BLOCK_HASHES = createAddressFromString('0x0000f90827f1c53a10cb7a02335b175320002935') // EIP-2935
const SYSTEM_CALL_GAS = 30_000_000n

export interface BlockResult {
  readonly stateRoot: Hash32
  readonly receiptsRoot: Hash32
  readonly logsBloom: Uint8Array
  readonly gasUsed: bigint
  readonly receipts: readonly Receipt[]
}

/**
 * The one way to execute a block, for building as for checking: system calls, inherents without fees, paid transactions,
 * the fee pool's credit, the end-of-block calls (protocol.md section 2).
 */
export class BlockRun {
  readonly #machine: Machine
  readonly #spec: ChainSpec
  readonly #header: BlockHeader
  /** The same header with base fee 0: what inherents see. Only BASEFEE and the fee check differ. */
  readonly #feeFree: BlockHeader
  readonly #author: Address
  readonly #receipts: Receipt[] = []
  #gasUsed = 0n
  #paidGas = 0n

  constructor(machine: Machine, spec: ChainSpec, header: BlockHeader, author: Address) {
    this.#machine = machine
    this.#spec = spec
    this.#header = header
    this.#author = author
    this.#feeFree = Object.create(header, { baseFeePerGas: { value: 0n } }) as BlockHeader
  }

  get gasUsed(): bigint {
    return this.#gasUsed
  }

  async begin(): Promise<void> {
    // One checkpoint around the block: EthereumJS would otherwise write the trie after every transaction.
    await this.#machine.state.checkpoint()
    await this.#systemCall('EIP-4788', BEACON_ROOTS, this.#header.parentBeaconBlockRoot ?? new Uint8Array(32))
    await this.#systemCall('EIP-2935', BLOCK_HASHES, this.#header.parentHash)
  }

  /** Runs an inherent; a revert makes the block invalid, so it throws and leaves no trace. */
  async inherent(tx: TypedTransaction): Promise<void> {
    const { state } = this.#machine
    await state.checkpoint()
    try {
      const cap = inherentGasCap(this.#header.gasLimit)
      if (tx.gasLimit > cap - this.#gasUsed)
        throw bad(`an inherent asks for ${tx.gasLimit} gas, ${cap - this.#gasUsed} are left`)
      const { receipt, gas, output } = await this.#run(tx, this.#feeFree)
      if (receipt.status !== 1) throw bad(`an inherent reverted with ${toHex(output.subarray(0, 256))}`)
      await state.commit()
      this.#keep(receipt, gas)
    } catch (error) {
      await state.revert()
      throw error
    }
  }

  /** Runs a paid transaction. @throws BLOCK_BAD_EXECUTION when it cannot stand in this block; nothing of it is left then. */
  async paid(tx: TypedTransaction): Promise<void> {
    if (tx.gasLimit > this.#header.gasLimit - this.#gasUsed)
      throw bad('a transaction asks for more gas than the block has left')
    const { receipt, gas } = await this.#run(tx, this.#header)
    this.#keep(receipt, gas)
    this.#paidGas += gas
  }

  /** Credits the base fees, closes the block, and says what it came to. */
  async finish(): Promise<BlockResult> {
    const { state } = this.#machine
    const feesWei = this.#paidGas * (this.#header.baseFeePerGas ?? 0n)
    if (feesWei > 0n) {
      const pool = await state.getAccount(FEE_POOL)
      if (!pool) throw failed('fee pool', 'the contract is missing')
      pool.balance += feesWei
      await state.putAccount(FEE_POOL, pool)
    }
    await this.#systemCall('FeePool.onBlock', FEE_POOL, functionData('onBlock', this.#author))
    if (this.#header.number % BigInt(this.#spec.epochBlocks) === 0n)
      await this.#systemCall(
        'Validators.closeEpoch',
        createAddressFromString(systemContracts.validators),
        functionData('closeEpoch'),
      )
    await state.commit()
    await state.flush()
    return {
      stateRoot: toHex(this.#machine.root()) as Hash32,
      receiptsRoot: await encodeReceiptsRoot(this.#receipts),
      logsBloom: logsBloom(this.#receipts.flatMap((receipt) => receipt.logs)),
      gasUsed: this.#gasUsed,
      receipts: this.#receipts,
    }
  }

  #keep(receipt: Receipt, gas: bigint): void {
    this.#receipts.push(receipt)
    this.#gasUsed += gas
  }

  async #run(
    tx: TypedTransaction,
    header: BlockHeader,
  ): Promise<{ receipt: Receipt; gas: bigint; output: Uint8Array }> {
    // EthereumJS reads nothing of a block but its header and rules.
    const block = { header, common: header.common } as unknown as NonNullable<RunTxOpts['block']>
    let result
    try {
      result = await runTx(this.#machine.vm, { tx, block, blockGasUsed: this.#gasUsed, skipHardForkValidation: true })
    } catch (cause) {
      throw bad(`a transaction cannot run: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
    }
    const logs: Log[] = (result.execResult.logs ?? []).map(([address, topics, data]) => ({
      address: toHex(address) as Address,
      topics: topics.map((topic) => toHex(topic) as Hash32),
      data,
    }))
    const receipt: Receipt = {
      type: tx.type,
      status: result.execResult.exceptionError === undefined ? 1 : 0,
      cumulativeGasUsed: this.#gasUsed + result.totalGasSpent,
      logs: result.execResult.exceptionError === undefined ? logs : [],
    }
    return { receipt, gas: result.totalGasSpent, output: result.execResult.returnValue }
  }

  async #systemCall(name: string, to: typeof SYSTEM, data: Uint8Array): Promise<void> {
    const { evm, state } = this.#machine
    const result = await evm.runCall({
      caller: SYSTEM,
      to,
      data,
      gasLimit: SYSTEM_CALL_GAS,
      block: { header: this.#feeFree } as never,
      // EthereumJS would leave the system address behind as an account with nonce 1.
      skipNonceIncrement: true,
    })
    if (result.execResult.exceptionError) throw failed(name, result.execResult.exceptionError.error)
    await evm.journal.cleanup()
    state.originalStorageCache.clear()
  }
}

function bad(why: string, cause?: unknown): AppError<ExecutionError> {
  return new AppError<ExecutionError>({ code: 'BLOCK_BAD_EXECUTION', fault: 'peer' }, why, { cause })
}

function failed(name: string, why: string): AppError<ExecutionError> {
  return new AppError<ExecutionError>(
    { code: 'SYSTEM_CALL_FAILED', fault: 'local' },
    `the system call ${name} failed: ${why}`,
  )
}

/** The address as EthereumJS has it. */
export function ethereumAddress(address: Address): typeof SYSTEM {
  return createAddressFromString(address)
}
