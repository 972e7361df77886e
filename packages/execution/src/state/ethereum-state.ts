import type { AccountFields, StateManagerInterface } from '@ethereumjs/common'
import { Account, type Address } from '@ethereumjs/util'
import { invariant } from '@hawser/primitives'
import { EMPTY_CODE_HASH, EMPTY_ROOT } from './account.ts'
import { trimmedWord, type JournaledState } from './journaled-state.ts'

/** How EthereumJS sees a journaled state: its StateManager interface, asynchronous over what is synchronous. */
export class EthereumState implements StateManagerInterface {
  /** What stands behind it; a pooled machine is pointed at another one. */
  journal: JournaledState
  readonly #root: (journal: JournaledState) => Uint8Array
  #checkpoints: number[] = []

  readonly originalStorageCache = {
    get: async (address: Address, key: Uint8Array): Promise<Uint8Array> =>
      this.journal.originalStorage(address.bytes, key),
    clear: (): void => this.journal.beginTransaction(),
  }

  /** `root` computes the state root as it would be now. */
  constructor(journal: JournaledState, root: (journal: JournaledState) => Uint8Array) {
    this.journal = journal
    this.#root = root
  }

  /** Points it at another state, with no checkpoint open. */
  reset(journal: JournaledState): void {
    this.journal = journal
    this.#checkpoints = []
  }

  async getAccount(address: Address): Promise<Account | undefined> {
    const record = this.journal.account(address.bytes)
    // EthereumJS changes what it is given.
    return record && new Account(record.nonce, record.balance, record.storageRoot, record.codeHash)
  }

  async putAccount(address: Address, account?: Account): Promise<void> {
    if (!account) return this.journal.deleteAccount(address.bytes)
    const { nonce, balance, storageRoot, codeHash } = account
    this.journal.putAccount(address.bytes, { nonce, balance, storageRoot, codeHash })
  }

  async deleteAccount(address: Address): Promise<void> {
    this.journal.deleteAccount(address.bytes)
  }

  async modifyAccountFields(address: Address, fields: AccountFields): Promise<void> {
    const record = this.journal.account(address.bytes)
    this.journal.putAccount(address.bytes, {
      nonce: fields.nonce ?? record?.nonce ?? 0n,
      balance: fields.balance ?? record?.balance ?? 0n,
      storageRoot: fields.storageRoot ?? record?.storageRoot ?? EMPTY_ROOT,
      codeHash: fields.codeHash ?? record?.codeHash ?? EMPTY_CODE_HASH,
    })
  }

  async putCode(address: Address, code: Uint8Array): Promise<void> {
    this.journal.putCode(address.bytes, code)
  }

  async getCode(address: Address): Promise<Uint8Array> {
    return this.journal.code(address.bytes)
  }

  async getCodeSize(address: Address): Promise<number> {
    return this.journal.code(address.bytes).length
  }

  async getStorage(address: Address, key: Uint8Array): Promise<Uint8Array> {
    return this.journal.storage(address.bytes, key)
  }

  async putStorage(address: Address, key: Uint8Array, value: Uint8Array): Promise<void> {
    this.journal.putStorage(address.bytes, key, trimmedWord(value))
  }

  async clearStorage(address: Address): Promise<void> {
    this.journal.clearStorage(address.bytes)
  }

  async checkpoint(): Promise<void> {
    this.#checkpoints.push(this.journal.snapshot())
  }

  async commit(): Promise<void> {
    this.#close()
  }

  async revert(): Promise<void> {
    this.journal.revert(this.#close())
  }

  #close(): number {
    const position = this.#checkpoints.pop()
    invariant(position !== undefined, 'a checkpoint is open')
    if (this.#checkpoints.length === 0) this.journal.beginTransaction()
    return position
  }

  /** The root as it is now, in the middle of a block too: receipts before Byzantium hold it. */
  async getStateRoot(): Promise<Uint8Array> {
    return this.#root(this.journal)
  }

  /** A state is opened by its block, never by its root. */
  async setStateRoot(): Promise<void> {
    invariant(false, 'a state is opened by its block')
  }

  async hasStateRoot(): Promise<boolean> {
    return false
  }

  /** There is nothing that is not part of the state. */
  clearCaches(): void {}

  /** The same state on its own, without open checkpoints. */
  shallowCopy(): EthereumState {
    return new EthereumState(this.journal.copy(), this.#root)
  }
}
