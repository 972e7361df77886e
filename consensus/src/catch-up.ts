import { err, ok, type Result } from '@hawser/primitives'
import { isAncestorOrSelf, type ChainView } from './chain-view.ts'
import { expandVotes, indexVotes } from './commit.ts'
import { Round, type RoundChain } from './round.ts'
import type { BlockRef, CatchUpResponse, Phase, SignedVote } from './types.ts'
import type { VoterSet } from './voter-set.ts'

/** Why a catch-up was not taken over. `unknown-block` may pass later; `invalid` is the sender's fault. */
export type CatchUpFault = 'unknown-block' | 'invalid' | 'not-completable'

/** All votes of a round, as an answer to a node behind. */
export function buildCatchUp(round: Round): CatchUpResponse {
  const targets: BlockRef[] = []
  return {
    setId: round.voters.setId,
    round: round.round,
    base: round.base,
    prevotes: indexVotes(round.votes('prevote'), targets),
    precommits: indexVotes(round.votes('precommit'), targets),
    targets,
  }
}

/**
 * The block that a round is counted on: the sender's base where it is final here too, else our own last final block below it.
 * Any base at or below the targets gives the same round, but rounds to come stand on it, so it must not be the sender's word.
 */
function baseFor({ number, hash }: BlockRef, chain: CatchUpChain): BlockRef | undefined {
  const final = chain.finalized()
  if (isAncestorOrSelf(chain, { number, hash }, final.hash)) return { number, hash }
  return isAncestorOrSelf(chain, final, hash) ? { number: final.number, hash: final.hash } : undefined
}

type CatchUpChain = RoundChain & Pick<ChainView, 'finalized'>

/**
 * The completable round that a catch-up describes: a supermajority of distinct members in both phases, every signature
 * valid. Votes of the round that we hold already are counted besides: any set of true votes is a possible view.
 */
export function checkCatchUp(
  response: CatchUpResponse,
  voters: VoterSet,
  chain: CatchUpChain,
  held: Round | undefined,
  verifyVote: (vote: SignedVote) => boolean,
): Result<Round, CatchUpFault> {
  if (response.setId !== voters.setId) return err('invalid')
  const phases: readonly (readonly [Phase, SignedVote[]])[] = [
    ['prevote', expandVotes(response, 'prevote', response.prevotes)],
    ['precommit', expandVotes(response, 'precommit', response.precommits)],
  ]
  for (const [, votes] of phases) {
    if (votes.length > 2 * voters.size || votes.some((vote) => vote.voter >= voters.size)) return err('invalid')
    const distinct = new Set(votes.map((vote) => vote.voter))
    if ([...distinct].reduce((sum, voter) => sum + voters.weightOf(voter), 0) < voters.threshold) return err('invalid')
  }
  const known = chain.header(response.base.hash)
  if (known === undefined) return err('unknown-block')
  if (known.number !== response.base.number) return err('invalid')
  const base = baseFor(response.base, chain)
  if (base === undefined) return err('not-completable')
  const round = new Round(response.round, voters, base, chain)
  for (const [phase, votes] of phases)
    for (const vote of votes) {
      if (!verifyVote(vote)) return err('invalid')
      if (round.import(phase, vote) === 'unknown-block') return err('unknown-block')
    }
  if (held !== undefined) for (const [phase] of phases) for (const vote of held.votes(phase)) round.import(phase, vote)
  const { completable, estimate } = round.state
  return completable && estimate !== undefined ? ok(round) : err('not-completable')
}
