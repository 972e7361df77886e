import type { Round } from './round.ts'
import type { Phase, SignedVote, VoteInventory } from './types.ts'

/**
 * What a node holds of a round: two bits a voter. Single votes of the voters that `again` names are said to be missing:
 * of an equivocator the peer may hold the other one, and then both hold one.
 */
export function inventoryOf(round: Round, again: (voter: number) => boolean = () => false): VoteInventory {
  const pack = (phase: Phase) => {
    const bytes = new Uint8Array(Math.ceil(round.voters.size / 4))
    for (let voter = 0; voter < round.voters.size; voter++) {
      const held = round.held(phase, voter)
      if (held === 0 || (held === 1 && again(voter))) continue
      bytes[voter >> 2] = (bytes[voter >> 2] ?? 0) | (held << (2 * (voter & 3)))
    }
    return bytes
  }
  return { round: round.round, prevotes: pack('prevote'), precommits: pack('precommit') }
}

/** The votes of a round that an inventory lacks, at most `max`. */
export function votesMissingFrom(inventory: VoteInventory, round: Round, max: number): SignedVote[] {
  const missing: SignedVote[] = []
  for (const phase of ['prevote', 'precommit'] as const) {
    const bits = phase === 'prevote' ? inventory.prevotes : inventory.precommits
    for (let voter = 0; voter < round.voters.size; voter++) {
      const held = ((bits[voter >> 2] ?? 0) >> (2 * (voter & 3))) & 3
      if (round.held(phase, voter) > held) missing.push(...round.votesOf(phase, voter))
    }
  }
  return missing.slice(0, max)
}
