import type { AccountRecord } from './account.ts'
import type { HashedKey } from './hashed-key.ts'

/** The state after one block, read only and synchronous. Whatever is missing for good throws STATE_MISSING. */
export interface StateReader {
  account(address: HashedKey): AccountRecord | undefined
  /** The word at a slot without leading zeros; empty when it is zero. */
  storage(address: HashedKey, slot: HashedKey): Uint8Array
  /** The code with a hash that an account has. */
  code(hash: Uint8Array): Uint8Array
}
