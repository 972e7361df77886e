import type { FinalityRoundView, FinalityVoterView } from '@hawser/chain'
import type { Round } from './round.ts'

/** A round for people and tools: who voted for what, who is missing, and what the votes decide (consensus.md, 2.3). */
export function roundView(round: Round): FinalityRoundView {
  const { voters, base } = round
  const { prevoteGhost, estimate, finalized, completable } = round.state
  return {
    setId: voters.setId,
    round: round.round,
    // The set is never empty.
    primary: (voters.at(voters.primaryOf(round.round)) as { id: FinalityVoterView['validator'] }).id,
    totalWeight: voters.total,
    threshold: voters.threshold,
    prevoteWeight: round.participation('prevote'),
    precommitWeight: round.participation('precommit'),
    voters: voters.voters.map(({ id, weight }, index): FinalityVoterView => {
      const [prevote] = round.votesOf('prevote', index)
      const [precommit] = round.votesOf('precommit', index)
      return {
        validator: id,
        weight,
        ...(prevote && { prevote: { number: prevote.number, hash: prevote.hash } }),
        ...(precommit && { precommit: { number: precommit.number, hash: precommit.hash } }),
        equivocated: round.held('prevote', index) === 2 || round.held('precommit', index) === 2,
      }
    }),
    base,
    ...(prevoteGhost && { prevoteGhost }),
    ...(estimate && { estimate }),
    ...(finalized && { finalized }),
    completable,
  }
}
