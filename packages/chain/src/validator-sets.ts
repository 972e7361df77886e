import {
  readValidatorSet,
  systemContracts,
  validatorSeatSlots,
  VALIDATOR_SET_SLOTS,
  VALIDATORS_SLOTS,
  type StoredValidatorSet,
} from '@hawser/contracts'
import { readUintBE, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import type { StateView } from './ports.ts'

/** Who seals blocks and votes, as the `Validators` contract fixes it at the end of an epoch (protocol.md, section 3). */
export type ValidatorSet = StoredValidatorSet

/** Sets kept by the hash that stands for them: forks across an epoch's end, and the sets of late. */
const MAX_CACHED_SETS = 16
/** Blocks whose set is remembered: the unfinalised ones, with all their forks. */
const MAX_CACHED_BLOCKS = 1024

const VALIDATORS = systemContracts.validators as Address

/**
 * The validator set for a block stands in its parent's state, and only an epoch's last block changes it. Reading it costs
 * one word where the set is known: slot 0 holds its hash.
 */
export class ValidatorSets {
  readonly #stateAfter: (block: Hash32) => Pick<StateView, 'storage'>
  readonly #byHash = new Map<bigint, ValidatorSet>()
  readonly #byBlock = new Map<Hash32, ValidatorSet>()

  /** `stateAfter` opens the state after a block. @throws whatever it throws, such as STATE_MISSING */
  constructor(stateAfter: (block: Hash32) => Pick<StateView, 'storage'>) {
    this.#stateAfter = stateAfter
  }

  /** The set in force for a block's children. @throws STATE_MISSING for a block whose state is not kept */
  after(block: Hash32): ValidatorSet {
    const known = this.#byBlock.get(block)
    if (known !== undefined) return known
    const state = this.#stateAfter(block)
    const read = (slot: bigint) => readUintBE(state.storage(VALIDATORS, uintBE(slot, 32)))
    const hash = read(VALIDATORS_SLOTS.nextSetHash)
    let set = this.#byHash.get(hash)
    if (set === undefined) {
      const head = VALIDATOR_SET_SLOTS.map(read)
      set = readValidatorSet(head, validatorSeatSlots(head).map(read))
      remember(this.#byHash, hash, set, MAX_CACHED_SETS)
    }
    remember(this.#byBlock, block, set, MAX_CACHED_BLOCKS)
    return set
  }
}

function remember<K, V>(cache: Map<K, V>, key: K, value: V, max: number): void {
  cache.set(key, value)
  const oldest = cache.keys().next()
  if (cache.size > max && !oldest.done) cache.delete(oldest.value)
}
