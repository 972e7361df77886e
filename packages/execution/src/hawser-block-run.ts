import type { BlockHeader } from '@ethereumjs/block'
import type { TypedTransaction } from '@ethereumjs/tx'
import { createAddressFromString } from '@ethereumjs/util'
import { inherentGasCap, isInherentShape, type ChainSpec } from '@hawser/chain'
import { systemContracts } from '@hawser/contracts'
import { toHex, type Address } from '@hawser/primitives'
import { bad, BlockRun, systemCallFailed, withoutBaseFee, type TransactionOutcome } from './block-run.ts'
import type { Machine } from './machine.ts'
import { functionData } from './system-calls.ts'

const FEE_POOL = createAddressFromString(systemContracts.feePool)
const VALIDATORS = createAddressFromString(systemContracts.validators)

/**
 * Hawser's blocks (protocol.md section 2): inherents without fees, paid transactions, the fee pool's credit, the
 * end-of-block calls.
 */
export class HawserBlockRun extends BlockRun {
  readonly #spec: ChainSpec
  readonly #author: Address
  readonly #feeFree: BlockHeader
  #paidGas = 0n

  constructor(machine: Machine, spec: ChainSpec, header: BlockHeader, author: Address) {
    super(machine, header)
    this.#spec = spec
    this.#author = author
    this.#feeFree = withoutBaseFee(header)
  }

  /** An inherent that reverts makes the block invalid: it throws and leaves no trace. */
  async transaction(tx: TypedTransaction): Promise<TransactionOutcome> {
    if (isInherentShape(tx)) return this.#inherent(tx)
    const outcome = await this.run(tx, this.header)
    this.keep(outcome)
    this.#paidGas += outcome.gas
    return outcome
  }

  protected override before(): Promise<void> {
    return this.storeParent()
  }

  protected override async after(): Promise<void> {
    const { state } = this.machine
    const feesWei = this.#paidGas * (this.header.baseFeePerGas ?? 0n)
    if (feesWei > 0n) {
      const pool = await state.getAccount(FEE_POOL)
      if (!pool) throw systemCallFailed('fee pool', 'the contract is missing')
      pool.balance += feesWei
      await state.putAccount(FEE_POOL, pool)
    }
    await this.systemCall('FeePool.onBlock', FEE_POOL, functionData('onBlock', this.#author))
    if (this.header.number % BigInt(this.#spec.epochBlocks) === 0n)
      await this.systemCall('Validators.closeEpoch', VALIDATORS, functionData('closeEpoch'))
  }

  async #inherent(tx: TypedTransaction): Promise<TransactionOutcome> {
    const { state } = this.machine
    const gasLeft = inherentGasCap(this.header.gasLimit) - this.gasUsed
    if (tx.gasLimit > gasLeft) throw bad(`an inherent asks for ${tx.gasLimit} gas, ${gasLeft} are left`)
    await state.checkpoint()
    try {
      const outcome = await this.run(tx, this.#feeFree)
      if (outcome.receipt.status !== 1) throw bad(`an inherent reverted with ${toHex(outcome.output.subarray(0, 256))}`)
      await state.commit()
      this.keep(outcome)
      return outcome
    } catch (error) {
      await state.revert()
      throw error
    }
  }
}
