import type { Block, BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type {
  BlockRef,
  CallOutcome,
  CallRequest,
  Cancellable,
  Executed,
  StateChange,
  StateSource,
  StateView,
} from '@hawser/chain'
import { toHex, type Hash32 } from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import { blockHashes } from './block-hashes.ts'
import { bad, type BlockResult, type BlockRun } from './block-run.ts'
import { callHeader, estimateGas, runCall } from './call.ts'
import { openMachine, type BlockHashes, type Machine } from './machine.ts'
import { StateDatabase, type History } from './state/state-database.ts'
import { stateSource } from './state/state-source.ts'
import { stateView } from './state/state-view.ts'

export interface EngineParts {
  readonly store: KeyValueStore
  /** Headers by hash: how BLOCKHASH walks back along a fork. */
  readonly headerOf: (hash: Hash32) => BlockHeader | undefined
  /** How many final states are kept; all of them unless it is said. */
  readonly history?: History
}

const references = new WeakMap<BlockHeader, BlockRef>()

/** Executes blocks and calls on EthereumJS's interpreter, with a block loop of our own; a chain's own rules are in a subclass. */
export abstract class EthereumJsEngine {
  readonly #parts: EngineParts
  readonly #states: StateDatabase

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#states = new StateDatabase(parts.store, parts.history)
  }

  /**
   * A block's run on top of its parent, after the checks that need the parent's state; `begin` is the caller's.
   * @throws BLOCK_BAD_EXECUTION, STATE_MISSING
   */
  abstract openRun(parent: BlockHeader, block: Block): Promise<{ readonly machine: Machine; readonly run: BlockRun }>

  async execute(parent: BlockHeader, block: Block, { signal }: Cancellable = {}): Promise<Executed> {
    const { header } = block
    const { machine, run } = await this.openRun(parent, block)
    try {
      await run.begin()
      for (const tx of block.transactions) {
        signal?.throwIfAborted()
        await run.transaction(tx)
      }
      return await this.finish(machine, run, header)
    } catch (error) {
      machine.release()
      throw error
    }
  }

  async call(at: BlockHeader, request: CallRequest): Promise<CallOutcome> {
    const machine = await this.machine(at)
    try {
      const gas = request.gas !== undefined && request.gas < at.gasLimit ? request.gas : at.gasLimit
      return await runCall(machine, callHeader(at, request), request, gas)
    } finally {
      machine.release()
    }
  }

  async estimateGas(at: BlockHeader, request: CallRequest): Promise<bigint | CallOutcome> {
    const machine = await this.machine(at)
    try {
      return await estimateGas(machine, callHeader(at, request), request)
    } finally {
      machine.release()
    }
  }

  stateAt(block: BlockHeader): StateView {
    return stateView(this.#states.open(referenceTo(block)))
  }

  /** The number of the oldest final block whose state is here. */
  oldestState(): bigint {
    return this.#states.oldest()
  }

  /** Parts of the states that are kept, for other nodes. */
  stateSource(): StateSource {
    return stateSource(this.#states, this.#parts.store)
  }

  finalize(path: readonly BlockRef[], abandoned: readonly BlockRef[]): StateChange {
    return this.#states.finalize(path, abandoned)
  }

  /**
   * A machine on the state after a block; it runs by that block's rules unless others are given. `above` tells BLOCKHASH of blocks
   * after it, which are only simulated.
   */
  async machine(parent: BlockHeader, common: Common = parent.common, above?: BlockHashes): Promise<Machine> {
    const below = blockHashes({ ...referenceTo(parent), header: parent }, this.#parts.headerOf)
    return openMachine(this.#states, common, this.#states.open(referenceTo(parent)), (number) =>
      number > parent.number ? above?.(number) : below(number),
    )
  }

  /** Ends a run and compares what it came to with the header. @throws BLOCK_BAD_EXECUTION */
  protected async finish(machine: Machine, run: BlockRun, header: BlockHeader): Promise<Executed> {
    const result = await run.finish()
    compare('stateRoot', toHex(header.stateRoot), result.stateRoot)
    compare('receiptsRoot', toHex(header.receiptTrie), result.receiptsRoot)
    compare('gasUsed', header.gasUsed, result.gasUsed)
    compare('logsBloom', toHex(header.logsBloom), toHex(result.logsBloom))
    run.checkHeader()
    return this.executed(machine, result, header)
  }

  /** What a run came to, as the block with this header; the machine is given back. */
  protected executed(machine: Machine, result: BlockResult, header: BlockHeader): Executed {
    const state = machine.change(referenceTo(header))
    machine.release()
    return { ...result, state }
  }
}

/** A block by number and hash, which is computed once for each header. */
function referenceTo(header: BlockHeader): BlockRef {
  let reference = references.get(header)
  if (!reference) {
    reference = { number: header.number, hash: toHex(header.hash()) as Hash32 }
    references.set(header, reference)
  }
  return reference
}

function compare(field: string, header: string | bigint, ours: string | bigint): void {
  if (header !== ours) throw bad(`${field} is ${header} in the header, execution gave ${ours}`)
}
