import type { Common } from '@ethereumjs/common'
import type { EVMMockBlockchainInterface } from '@ethereumjs/evm'
import { createVM, type VM } from '@ethereumjs/vm'
import type { BlockRef, StateChange } from '@hawser/chain'
import { fromHex, invariant, ZERO_HASH, type Hash32 } from '@hawser/primitives'
import type { Write } from '@hawser/storage'
import { FastEvm } from './interpreter/fast-evm.ts'
import { fastPrecompiles } from './precompiles/index.ts'
import { rememberJumpDestinations } from './jump-destinations.ts'
import type { BlockState } from './state/block-state.ts'
import { EthereumState } from './state/ethereum-state.ts'
import { JournaledState } from './state/journaled-state.ts'
import type { StateDatabase } from './state/state-database.ts'
import { updateState, type StateUpdate } from './state/state-update.ts'
import { trieRoot } from './state/trie.ts'

/** Interpreters that wait for their next use, for each rule set: making one costs more than most calls. */
const MAX_IDLE = 8

/** Where a machine reads the hashes of earlier blocks for BLOCKHASH; at most 256 back. */
export type BlockHashes = (number: bigint) => Hash32 | undefined

/** An EVM on top of one block's state, with everything that it changes kept apart: for one block or one call. */
export interface Machine {
  readonly vm: VM
  readonly evm: FastEvm
  readonly state: EthereumState
  /** Ends the state's changes and gives the root; `change` tells what led to it. */
  root(): Uint8Array
  /** What the changes up to the last `root` mean for the database, as those of a block; once. */
  change(block: BlockRef): StateChange
  /** The same for the first block, which is final at once. */
  firstState(): readonly Write[]
  /** Gives the interpreter back for others; nothing of the machine may be used afterwards. Without it the machine just goes. */
  release(): void
}

interface Interpreter {
  readonly vm: VM
  readonly evm: FastEvm
  readonly state: EthereumState
  hashes: BlockHashes
  below: BlockState
}

const idle = new WeakMap<Common, Interpreter[]>()

/** A machine on the state `below`, with a rule set. */
export async function openMachine(
  states: StateDatabase,
  common: Common,
  below: BlockState,
  hashes: BlockHashes,
): Promise<Machine> {
  await states.nodes.start()
  const journal = new JournaledState(below)
  const interpreter = idle.get(common)?.pop() ?? (await createInterpreter(common, journal, below, hashes))
  const { vm, evm, state } = interpreter
  state.reset(journal)
  interpreter.hashes = hashes
  interpreter.below = below
  let update: StateUpdate | undefined
  const ended = (): StateUpdate => {
    invariant(update, 'the root was asked for')
    return update
  }
  return {
    vm,
    evm,
    state,
    root() {
      update = updateState(below.nodes, below.root, journal.changes())
      return trieRoot(update.root)
    },
    change: (block) => states.seal(below, ended(), journal, block),
    firstState: () => states.sealFirst(ended(), journal),
    release() {
      evm.journal.cleanJournal()
      evm.transientStorage.clear()
      evm.events.removeAllListeners()
      vm.events.removeAllListeners()
      const waiting = idle.get(common) ?? []
      if (waiting.length < MAX_IDLE && !waiting.includes(interpreter)) waiting.push(interpreter)
      idle.set(common, waiting)
    },
  }
}

async function createInterpreter(
  common: Common,
  journal: JournaledState,
  below: BlockState,
  hashes: BlockHashes,
): Promise<Interpreter> {
  const state = new EthereumState(journal, (now) =>
    trieRoot(updateState(interpreter.below.nodes, interpreter.below.root, now.changes()).root),
  )
  const blockchain: EVMMockBlockchainInterface = {
    getBlock: async (number: number) => ({
      hash: () => Uint8Array.from(fromHex(interpreter.hashes(BigInt(number)) ?? ZERO_HASH)),
    }),
    putBlock: async () => undefined,
    shallowCopy: () => blockchain,
  }
  const evm = new FastEvm({ common, stateManager: state, blockchain, ...(await fastPrecompiles(common)) }, (number) =>
    fromHex(interpreter.hashes(number) ?? ZERO_HASH),
  )
  // A rule set keeps its fork: to listen for another would only keep every interpreter alive that was ever made.
  common.events.removeAllListeners('hardforkChanged')
  const vm = await createVM({ common, stateManager: state, blockchain, evm })
  await rememberJumpDestinations(evm)
  const interpreter: Interpreter = { vm, evm, state, hashes, below }
  return interpreter
}
