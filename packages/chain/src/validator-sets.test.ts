import { systemContracts, validatorSeatSlots, VALIDATORS_SLOTS } from '@hawser/contracts'
import { readUintBE, toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { ValidatorSets } from './validator-sets.ts'

const hashOf = (n: number) => toHex(uintBE(n, 32)) as Hash32
const addressOf = (n: number) => toHex(uintBE(n, 20)) as Address

/** A state whose contract names a set; the slot's hash is any number that is the set's own. */
function stateOf(setId: bigint, members: readonly number[], reads: bigint[]) {
  const words = new Map<bigint, bigint>([
    [VALIDATORS_SLOTS.nextSetHash, 1000n + setId],
    // Other values stand above the id in its word.
    [VALIDATORS_SLOTS.setId, (77n << 64n) | setId],
    [VALIDATORS_SLOTS.seats, BigInt(members.length)],
    ...validatorSeatSlots([setId, BigInt(members.length)]).map(
      (slot, i) => [slot, (9n << 160n) | BigInt(members[i] as number)] as const,
    ),
  ])
  return {
    storage(address: Address, key: Uint8Array) {
      expect(address).toBe(systemContracts.validators)
      const slot = readUintBE(key)
      reads.push(slot)
      return uintBE(words.get(slot) ?? 0n, 32)
    },
  }
}

describe('the validator set after a block', () => {
  it('is what the contract’s seats say, and costs one word where the set is known', () => {
    const reads: bigint[] = []
    const opened: Hash32[] = []
    const sets = new ValidatorSets((block) => {
      opened.push(block)
      return block === hashOf(3) ? stateOf(1n, [4, 6], reads) : stateOf(0n, [4, 5], reads)
    })
    expect(sets.after(hashOf(1))).toEqual({ setId: 0n, sessions: [4, 5].map(addressOf), weights: [1n, 1n] })
    expect(reads).toHaveLength(5)
    expect(sets.after(hashOf(2))).toBe(sets.after(hashOf(1)))
    expect(reads.slice(5)).toEqual([VALIDATORS_SLOTS.nextSetHash])
    expect(sets.after(hashOf(3))).toEqual({ setId: 1n, sessions: [4, 6].map(addressOf), weights: [1n, 1n] })
    // A fork beside it keeps the old set, and a block that was asked about is not opened again.
    expect(sets.after(hashOf(2)).setId).toBe(0n)
    expect(opened).toEqual([1, 2, 3].map(hashOf))
  })
})
