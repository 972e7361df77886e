import { equalBytes } from '@hawser/primitives'
import { EMPTY_ROOT, encodeAccount, encodeWord } from './account.ts'
import { textOf } from './hashed-key.ts'
import type { AccountChange } from './journaled-state.ts'
import type { Link, NodePointer } from './trie-node.ts'
import { findLeaf, trieRoot, walkTrie, type NodeSource } from './trie.ts'
import { TrieUpdate, type TrieItem } from './trie-update.ts'

/** Stands for "no longer there" among flat values: no account and no word is empty. */
export const GONE = new Uint8Array()

/** What a block makes of a state: new tries that are only in memory, and the flat values that differ. */
export interface StateUpdate {
  readonly root: Link | undefined
  /** Roots of storage tries that are new; their nodes come before those of the accounts. */
  readonly storageRoots: readonly Link[]
  /** By the text of keccak256(address): the account's RLP, or GONE. */
  readonly accounts: ReadonlyMap<string, Uint8Array>
  /** By the texts of keccak256(address) and keccak256(slot): the word without leading zeros, or GONE. */
  readonly words: ReadonlyMap<string, Uint8Array>
  /** Stored nodes that the new state does not have. */
  readonly deaths: readonly NodePointer[]
}

/** Takes up changes: first each account's storage, then all the accounts, each trie in one pass. */
export function updateState(
  source: NodeSource,
  root: Link | undefined,
  changes: readonly AccountChange[],
): StateUpdate {
  const update = new TrieUpdate(source)
  const storageRoots: Link[] = []
  const accounts = new Map<string, Uint8Array>()
  const words = new Map<string, Uint8Array>()
  const items: (TrieItem & { readonly text: string })[] = []
  for (const { address, base, record, wiped, slots } of changes) {
    const hadStorage = base !== undefined && !equalBytes(base.storageRoot, EMPTY_ROOT)
    let storage = hadStorage ? findLeaf(source, root, address.bytes)?.storage : undefined
    let storageRoot = hadStorage ? base.storageRoot : EMPTY_ROOT
    if (storage && (wiped || !record)) {
      walkTrie(source, storage, {
        node: (pointer) => update.deaths.push(pointer),
        leaf: (slot) => words.set(address.text + textOf(slot), GONE),
      })
      storage = undefined
      storageRoot = EMPTY_ROOT
    }
    if (!record) {
      accounts.set(address.text, GONE)
      items.push({ key: address.bytes, text: address.text, value: undefined })
      continue
    }
    if (slots.length > 0) {
      const changed = slots
        .map(({ slot, word }) => ({
          key: slot.bytes,
          text: slot.text,
          value: word.length === 0 ? undefined : encodeWord(word),
        }))
        .sort(byText)
      const before = storage
      storage = update.update(before, changed)
      if (storage !== before) storageRoot = trieRoot(storage)
      if (storage?.node) storageRoots.push(storage)
      for (const { slot, word } of slots) words.set(address.text + slot.text, word)
    }
    const value = encodeAccount({ ...record, storageRoot })
    accounts.set(address.text, value)
    items.push({ key: address.bytes, text: address.text, value, storage })
  }
  return { root: update.update(root, items.sort(byText)), storageRoots, accounts, words, deaths: update.deaths }
}

function byText(a: { readonly text: string }, b: { readonly text: string }): number {
  return a.text < b.text ? -1 : a.text > b.text ? 1 : 0
}
