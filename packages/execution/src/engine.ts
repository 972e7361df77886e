import type { Block, BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type { CallOutcome, CallRequest, Cancellable, Executed, StateView } from '@hawser/chain'
import { toHex, wei, type Hash32 } from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import { bad, ethereumAddress, type BlockResult, type BlockRun } from './block-run.ts'
import { callHeader, estimateGas, runCall } from './call.ts'
import { openMachine, type Machine } from './machine.ts'
import { NodeCache } from './trie-database.ts'

export interface EngineParts {
  readonly store: KeyValueStore
  /** Headers by hash: how BLOCKHASH walks back along a fork. */
  readonly headerOf: (hash: Hash32) => BlockHeader | undefined
}

/** Executes blocks and calls on EthereumJS's interpreter, with a block loop of our own; a chain's own rules are in a subclass. */
export abstract class EthereumJsEngine {
  readonly #parts: EngineParts
  readonly #nodes = new NodeCache()

  constructor(parts: EngineParts) {
    this.#parts = parts
  }

  /**
   * A block's run on top of its parent, after the checks that need the parent's state; `begin` is the caller's.
   * @throws BLOCK_BAD_EXECUTION, STATE_MISSING
   */
  abstract openRun(parent: BlockHeader, block: Block): Promise<{ readonly machine: Machine; readonly run: BlockRun }>

  async execute(parent: BlockHeader, block: Block, { signal }: Cancellable = {}): Promise<Executed> {
    const { header } = block
    const { machine, run } = await this.openRun(parent, block)
    await run.begin()
    for (const tx of block.transactions) {
      signal?.throwIfAborted()
      await run.transaction(tx)
    }
    return this.finish(machine, run, header)
  }

  async call(at: BlockHeader, request: CallRequest): Promise<CallOutcome> {
    const machine = await this.machine(at)
    const gas = request.gas !== undefined && request.gas < at.gasLimit ? request.gas : at.gasLimit
    return runCall(machine, callHeader(at, request), request, gas)
  }

  async estimateGas(at: BlockHeader, request: CallRequest): Promise<bigint | CallOutcome> {
    return estimateGas(await this.machine(at), callHeader(at, request), request)
  }

  stateAt(block: BlockHeader): StateView {
    const opened = this.machine(block)
    // Whoever reads awaits it; an unread view must not bring the process down.
    opened.catch(() => undefined)
    return {
      async account(address) {
        const account = await (await opened).state.getAccount(ethereumAddress(address))
        return (
          account && {
            nonce: account.nonce,
            balance: wei(account.balance),
            codeHash: toHex(account.codeHash) as Hash32,
            storageRoot: toHex(account.storageRoot) as Hash32,
          }
        )
      },
      async code(address) {
        return (await opened).state.getCode(ethereumAddress(address))
      },
      async storage(address, key) {
        const value = await (await opened).state.getStorage(ethereumAddress(address), key)
        const word = new Uint8Array(32)
        word.set(value, 32 - value.length)
        return word
      },
    }
  }

  /** A machine on the state after a block; it runs by that block's rules unless others are given. */
  machine(parent: BlockHeader, common: Common = parent.common): Promise<Machine> {
    const { headerOf, store } = this.#parts
    return openMachine({ common, store, nodes: this.#nodes }, parent.stateRoot, (number) => {
      let header: BlockHeader | undefined = parent
      while (header && header.number > number) header = headerOf(toHex(header.parentHash) as Hash32)
      return header && header.number === number ? (toHex(header.hash()) as Hash32) : undefined
    })
  }

  /** Ends a run and compares what it came to with the header. @throws BLOCK_BAD_EXECUTION */
  protected async finish(machine: Machine, run: BlockRun, header: BlockHeader): Promise<Executed> {
    const result = await run.finish()
    compare('stateRoot', toHex(header.stateRoot), result.stateRoot)
    compare('receiptsRoot', toHex(header.receiptTrie), result.receiptsRoot)
    compare('gasUsed', header.gasUsed, result.gasUsed)
    compare('logsBloom', toHex(header.logsBloom), toHex(result.logsBloom))
    return this.executed(machine, result)
  }

  protected executed(machine: Machine, result: BlockResult): Executed {
    return { ...result, state: machine.writes() }
  }
}

function compare(field: string, header: string | bigint, ours: string | bigint): void {
  if (header !== ours) throw bad(`${field} is ${header} in the header, execution gave ${ours}`)
}
