import { naiveRoundState, type PlainVote } from '../../consensus/src/testing/naive-round.ts'
import { testTree, testVote, testVoters } from '../../consensus/src/testing/fixtures.ts'
import { Round, type BlockRef, type Phase } from './cores.ts'
import { between, pick, prng, sample, type Draw } from './prng.ts'

export interface OracleFailure {
  readonly seed: number
  readonly rule: 'oracle'
  readonly message: string
}

const MOST_BLOCKS = 30
const MOST_VOTERS = 12

/** A tree, a set with weights, and votes of whom at most f equivocate; every honest target is at or above every base. */
export function scenarioOf(draw: Draw) {
  const voters = testVoters(
    Array.from({ length: between(draw, 1, MOST_VOTERS) }, () => (draw() < 0.7 ? 1 : between(draw, 1, 4))),
  )
  // A trunk below, and branches above it: bases are taken from the trunk.
  const trunk = between(draw, 0, 4)
  const size = between(draw, trunk, MOST_BLOCKS - 1)
  const parents = Array.from({ length: size }, (_, i) =>
    i < trunk ? i : Math.max(trunk, i - Math.floor(3 * draw() ** 2 * (i - trunk + 1))),
  )
  const { tree, blocks } = testTree(parents)
  const upper = blocks.slice(trunk)
  const faulty = new Set<number>()
  let weight = 0
  for (const voter of sample(draw, [...voters.voters.keys()], voters.size))
    if (draw() < 0.5 && weight + voters.weightOf(voter) <= voters.faulty) {
      faulty.add(voter)
      weight += voters.weightOf(voter)
    }
  const votes: PlainVote[] = []
  const near = between(draw, 1, 8)
  const target = (from: readonly BlockRef[]) =>
    from[Math.max(0, from.length - 1 - Math.floor(draw() * near))] as BlockRef
  for (let voter = 0; voter < voters.size; voter++)
    for (const phase of ['prevote', 'precommit'] as const) {
      if (draw() < 0.15) continue
      const first = faulty.has(voter) ? pick(draw, blocks) : target(upper)
      votes.push({ voter, phase, target: first })
      const second = pick(draw, blocks)
      if (faulty.has(voter) && second.hash !== first.hash) votes.push({ voter, phase, target: second })
    }
  const base = blocks[between(draw, 0, trunk)] as BlockRef
  return {
    voters,
    tree,
    blocks,
    votes,
    shuffled: sample(draw, votes, votes.length),
    base,
    lowest: blocks[0] as BlockRef,
  }
}

/**
 * For random scenarios: any order of arrival gives one state, any base at or below all honest targets too, and it is what
 * the definitions say, block by block (consensus.md, 5.3).
 */
export function runOracle(from: number, seeds: number): { runs: number; failures: OracleFailure[] } {
  const failures: OracleFailure[] = []
  for (let seed = from; seed < from + seeds && failures.length === 0; seed++) {
    const message = oracleFault(prng(seed, 'oracle'))
    if (message) failures.push({ seed, rule: 'oracle', message })
  }
  return { runs: seeds, failures }
}

export function oracleFault(draw: Draw): string | undefined {
  const { voters, tree, blocks, votes, shuffled, base, lowest } = scenarioOf(draw)
  const total = voters.voters.reduce((sum, voter) => sum + voter.weight, 0)
  const f = Math.floor((total - 1) / 3)
  if (voters.threshold !== total - f || voters.faulty !== f) return `threshold ${voters.threshold} of ${total}`
  const run = (order: readonly PlainVote[], on: BlockRef) => {
    const round = new Round(1n, voters, on, tree)
    for (const { phase, voter, target } of order) round.import(phase as Phase, testVote(phase, voter, target))
    return round
  }
  const show = (state: Round['state']) =>
    [state.prevoteGhost?.hash, state.estimate?.hash, state.finalized?.hash]
      .map((hash) => hash?.slice(-3) ?? '-')
      .join(' ') + ` ${state.completable}`
  const state = show(run(votes, base).state)
  if (show(run(shuffled, base).state) !== state)
    return `another order: ${show(run(shuffled, base).state)}, not ${state}`
  const naive = show(naiveRoundState(voters, base, blocks, tree, votes))
  if (naive !== state) return `the definitions say ${naive}, the round ${state}`
  const lower = show(run(shuffled, lowest).state)
  // A base above a faulty vote counts it for no block; where that decides, the states differ with right.
  if (lower !== state && votes.every(({ target }) => target.number >= base.number))
    return `from a lower base: ${lower}, not ${state}`
  return undefined
}
