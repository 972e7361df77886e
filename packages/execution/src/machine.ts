import type { Common } from '@ethereumjs/common'
import { createEVM, type EVMInterface, type EVMMockBlockchainInterface } from '@ethereumjs/evm'
import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { Caches, MerkleStateManager } from '@ethereumjs/statemanager'
import { ValueEncoding } from '@ethereumjs/util'
import { createVM, type VM } from '@ethereumjs/vm'
import { AppError, fromHex, messageOf, ZERO_HASH, type Hash32 } from '@hawser/primitives'
import type { KeyValueStore, Write } from '@hawser/storage'
import type { ExecutionError } from './errors.ts'
import { TrieDatabase, type NodeCache } from './trie-database.ts'

/** Where a machine reads the hashes of earlier blocks for BLOCKHASH; at most 256 back. */
export type BlockHashes = (number: bigint) => Hash32 | undefined

/** An EVM on top of one state root, with everything that it writes kept apart. Made for one block or one call, then dropped. */
export interface Machine {
  readonly vm: VM
  readonly evm: EVMInterface
  readonly state: MerkleStateManager
  /** The root of what was flushed. */
  root(): Uint8Array
  writes(): Write[]
}

export interface MachineParts {
  readonly common: Common
  readonly store: KeyValueStore
  readonly nodes: NodeCache
}

/** @throws STATE_MISSING when the root is not in the database */
export async function openMachine(
  parts: MachineParts,
  root: Uint8Array | undefined,
  hashes: BlockHashes,
): Promise<Machine> {
  const { common } = parts
  const database = new TrieDatabase(parts.store, parts.nodes)
  const trie = new MerklePatriciaTrie({
    db: database,
    useKeyHashing: true,
    common,
    valueEncoding: ValueEncoding.Bytes,
    root: undefined,
  })
  // Ordered maps, not LRU caches: nothing that is not yet flushed may be evicted.
  const state = new MerkleStateManager({ trie, common, caches: new Caches() })
  if (root) {
    try {
      await state.setStateRoot(root)
    } catch (cause) {
      throw new AppError<ExecutionError>(
        { code: 'STATE_MISSING', fault: 'local' },
        `state is not available: ${messageOf(cause)}`,
        {
          cause,
        },
      )
    }
  }
  const blockchain: EVMMockBlockchainInterface = {
    getBlock: async (number: number) => ({ hash: () => Uint8Array.from(fromHex(hashes(BigInt(number)) ?? ZERO_HASH)) }),
    putBlock: async () => undefined,
    shallowCopy: () => blockchain,
  }
  const evm = await createEVM({ common, stateManager: state, blockchain })
  const vm = await createVM({ common, stateManager: state, blockchain, evm })
  return { vm, evm, state, root: () => trie.root(), writes: () => database.writes() }
}
