import { equalBytes } from '@hawser/primitives'
import { EMPTY_CODE_HASH, EMPTY_ROOT, type AccountRecord } from '../state/account.ts'
import type { JournaledState } from '../state/journaled-state.ts'
import type { Snapshot } from './frame.ts'
import { NOTHING } from './frame.ts'
import { addressBytes, bytesOfWord, trimmedBytes, wordOf } from './words.ts'

/** A log as EthereumJS has it: address, topics, data. */
export type RawLog = [Uint8Array, Uint8Array[], Uint8Array]

/** What is warm before the first opcode: the access list, the sender, precompiles and so on. */
export interface WarmAtStart {
  account(address: Uint8Array): boolean
  slot(address: Uint8Array, key: Uint8Array): boolean
}

type Warmed = readonly [account: bigint, slot: bigint | undefined]
type TransientBefore = readonly [account: bigint, key: bigint, value: bigint]

const EMPTY_ACCOUNT: AccountRecord = { nonce: 0n, balance: 0n, storageRoot: EMPTY_ROOT, codeHash: EMPTY_CODE_HASH }
const DELEGATION_BYTES = 23 // EIP-7702: ef0100 and an address

/** Everything that the messages of one transaction share, and that can be undone: state, warmth, transient storage, logs, refunds. */
export class World {
  readonly state: JournaledState
  readonly logs: RawLog[] = []
  /** Words of the accounts that destroyed themselves, and of those that were created; newest last. */
  readonly destroyed: bigint[] = []
  readonly created: bigint[] = []
  /** Accounts that are in the state though they have nothing, and were met: they go at the transaction's end (EIP-161). */
  readonly emptied: Uint8Array[] = []
  refund = 0
  readonly #warmAtStart: WarmAtStart
  readonly #warmAccounts = new Set<bigint>()
  readonly #warmSlots = new Map<bigint, Set<bigint>>()
  readonly #warmed: Warmed[] = []
  readonly #transient = new Map<bigint, Map<bigint, bigint>>()
  readonly #transientBefore: TransientBefore[] = []
  readonly #addresses = new Map<bigint, Uint8Array>()
  readonly #keys = new Map<bigint, Uint8Array>()

  constructor(state: JournaledState, warmAtStart: WarmAtStart) {
    this.state = state
    this.#warmAtStart = warmAtStart
  }

  snapshot(): Snapshot {
    return {
      state: this.state.snapshot(),
      warm: this.#warmed.length,
      transient: this.#transientBefore.length,
      logs: this.logs.length,
      destroyed: this.destroyed.length,
      created: this.created.length,
      emptied: this.emptied.length,
      refund: this.refund,
    }
  }

  revert(to: Snapshot): void {
    this.state.revert(to.state)
    while (this.#warmed.length > to.warm) {
      const [account, slot] = this.#warmed.pop() as Warmed
      if (slot === undefined) this.#warmAccounts.delete(account)
      else this.#warmSlots.get(account)?.delete(slot)
    }
    while (this.#transientBefore.length > to.transient) {
      const [account, key, value] = this.#transientBefore.pop() as TransientBefore
      this.#transient.get(account)?.set(key, value)
    }
    this.logs.length = to.logs
    this.destroyed.length = to.destroyed
    this.created.length = to.created
    this.emptied.length = to.emptied
    this.refund = to.refund
  }

  addressBytes(word: bigint): Uint8Array {
    let bytes = this.#addresses.get(word)
    if (!bytes) {
      bytes = addressBytes(word)
      this.#addresses.set(word, bytes)
    }
    return bytes
  }

