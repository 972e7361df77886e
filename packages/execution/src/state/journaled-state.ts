import { concatBytes, equalBytes, invariant, keccak256 } from '@hawser/primitives'
import { EMPTY_CODE_HASH, EMPTY_ROOT, isSameAccount, type AccountRecord } from './account.ts'
import { hashedKey, textOf, type HashedKey } from './hashed-key.ts'
import type { StateReader } from './state-reader.ts'

const NO_BYTES = new Uint8Array()

interface Slot {
  readonly hashed: HashedKey
  /** Before the first change here. */
  readonly base: Uint8Array
  value: Uint8Array
  /** Before the transaction that touched it last. */
  original: Uint8Array
  transaction: number
}

interface Entry {
  readonly hashed: HashedKey
  readonly base: AccountRecord | undefined
  record: AccountRecord | undefined
  slots: Map<string, Slot>
  /** Its storage was cleared: what the reader has does not count. */
  wiped: boolean
  changed: boolean
}

type Undo =
  | { readonly entry: Entry; readonly record: AccountRecord | undefined }
  | { readonly slot: Slot; readonly value: Uint8Array }
  | { readonly entry: Entry; readonly slots: Map<string, Slot>; readonly wiped: boolean }

/** What was changed, by hashed keys: what a trie and a flat state take up. */
export interface AccountChange {
  readonly address: HashedKey
  /** undefined: the account is gone. Its storageRoot is the one before the change. */
  readonly record: AccountRecord | undefined
  readonly base: AccountRecord | undefined
  /** All that the storage held before is gone. */
  readonly wiped: boolean
  /** The slots with another value than before; empty is zero. */
  readonly slots: readonly { readonly slot: HashedKey; readonly word: Uint8Array }[]
}

/**
 * The state as transactions see and change it: flat, synchronous, in memory, over the state of a block. Every change can be undone
 * by going back along a log; nothing is hashed or written before `changes` is asked for.
 */
export class JournaledState {
  readonly reader: StateReader
  readonly #entries = new Map<string, Entry>()
  readonly #codes = new Map<string, Uint8Array>()
  readonly #undo: Undo[] = []
  #transaction = 1

  constructor(reader: StateReader) {
    this.reader = reader
  }

  /** 20-byte address */
  account(address: Uint8Array): AccountRecord | undefined {
    return this.#entry(address).record
  }

  /** Puts an account; its storageRoot is of no account. */
  putAccount(address: Uint8Array, record: AccountRecord): void {
    this.#setRecord(this.#entry(address), record)
  }

  /** The account, its code and its storage go. */
  deleteAccount(address: Uint8Array): void {
    this.clearStorage(address)
    this.#setRecord(this.#entry(address), undefined)
  }

  code(address: Uint8Array): Uint8Array {
    const record = this.#entry(address).record
    if (!record || record.codeHash === EMPTY_CODE_HASH || equalBytes(record.codeHash, EMPTY_CODE_HASH)) return NO_BYTES
    return this.#codes.get(textOf(record.codeHash)) ?? this.reader.code(record.codeHash)
  }

  putCode(address: Uint8Array, code: Uint8Array): void {
    const entry = this.#entry(address)
    const codeHash = code.length === 0 ? EMPTY_CODE_HASH : keccak256(code)
    // Codes are found by their hash: one that no account has any longer does no harm.
    if (code.length > 0) this.#codes.set(textOf(codeHash), code)
    const record = entry.record ?? { nonce: 0n, balance: 0n, storageRoot: EMPTY_ROOT, codeHash }
    this.#setRecord(entry, { ...record, codeHash })
  }

  /** The word at a 32-byte key, without leading zeros. */
  storage(address: Uint8Array, key: Uint8Array): Uint8Array {
    const entry = this.#entry(address)
    return entry.record ? this.#slot(entry, key).value : NO_BYTES
  }

  /** The word before the present transaction (EIP-2200, EIP-3529). */
  originalStorage(address: Uint8Array, key: Uint8Array): Uint8Array {
    const entry = this.#entry(address)
    if (!entry.record) return NO_BYTES
    const slot = this.#slot(entry, key)
    return slot.transaction === this.#transaction ? slot.original : slot.value
  }

