import type { Block } from '@ethereumjs/block'
import type { Log } from '@hawser/chain'
import { EthereumBlockRun } from '../ethereum/ethereum-block-run.ts'
import type { Machine } from '../machine.ts'
import { applyMessage, type Message, type MessageChecks, type MessageResult } from './message.ts'

/** A block of messages instead of signed transactions: the same before and after them. */
export class SimulatedBlockRun extends EthereumBlockRun {
  readonly #checks: MessageChecks

  constructor(machine: Machine, block: Pick<Block, 'header' | 'uncleHeaders' | 'withdrawals'>, checks: MessageChecks) {
    super(machine, block)
    this.#checks = checks
  }

  /** @throws CALL_… when the message could not stand in a block */
  async message(message: Message, type: number): Promise<MessageResult> {
    const result = await applyMessage(this.machine, this.header, message, this.#checks)
    const logs: readonly Log[] = result.logs
    this.keep({
      gas: result.gasUsed,
      output: result.output,
      receipt: {
        type,
        status: result.exception === undefined ? 1 : 0,
        cumulativeGasUsed: this.gasUsed + result.gasUsed,
        logs,
      },
    })
    return result
  }
}
