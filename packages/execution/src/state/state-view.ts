import type { StateView } from '@hawser/chain'
import { fromHex, toHex, wei, type Hash32 } from '@hawser/primitives'
import { EMPTY_CODE_HASH } from './account.ts'
import type { BlockState } from './block-state.ts'
import { hashedKey } from './hashed-key.ts'
import { paddedWord } from './journaled-state.ts'
import { findLeaf, proveKey } from './trie.ts'

/** A block's state as the other rooms see it. */
export function stateView(state: BlockState): StateView {
  const accountOf = (address: string) => {
    const record = state.account(hashedKey(fromHex(address)))
    return (
      record && {
        nonce: record.nonce,
        balance: wei(record.balance),
        // Few ask for these.
        get codeHash() {
          return toHex(record.codeHash) as Hash32
        },
        get storageRoot() {
          return toHex(record.storageRoot) as Hash32
        },
      }
    )
  }
  return {
    account: accountOf,
    code(address) {
      const record = state.account(hashedKey(fromHex(address)))
      return !record || record.codeHash === EMPTY_CODE_HASH ? new Uint8Array() : state.code(record.codeHash)
    },
    storage: (address, key) => paddedWord(state.storage(hashedKey(fromHex(address)), hashedKey(key))),
    prove(address, keys) {
      const { nodes, root } = state
      const hashed = hashedKey(fromHex(address))
      const storage = findLeaf(nodes, root, hashed.bytes)?.storage
      return {
        account: accountOf(address),
        accountProof: proveKey(nodes, root, hashed.bytes),
        storage: keys.map((key) => ({
          word: state.storage(hashed, hashedKey(key)),
          proof: proveKey(nodes, storage, hashedKey(key).bytes),
        })),
      }
    },
  }
}
