import type { Hash32 } from '@hawser/primitives'
import type { HeaderTree } from '../header-tree.ts'
import type { RoundState } from '../round.ts'
import type { BlockRef, Phase } from '../types.ts'
import type { VoterSet } from '../voter-set.ts'

/** A vote as the oracle counts it. */
export interface PlainVote {
  readonly voter: number
  readonly phase: Phase
  readonly target: BlockRef
}

/** The definitions of consensus.md, 2.3, written down block by block: no graph, no memory, no bits. */
export function naiveRoundState(
  voters: VoterSet,
  base: BlockRef,
  blocks: readonly BlockRef[],
  tree: HeaderTree,
  votes: readonly PlainVote[],
): RoundState {
  const above = (ancestor: Hash32, hash: Hash32): boolean => {
    for (let header = tree.header(hash); header !== undefined; header = tree.header(header.parentHash))
      if (header.hash === ancestor) return true
    return false
  }
  const inBase = blocks.filter((block) => above(base.hash, block.hash))
  const seen = (phase: Phase) => {
    const byVoter = new Map<number, Hash32[]>()
    for (const vote of votes)
      if (vote.phase === phase) byVoter.set(vote.voter, [...(byVoter.get(vote.voter) ?? []), vote.target.hash])
    return byVoter
  }
  const phases = { prevote: seen('prevote'), precommit: seen('precommit') }
  const sum = (phase: Phase, counts: (targets: Hash32[]) => boolean) =>
    [...phases[phase]].reduce((w, [voter, targets]) => w + (counts(targets) ? voters.weightOf(voter) : 0), 0)
  const different = (targets: Hash32[]) => new Set(targets).size > 1
  const participation = (phase: Phase) => sum(phase, () => true)
  const support = (phase: Phase, block: BlockRef) =>
    sum(phase, (targets) => different(targets) || targets.some((target) => above(block.hash, target)))
  const possible = (phase: Phase, block: BlockRef) => {
    const p = participation(phase)
    const supporting = support(phase, block)
    const extra = Math.max(0, Math.min(p - supporting, voters.faulty - sum(phase, different)))
    return supporting + (voters.total - p) + extra >= voters.threshold
  }
  const highest = (candidates: BlockRef[]) =>
    candidates.reduce<BlockRef | undefined>(
      (best, b) => (best === undefined || b.number > best.number ? b : best),
      undefined,
    )

  const nothing = { prevoteGhost: undefined, estimate: undefined, finalized: undefined, completable: false }
  if (participation('prevote') < voters.threshold) return nothing
  const ghost = highest(inBase.filter((block) => support('prevote', block) >= voters.threshold))
  if (ghost === undefined) return nothing
  if (participation('precommit') < voters.threshold)
    return { prevoteGhost: ghost, estimate: ghost, finalized: undefined, completable: false }
  const path = inBase.filter((block) => above(block.hash, ghost.hash))
  const estimate = highest(path.filter((block) => possible('precommit', block)))
  return {
    prevoteGhost: ghost,
    finalized: highest(path.filter((block) => support('precommit', block) >= voters.threshold)),
    estimate,
    completable:
      estimate !== undefined &&
      (estimate.hash !== ghost.hash ||
        !inBase.some((b) => b.hash !== ghost.hash && above(ghost.hash, b.hash) && possible('precommit', b))),
  }
}
