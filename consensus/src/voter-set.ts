import { AppError, type Address } from '@hawser/primitives'

/** The most voters of a set: one commit by all of them stays below 250 kB, and an index fits in a u16. */
export const MAX_VOTERS = 1024

/** A voter's session address and weight (a whole number above 0). */
export interface VoterEntry {
  readonly id: Address
  readonly weight: number
}

/** Who may vote and what a vote weighs: ascending by address; duplicated ids accumulate weight (consensus.md, 2.1). */
export class VoterSet {
  readonly setId: bigint
  readonly voters: readonly VoterEntry[]
  /** W: the sum of weights. */
  readonly total: number
  /** f = floor((W - 1) / 3): the weight that may misbehave. */
  readonly faulty: number
  /** q = W - f: the weight that decides. */
  readonly threshold: number
  readonly #indexes: ReadonlyMap<Address, number>

  /** @throws VOTER_SET_INVALID */
  constructor(setId: bigint, entries: readonly VoterEntry[]) {
    const weights = new Map<Address, number>()
    for (const { id, weight } of entries) {
      if (!Number.isSafeInteger(weight) || weight < 1) throw invalid(`the weight of ${id} is ${weight}`)
      weights.set(id, (weights.get(id) ?? 0) + weight)
    }
    if (weights.size === 0 || weights.size > MAX_VOTERS) throw invalid(`1 to ${MAX_VOTERS} voters are needed`)
    this.setId = setId
    this.voters = [...weights].map(([id, weight]) => ({ id, weight })).sort((a, b) => (a.id < b.id ? -1 : 1))
    this.total = this.voters.reduce((sum, voter) => sum + voter.weight, 0)
    if (!Number.isSafeInteger(this.total)) throw invalid('the weights add up to more than 2^53 - 1')
    this.faulty = Math.floor((this.total - 1) / 3)
    this.threshold = this.total - this.faulty
    this.#indexes = new Map(this.voters.map((voter, index) => [voter.id, index]))
  }

  get size(): number {
    return this.voters.length
  }

  /** The voter at an index of the ascending order, undefined beyond the end. */
  at(index: number): VoterEntry | undefined {
    return this.voters[index]
  }

  indexOf(id: Address): number | undefined {
    return this.#indexes.get(id)
  }

  weightOf(index: number): number {
    return this.voters[index]?.weight ?? 0
  }

  /** The index of the voter that may hint in a round: round mod n. */
  primaryOf(round: bigint): number {
    return Number(round % BigInt(this.size))
  }
}

function invalid(why: string): AppError {
  return new AppError({ code: 'VOTER_SET_INVALID', fault: 'user' }, `not a voter set: ${why}`)
}
