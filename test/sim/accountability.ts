import type { Address } from '@hawser/primitives'
import { Violation } from './checks.ts'
import { faultyOf } from './config.ts'
import {
  isAncestorOrSelf,
  readRecords,
  Round,
  type BlockRef,
  type Commit,
  type Phase,
  type SignedVote,
} from './cores.ts'
import type { Simulation } from './simulation.ts'

/**
 * Who is to blame for two conflicting final blocks, from the two commits and from what honest nodes have on disk
 * (consensus.md, 2.11): those who voted twice in one phase, and those who voted against the first block in a later round
 * and cannot show votes of the round before that allowed it. Faulty voters show nothing.
 */
export function offendersOf(sim: Simulation, one: Commit, other: Commit): ReadonlySet<Address> {
  const { world } = sim
  const [first, second] = one.round <= other.round ? [one, other] : [other, one]
  const voters = world.setFor(world.get(first.target.hash))
  const stored = new Map(
    sim.honest.map((node) => {
      const records = [...node.disk.state.records].map(([key, value]) => ({ key, value }))
      return [node, new Map(readRecords(voters.setId, records).map((round) => [round.round, round]))] as const
    }),
  )
  const votes: SignedVote[] = [...commitVotes(first), ...commitVotes(second)]
  for (const rounds of stored.values()) for (const round of rounds.values()) votes.push(...round.votes)

  const offenders = new Set<number>()
  const targets = new Map<string, string>()
  for (const { round, kind, voter, hash } of votes) {
    if (kind === 'primary') continue
    const place = `${round}/${kind}/${voter}`
    const known = targets.get(place)
    if (known !== undefined && known !== hash) offenders.add(voter)
    else targets.set(place, hash)
  }

  for (const vote of votes) {
    if (vote.kind !== 'prevote' || vote.round <= first.round || vote.round > second.round) continue
    if (isAncestorOrSelf(world, first.target, vote.hash)) continue
    const node = sim.honest.find(({ address }) => address === voters.at(vote.voter)?.id)
    const before = node && stored.get(node)?.get(vote.round - 1n)
    if (before?.base === undefined) {
      offenders.add(vote.voter)
      continue
    }
    const view = new Round(before.round, voters, before.base, world)
    for (const held of before.votes) view.import(held.kind as Phase, held)
    const { estimate } = view.state
    if (estimate !== undefined && isAncestorOrSelf(world, first.target, estimate.hash)) offenders.add(vote.voter)
  }
  return new Set([...offenders].flatMap((voter) => voters.at(voter)?.id ?? []))
}

/** Whether safety broke in a run with too many faulty voters; what was collected must then name more than f of them (N1). */
export function checkAccountability(sim: Simulation): boolean {
  const [conflict] = sim.checks.conflicts
  if (conflict === undefined) return false
  const { voters, faulty } = { voters: sim.world.genesis.after, faulty: faultyOf(sim.config.faults) }
  const named = offendersOf(sim, conflict.first, conflict.second)
  const guilty = new Set(faulty.map((node) => sim.keys.addressOf(node)))
  for (const offender of named)
    if (!guilty.has(offender)) throw new Violation('N1', `honest ${offender} is blamed for two final blocks`)
  const weight = [...named].reduce((sum, id) => sum + voters.weightOf(voters.indexOf(id) as number), 0)
  if (weight <= voters.faulty)
    throw new Violation(
      'N1',
      `two final blocks, and offenders of weight ${weight} alone are found, f is ${voters.faulty}`,
    )
  return true
}

function commitVotes({ setId, round, targets, precommits }: Commit): SignedVote[] {
  return precommits.map(({ target, voter, signature }) => {
    const { number, hash } = targets[target] as BlockRef
    return { setId, round, kind: 'precommit', number, hash, voter, signature }
  })
}
