import type { BlockHeader } from '@ethereumjs/block'
import type { TypedTransaction } from '@ethereumjs/tx'
import { createAddressFromString, EthereumJSError, type Address as EthereumAddress } from '@ethereumjs/util'
import { runTx, type RunTxOpts } from '@ethereumjs/vm'
import { logsBloom, type Log, type Receipt } from '@hawser/chain'
import { SYSTEM_ADDRESS } from '@hawser/contracts'
import { AppError, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { HISTORY_CONTRACT } from './block-hashes.ts'
import { receiptsRoot } from './receipts-root.ts'
import type { ExecutionError } from './errors.ts'
import type { Machine } from './machine.ts'
import { runPlainTransfer } from './plain-transfer.ts'
import { withKnownSender } from './sender.ts'

const SYSTEM = createAddressFromString(SYSTEM_ADDRESS)
const BEACON_ROOTS = createAddressFromString('0x000f3df6d732807ef1319fb7b8bb8522d0beac02') // EIP-4788
const BLOCK_HASHES = createAddressFromString(HISTORY_CONTRACT)
const SYSTEM_CALL_GAS = 30_000_000n

export interface BlockResult {
  readonly stateRoot: Hash32
  readonly receiptsRoot: Hash32
  readonly logsBloom: Uint8Array
  readonly gasUsed: bigint
  readonly receipts: readonly Receipt[]
}

/** What one transaction did. */
export interface TransactionOutcome {
  readonly receipt: Receipt
  /** What it was charged. */
  readonly gas: bigint
  readonly output: Uint8Array
}

/**
 * The one way to execute a block, for building, checking and tracing: what stands before the transactions, the
 * transactions, what stands after them. What a chain does before and after is in its subclass.
 */
export abstract class BlockRun {
  protected readonly machine: Machine
  protected readonly header: BlockHeader
  readonly #receipts: Receipt[] = []
  #gasUsed = 0n

  constructor(machine: Machine, header: BlockHeader) {
    this.machine = machine
    this.header = header
  }

  get gasUsed(): bigint {
    return this.#gasUsed
  }

  async begin(): Promise<void> {
    await this.machine.state.checkpoint()
    await this.before()
  }

  /**
   * Runs the next transaction.
   * @throws BLOCK_BAD_EXECUTION when it cannot stand here; nothing of it is left then. Other errors are this node's own.
   */
  abstract transaction(tx: TypedTransaction): Promise<TransactionOutcome>

  /** Closes the block, and says what it came to. */
  async finish(): Promise<BlockResult> {
    const { state } = this.machine
    await this.after()
    await state.commit()
    return {
      stateRoot: toHex(this.machine.root()) as Hash32,
      receiptsRoot: receiptsRoot(this.#receipts),
      logsBloom: logsBloom(this.#receipts.flatMap((receipt) => receipt.logs)),
      gasUsed: this.#gasUsed,
      receipts: this.#receipts,
    }
  }

  /** What the chain's own rules want the header to say of the run; after `finish`. @throws BLOCK_BAD_EXECUTION */
  checkHeader(): void {}

  protected abstract before(): Promise<void>
  protected abstract after(): Promise<void>

  protected keep({ receipt, gas }: TransactionOutcome): void {
    this.#receipts.push(receipt)
    this.#gasUsed += gas
  }

  /** The parent's Bitcoin or beacon block and hash, where contracts can read them. */
  protected async storeParent(): Promise<void> {
    const { common } = this.header
    if (common.isActivatedEIP(4788))
      await this.systemCall('EIP-4788', BEACON_ROOTS, this.header.parentBeaconBlockRoot ?? new Uint8Array(32))
    if (common.isActivatedEIP(2935)) await this.systemCall('EIP-2935', BLOCK_HASHES, this.header.parentHash)
  }

  /** Runs a transaction as in a block with this header. */
  protected async run(tx: TypedTransaction, header: BlockHeader): Promise<TransactionOutcome> {
    if (tx.gasLimit > this.header.gasLimit - this.#gasUsed)
      throw bad('a transaction asks for more gas than the block has left')
    // EthereumJS reads nothing of a block but its header and rules.
    const block = { header, common: header.common } as unknown as NonNullable<RunTxOpts['block']>
    let result
    try {
      const gas = runPlainTransfer(this.machine, tx, header)
      if (gas !== undefined) return this.#transferred(tx, gas)
      result = await runTx(this.machine.vm, {
        tx: withKnownSender(tx),
        block,
        blockGasUsed: this.#gasUsed,
        skipHardForkValidation: true,
      })
    } catch (cause) {
      if (!isVerdict(cause)) throw cause
      throw bad(`a transaction cannot run: ${cause.message}`, cause)
    }
    const { execResult, receipt, totalGasSpent } = result
    const failed = execResult.exceptionError !== undefined
    return {
      gas: totalGasSpent,
      output: execResult.returnValue,
      receipt: {
        type: tx.type,
        status: failed ? 0 : 1,
        // Before Byzantium (EIP-658) a receipt holds the state root after its transaction.
        ...('stateRoot' in receipt ? { postState: toHex(receipt.stateRoot) as Hash32 } : {}),
        cumulativeGasUsed: this.#gasUsed + totalGasSpent,
        logs: failed ? [] : (execResult.logs ?? []).map(formLog),
      },
    }
  }

  #transferred(tx: TypedTransaction, gas: bigint): TransactionOutcome {
    const receipt = { type: tx.type, status: 1, cumulativeGasUsed: this.#gasUsed + gas, logs: [] } as const
    return { gas, output: new Uint8Array(), receipt }
  }

  /** A call by the system address, which costs nobody anything. @throws SYSTEM_CALL_FAILED */
  protected async systemCall(name: string, to: EthereumAddress, data: Uint8Array): Promise<Uint8Array> {
    const { evm, state } = this.machine
    const { execResult } = await evm.runCall({
      caller: SYSTEM,
      to,
      data,
      gasLimit: SYSTEM_CALL_GAS,
      block: { header: withoutBaseFee(this.header) } as never,
      // EthereumJS would leave the system address behind as an account with nonce 1.
      skipNonceIncrement: true,
    })
    if (execResult.exceptionError) throw systemCallFailed(name, execResult.exceptionError.error)
    await evm.journal.cleanup()
    state.originalStorageCache.clear()
    return execResult.returnValue
  }
}

/** The same header with base fee 0: what inherents and system calls see. Only BASEFEE and the fee check differ. */
export function withoutBaseFee(header: BlockHeader): BlockHeader {
  return Object.create(header, { baseFeePerGas: { value: 0n } }) as BlockHeader
}

function formLog([address, topics, data]: [Uint8Array, Uint8Array[], Uint8Array]): Log {
  return { address: toHex(address) as Address, topics: topics.map((topic) => toHex(topic) as Hash32), data }
}

/**
 * Whether an error says something of the transaction. Anything else (a database that cannot be read, memory that ends, a time limit)
 * is this node's own trouble, and no block is bad for it.
 */
function isVerdict(thrown: unknown): thrown is Error {
  return thrown instanceof EthereumJSError || (thrown instanceof AppError && thrown.info.fault !== 'local')
}

/** A block that cannot be what it says. */
export function bad(why: string, cause?: unknown): AppError<ExecutionError> {
  return new AppError<ExecutionError>({ code: 'BLOCK_BAD_EXECUTION', fault: 'peer' }, why, { cause })
}

export function systemCallFailed(name: string, why: string): AppError<ExecutionError> {
  return new AppError<ExecutionError>(
    { code: 'SYSTEM_CALL_FAILED', fault: 'local' },
    `the system call ${name} failed: ${why}`,
  )
}

/** The address as EthereumJS has it. */
export function ethereumAddress(address: Address): EthereumAddress {
  return createAddressFromString(address)
}