  #key(word: bigint): Uint8Array {
    let bytes = this.#keys.get(word)
    if (!bytes) {
      bytes = bytesOfWord(word)
      this.#keys.set(word, bytes)
    }
    return bytes
  }

  // ------------------------------------------------------------- warmth (EIP-2929)

  /** Whether an account was cold; it is warm from now on. */
  warmAccount(account: bigint): boolean {
    if (this.#warmAccounts.has(account)) return false
    this.#warmAccounts.add(account)
    if (this.#warmAtStart.account(this.addressBytes(account))) return false
    this.#warmed.push([account, undefined])
    return true
  }

  /** Whether a slot was cold; it is warm from now on. */
  warmSlot(account: bigint, slot: bigint): boolean {
    let slots = this.#warmSlots.get(account)
    if (!slots) this.#warmSlots.set(account, (slots = new Set()))
    if (slots.has(slot)) return false
    slots.add(slot)
    if (this.#warmAtStart.slot(this.addressBytes(account), this.#key(slot))) return false
    this.#warmed.push([account, slot])
    return true
  }

  // ------------------------------------------------------------- accounts

  account(address: Uint8Array): AccountRecord | undefined {
    return this.state.account(address)
  }

  balance(address: Uint8Array): bigint {
    return this.state.account(address)?.balance ?? 0n
  }

  /** EIP-161: it has nothing that would be missed. */
  isDead(address: Uint8Array): boolean {
    const record = this.state.account(address)
    return !record || (record.nonce === 0n && record.balance === 0n && hasNoCode(record))
  }

  /** A message or a legacy of nothing reaches an account. */
  touch(address: Uint8Array): void {
    if (this.state.account(address) && this.isDead(address)) this.emptied.push(address)
  }

  /** Moves wei; the sender has them. */
  transfer(from: Uint8Array, to: Uint8Array, value: bigint): void {
    if (value === 0n) return
    const sender = this.state.account(from) ?? EMPTY_ACCOUNT
    this.state.putAccount(from, { ...sender, balance: sender.balance - value })
    const receiver = this.state.account(to) ?? EMPTY_ACCOUNT
    this.state.putAccount(to, { ...receiver, balance: receiver.balance + value })
  }

  setBalance(address: Uint8Array, balance: bigint): void {
    this.state.putAccount(address, { ...(this.state.account(address) ?? EMPTY_ACCOUNT), balance })
  }

  setNonce(address: Uint8Array, nonce: bigint): void {
    this.state.putAccount(address, { ...(this.state.account(address) ?? EMPTY_ACCOUNT), nonce })
  }

  /** Whether a contract cannot be created there: EIP-684, EIP-7610. */
  isTaken(address: Uint8Array): boolean {
    const record = this.state.account(address)
    return (
      record !== undefined && (record.nonce > 0n || !hasNoCode(record) || !equalBytes(record.storageRoot, EMPTY_ROOT))
    )
  }

  code(address: Uint8Array): Uint8Array {
    return this.state.code(address)
  }

  /** Where an account's code is only a pointer to another's (EIP-7702): the word of that one. */
  delegateOf(address: Uint8Array): bigint | undefined {
    const code = this.state.code(address)
    if (code.length !== DELEGATION_BYTES || code[0] !== 0xef || code[1] !== 0x01 || code[2] !== 0x00) return undefined
    return wordOf(code.subarray(3))
  }

  codeHash(address: Uint8Array): bigint {
    return this.isDead(address) ? 0n : wordOf((this.state.account(address) as AccountRecord).codeHash)
  }

  // ------------------------------------------------------------- storage

  storage(address: Uint8Array, slot: bigint): bigint {
    return wordOf(this.state.storage(address, this.#key(slot)))
  }

  originalStorage(address: Uint8Array, slot: bigint): bigint {
    return wordOf(this.state.originalStorage(address, this.#key(slot)))
  }

  putStorage(address: Uint8Array, slot: bigint, value: bigint): void {
    this.state.putStorage(address, this.#key(slot), value === 0n ? NOTHING : trimmedBytes(value))
  }

  transient(account: bigint, key: bigint): bigint {
    return this.#transient.get(account)?.get(key) ?? 0n
  }

  putTransient(account: bigint, key: bigint, value: bigint): void {
    let words = this.#transient.get(account)
    if (!words) this.#transient.set(account, (words = new Map()))
    this.#transientBefore.push([account, key, words.get(key) ?? 0n])
    words.set(key, value)
  }
}

function hasNoCode(record: AccountRecord): boolean {
  return record.codeHash === EMPTY_CODE_HASH || equalBytes(record.codeHash, EMPTY_CODE_HASH)
}
