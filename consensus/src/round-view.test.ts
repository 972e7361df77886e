import { expect, it } from 'vitest'
import { roundView } from './round-view.ts'
import { Round } from './round.ts'
import { testTree, testVote, testVoters } from './testing/fixtures.ts'
import type { BlockRef } from './types.ts'

const { tree, blocks } = testTree([0, 1, 1])
const [base, one, two, other] = blocks as unknown as [BlockRef, BlockRef, BlockRef, BlockRef]
const ref = ({ number, hash }: BlockRef) => ({ number, hash })

it('tells of every voter what it voted for, who is missing and who voted twice', () => {
  const voters = testVoters(4, 7n)
  const round = new Round(6n, voters, base, tree)
  for (const [voter, target] of [
    [0, two],
    [1, two],
    [2, two],
    [2, other],
  ] as const)
    round.import('prevote', testVote('prevote', voter, target, 6n, 7n))
  round.import('precommit', testVote('precommit', 0, one, 6n, 7n))
  const view = roundView(round)
  expect(view).toMatchObject({
    setId: 7n,
    round: 6n,
    // Round mod n.
    primary: voters.at(2)?.id,
    totalWeight: 4,
    threshold: 3,
    prevoteWeight: 3,
    precommitWeight: 1,
    completable: false,
  })
  expect(view.prevoteGhost).toMatchObject(ref(two))
  expect(view.voters[0]).toEqual({
    validator: voters.at(0)?.id,
    weight: 1,
    prevote: ref(two),
    precommit: ref(one),
    equivocated: false,
  })
  expect(view.voters[2]).toMatchObject({ prevote: ref(two), equivocated: true })
  expect(view.voters[3]).toEqual({ validator: voters.at(3)?.id, weight: 1, equivocated: false })
})
