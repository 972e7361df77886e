import type { BlockRef, StateRange, StateSource } from '@hawser/chain'
import { isAppError } from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import { readRange } from './range-reader.ts'
import { codeKey } from './state-keys.ts'
import type { StateDatabase } from './state-database.ts'
import { findLeaf } from './trie.ts'

/** Reads ranges from the tries of the states that are kept: they stay as they are while the chain moves on. */
export function stateSource(states: StateDatabase, store: KeyValueStore): StateSource {
  return {
    range(block: BlockRef, account, origin, limit, maxBytes): StateRange | undefined {
      try {
        const { root, nodes } = states.open(block)
        if (!account) return readRange(nodes, root, origin, limit, maxBytes)
        const leaf = findLeaf(nodes, root, account)
        return leaf && readRange(nodes, leaf.storage, origin, limit, maxBytes)
      } catch (error) {
        if (isAppError(error, 'STATE_MISSING')) return undefined
        throw error
      }
    },
    code: (hash) => store.get(codeKey(hash)),
  }
}
