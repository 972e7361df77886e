import {
  concatBytes,
  fromHex,
  keccak256,
  readUintBE,
  toHex,
  uintBE,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { NEXT_SET_HASH_SLOT } from './addresses.ts'

/**
 * Storage of the Validators contract that a node reads the set in force from, and light clients prove (EIP-1186). Layouts
 * are frozen: a test holds these numbers against the compiler's.
 */
export const VALIDATORS_SLOTS = {
  /** validatorSetHash of the set that is in force for the next block. */
  nextSetHash: NEXT_SET_HASH_SLOT,
  /** Low 64 bits: setId. */
  setId: 2n,
  /** Number of seats; the seats begin at keccak256(slot), one word each. */
  seats: 3n,
  /** Mapping of session addresses to their Membership, one word each. */
  memberships: 7n,
  /** Mapping of reported offences. */
  reported: 11n,
} as const

/** What the contract allows: as many as the largest custody committee. */
export const MAX_VALIDATORS = 100

const U64 = (1n << 64n) - 1n
const U48 = (1n << 48n) - 1n
const ADDRESS_MASK = (1n << 160n) - 1n
const WEIGHT = 1n

/** The set in force after a block, as its state has it. */
export interface StoredValidatorSet {
  readonly setId: bigint
  /** Ascending. */
  readonly sessions: readonly Address[]
  /** As many as `sessions`, each 1 for now. */
  readonly weights: readonly bigint[]
}

/** Slots to read first, in the order that `validatorSeatSlots` and `readValidatorSet` take their words. */
export const VALIDATOR_SET_SLOTS: readonly bigint[] = [VALIDATORS_SLOTS.setId, VALIDATORS_SLOTS.seats]

const FIRST_SEAT = readUintBE(keccak256(uintBE(VALIDATORS_SLOTS.seats, 32)))

/** Slots of the seats, given the words of VALIDATOR_SET_SLOTS; none when the words are not a validators contract's. */
export function validatorSeatSlots(head: readonly bigint[]): readonly bigint[] {
  const count = head[1] ?? 0n
  if (count > BigInt(MAX_VALIDATORS)) return []
  return Array.from({ length: Number(count) }, (_, index) => FIRST_SEAT + BigInt(index))
}

/** The set from the words of VALIDATOR_SET_SLOTS and of the slots that `validatorSeatSlots` named. */
export function readValidatorSet(head: readonly bigint[], seats: readonly bigint[]): StoredValidatorSet {
  return {
    setId: (head[0] ?? 0n) & U64,
    sessions: seats.map((seat) => toHex(uintBE(seat & ADDRESS_MASK, 20)) as Address),
    weights: seats.map(() => WEIGHT),
  }
}

/** The slot of a session address's Membership. */
export function membershipSlot(session: Address): Uint8Array {
  return keccak256(concatBytes(new Uint8Array(12), fromHex(session), uintBE(VALIDATORS_SLOTS.memberships, 32)))
}

/** Whether a session address may have sealed a block of a number, given the word of its Membership: as the contract asks it. */
export function mayHaveSealed(membership: bigint, number: bigint): boolean {
  const validatorId = membership & U64
  const at = (offset: bigint) => (membership >> offset) & U48
  const [firstSet, firstBlock, lastBlock] = [at(64n), at(160n), at(208n)]
  // Whoever waits for his seat has none yet.
  return validatorId !== 0n && firstSet !== U48 && firstBlock <= number && number <= lastBlock
}

/**
 * keccak256(abi.encode(uint64 setId, address[] sessions, uint64[] weights)): what stands in slot 0 (protocol.md, section 3).
 * `sessions` ascending, with as many weights.
 */
export function validatorSetHash(setId: bigint, sessions: readonly string[], weights: readonly bigint[]): Hash32 {
  const sessionsOffset = 3 * 32
  const weightsOffset = sessionsOffset + 32 * (1 + sessions.length)
  const words = [
    uintBE(setId, 32),
    uintBE(sessionsOffset, 32),
    uintBE(weightsOffset, 32),
    uintBE(sessions.length, 32),
    ...sessions.map((session) => uintBE(readUintBE(fromHex(session)), 32)),
    uintBE(weights.length, 32),
    ...weights.map((weight) => uintBE(weight, 32)),
  ]
  return toHex(keccak256(concatBytes(...words))) as Hash32
}