  /** A word without leading zeros at a 32-byte key. */
  putStorage(address: Uint8Array, key: Uint8Array, word: Uint8Array): void {
    const entry = this.#entry(address)
    invariant(entry.record, 'storage is put only below an account')
    const slot = this.#slot(entry, key)
    if (slot.transaction !== this.#transaction) {
      slot.original = slot.value
      slot.transaction = this.#transaction
    }
    this.#undo.push({ slot, value: slot.value })
    slot.value = word
    entry.changed = true
  }

  clearStorage(address: Uint8Array): void {
    const entry = this.#entry(address)
    const stored = entry.base !== undefined && !entry.wiped && !equalBytes(entry.base.storageRoot, EMPTY_ROOT)
    if (!stored && entry.slots.size === 0) return
    this.#undo.push({ entry, slots: entry.slots, wiped: entry.wiped })
    entry.slots = new Map()
    entry.wiped = true
    entry.changed = true
    if (entry.record && entry.record.storageRoot !== EMPTY_ROOT)
      this.#setRecord(entry, { ...entry.record, storageRoot: EMPTY_ROOT })
  }

  /** What is original from now on is the present state. */
  beginTransaction(): void {
    this.#transaction++
  }

  /** A position to go back to. */
  snapshot(): number {
    return this.#undo.length
  }

  /** Undoes everything since a position. */
  revert(position: number): void {
    while (this.#undo.length > position) {
      const undo = this.#undo.pop() as Undo
      if ('slot' in undo) undo.slot.value = undo.value
      else if ('slots' in undo) {
        undo.entry.slots = undo.slots
        undo.entry.wiped = undo.wiped
      } else undo.entry.record = undo.record
    }
  }

  /** What differs from the state below; asking does not change anything. */
  changes(): AccountChange[] {
    const changes: AccountChange[] = []
    for (const { hashed, base, record, slots, wiped, changed } of this.#entries.values()) {
      if (!changed) continue
      const words: { slot: HashedKey; word: Uint8Array }[] = []
      if (record)
        for (const slot of slots.values())
          if (!equalBytes(slot.value, slot.base)) words.push({ slot: slot.hashed, word: slot.value })
      const gone = wiped && base !== undefined && !equalBytes(base.storageRoot, EMPTY_ROOT)
      if (words.length === 0 && !gone && isSameAccount(base, record)) continue
      changes.push({ address: hashed, base, record, wiped: gone, slots: words })
    }
    return changes
  }

  /** The codes that were put, by hash. */
  codes(): readonly { readonly hash: Uint8Array; readonly code: Uint8Array }[] {
    return [...this.#codes.values()].map((code) => ({ hash: keccak256(code), code }))
  }

  /** The same state on its own: what either does is hidden from the other; it cannot go back behind this moment. */
  copy(): JournaledState {
    const copy = new JournaledState(this.reader)
    for (const [key, entry] of this.#entries) {
      const slots = new Map([...entry.slots].map(([slotKey, slot]) => [slotKey, { ...slot }] as const))
      copy.#entries.set(key, { ...entry, slots })
    }
    for (const [key, code] of this.#codes) copy.#codes.set(key, code)
    copy.#transaction = this.#transaction
    return copy
  }

  #entry(address: Uint8Array): Entry {
    const text = textOf(address)
    let entry = this.#entries.get(text)
    if (!entry) {
      const hashed = hashedKey(address, text)
      const base = this.reader.account(hashed)
      entry = { hashed, base, record: base, slots: new Map(), wiped: false, changed: false }
      this.#entries.set(text, entry)
    }
    return entry
  }

  #slot(entry: Entry, key: Uint8Array): Slot {
    const text = textOf(key)
    let slot = entry.slots.get(text)
    if (!slot) {
      const hashed = hashedKey(key, text)
      const empty = entry.wiped || !entry.base || entry.base.storageRoot === EMPTY_ROOT
      const base = empty ? NO_BYTES : this.reader.storage(entry.hashed, hashed)
      slot = { hashed, base, value: base, original: base, transaction: 0 }
      entry.slots.set(text, slot)
    }
    return slot
  }

  #setRecord(entry: Entry, record: AccountRecord | undefined): void {
    this.#undo.push({ entry, record: entry.record })
    entry.record = record
    entry.changed = true
  }
}

/** A word of at most 32 bytes without its leading zeros, in memory of its own. */
export function trimmedWord(word: Uint8Array): Uint8Array {
  let start = 0
  while (start < word.length && word[start] === 0) start++
  return word.slice(start)
}

/** The 32-byte word. */
export function paddedWord(word: Uint8Array): Uint8Array {
  return concatBytes(new Uint8Array(32 - word.length), word)
}
