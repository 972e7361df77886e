import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAncestorOrSelf } from './chain-view.ts'
import { Round } from './round.ts'
import { testHash, testTree, testVote, testVoters } from './testing/fixtures.ts'
import { naiveRoundState, type PlainVote } from './testing/naive-round.ts'
import type { BlockRef, Phase } from './types.ts'

/** A chain 0-1-2-3-4 with a branch 2-5-6. */
const CHAIN = [0, 1, 2, 3, 2, 5]

function importAll(round: Round, votes: readonly PlainVote[]): void {
  for (const vote of votes) round.import(vote.phase, testVote(vote.phase, vote.voter, vote.target))
}

/** Trees, weights and votes in which at most f of the weight equivocates. */
const scenario = fc
  .record({
    weights: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 12 }),
    shape: fc.array(fc.nat(), { minLength: 1, maxLength: 29 }),
    draws: fc.array(fc.record({ voter: fc.nat(), phase: fc.boolean(), target: fc.nat(), other: fc.nat() }), {
      maxLength: 40,
    }),
    equivocators: fc.array(fc.nat(), { maxLength: 4 }),
    base: fc.nat(),
    order: fc.infiniteStream(fc.nat()).map((stream) => Array.from({ length: 90 }, () => stream.next().value as number)),
  })
  .map(({ weights, shape, draws, equivocators, base, order }) => {
    const voters = testVoters(weights)
    const { tree, blocks } = testTree(shape.map((n, i) => Math.max(0, i - (n % 3))))
    const faulty = new Set<number>()
    let faultyWeight = 0
    for (const n of equivocators) {
      const voter = n % voters.size
      if (faulty.has(voter) || faultyWeight + voters.weightOf(voter) > voters.faulty) continue
      faulty.add(voter)
      faultyWeight += voters.weightOf(voter)
    }
    const votes: PlainVote[] = []
    const voted = new Set<string>()
    for (const draw of draws) {
      const voter = draw.voter % voters.size
      const phase: Phase = draw.phase ? 'prevote' : 'precommit'
      if (voted.has(`${voter}${phase}`)) continue
      voted.add(`${voter}${phase}`)
      // Targets lean towards the tip, so that supermajorities happen.
      const pick = (n: number) => blocks[blocks.length - 1 - (n % Math.min(blocks.length, 4 + (n % 20)))] as BlockRef
      votes.push({ voter, phase, target: pick(draw.target) })
      if (faulty.has(voter)) votes.push({ voter, phase, target: pick(draw.other) })
    }
    const shuffled = votes
      .map((vote, i) => ({ vote, key: order[i] ?? 0 }))
      .sort((a, b) => a.key - b.key)
      .map((entry) => entry.vote)
    return { voters, tree, blocks, votes, shuffled, base: blocks[base % Math.min(4, blocks.length)] as BlockRef }
  })

describe('a round', () => {
  it('ends in the same state for any order of arrival, and agrees with the definitions written out', () => {
    fc.assert(
      fc.property(scenario, ({ voters, tree, blocks, votes, shuffled, base }) => {
        const inOrder = new Round(1n, voters, base, tree)
        importAll(inOrder, votes)
        const otherOrder = new Round(1n, voters, base, tree)
        importAll(otherOrder, shuffled)
        const strip = (state: Round['state']) => ({
          ghost: state.prevoteGhost?.hash,
          estimate: state.estimate?.hash,
          finalized: state.finalized?.hash,
          completable: state.completable,
        })
        expect(strip(otherOrder.state)).toEqual(strip(inOrder.state))
        expect(strip(inOrder.state)).toEqual(strip(naiveRoundState(voters, base, blocks, tree, votes)))
      }),
      { numRuns: 2000 },
    )
  })

  it('ends in the same state on any base at or below all targets', () => {
    fc.assert(
      fc.property(scenario, fc.nat(), ({ voters, tree, blocks, votes, shuffled }, pick) => {
        // The last common ancestor of all targets, and any block below it: bases of nodes that finalised less.
        const above = (block: BlockRef) => votes.every(({ target }) => isAncestorOrSelf(tree, block, target.hash))
        const bases = blocks.filter(above)
        const high = bases.reduce<BlockRef>((a, b) => (b.number > a.number ? b : a), blocks[0] as BlockRef)
        const low = bases[pick % bases.length] as BlockRef
        const [one, other] = [high, low].map((base) => new Round(1n, voters, base, tree)) as [Round, Round]
        importAll(one, votes)
        importAll(other, shuffled)
        expect(other.state.prevoteGhost?.hash).toBe(one.state.prevoteGhost?.hash)
        expect(other.state.finalized?.hash).toBe(one.state.finalized?.hash)
        expect(other.state.completable).toBe(one.state.completable)
        expect(other.state.estimate?.hash).toBe(one.state.estimate?.hash)
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps its invariants after every vote', () => {
    fc.assert(
      fc.property(scenario, ({ voters, tree, shuffled, blocks }) => {
        const round = new Round(1n, voters, blocks[0] as BlockRef, tree)
        const below = (a: BlockRef | undefined, b: BlockRef | undefined) =>
          a === undefined || (b !== undefined && isAncestorOrSelf(tree, a, b.hash))
        let before = round.state
        for (const vote of shuffled) {
          importAll(round, [vote])
          const { state } = round
          expect(below(before.prevoteGhost, state.prevoteGhost)).toBe(true)
          expect(below(before.finalized, state.finalized)).toBe(true)
          expect(below(state.estimate, state.prevoteGhost)).toBe(true)
          expect(below(state.finalized, state.estimate)).toBe(true)
          if (before.completable) {
            expect(state.completable).toBe(true)
            expect(below(state.estimate, before.estimate)).toBe(true)
          }
          before = state
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is completable with an estimate once everybody has voted above the base', () => {
    fc.assert(
      fc.property(scenario, fc.array(fc.nat(), { minLength: 20, maxLength: 20 }), ({ voters, tree, blocks }, picks) => {
        const round = new Round(1n, voters, blocks[0] as BlockRef, tree)
        for (let voter = 0; voter < voters.size; voter++)
          importAll(round, [
            { voter, phase: 'prevote', target: blocks[(picks[voter] ?? 0) % blocks.length] as BlockRef },
          ])
        const ghost = round.state.prevoteGhost as BlockRef
        for (let voter = 0; voter < voters.size; voter++)
          importAll(round, [{ voter, phase: 'precommit', target: ghost }])
        expect(round.state).toEqual({ prevoteGhost: ghost, estimate: ghost, finalized: ghost, completable: true })
      }),
      { numRuns: 300 },
    )
  })

  it('counts an equivocator for every block', () => {
    const { tree, blocks } = testTree(CHAIN)
    const round = new Round(1n, testVoters(4), blocks[0] as BlockRef, tree)
    const vote = (voter: number, target: number): PlainVote => ({
      voter,
      phase: 'prevote',
      target: blocks[target] as BlockRef,
    })
    importAll(round, [vote(0, 4), vote(1, 4), vote(3, 6)])
    expect(round.state.prevoteGhost).toEqual({ number: 2n, hash: blocks[2]?.hash })
    importAll(round, [vote(3, 5)])
    expect(round.state.prevoteGhost).toEqual({ number: 4n, hash: blocks[4]?.hash })
  })

  it('counts a vote beside its base as participation that supports no block', () => {
    const { tree, blocks } = testTree(CHAIN)
    const round = new Round(1n, testVoters(4), blocks[3] as BlockRef, tree)
    const at = (index: number) => blocks[index] as BlockRef
    importAll(round, [
      { voter: 0, phase: 'prevote', target: at(4) },
      { voter: 1, phase: 'prevote', target: at(4) },
      { voter: 3, phase: 'prevote', target: at(6) },
    ])
    expect(round.participation('prevote')).toBe(3)
    expect(round.state.prevoteGhost).toBeUndefined()
    importAll(round, [{ voter: 2, phase: 'prevote', target: at(3) }])
    expect(round.state.prevoteGhost?.hash).toBe(at(3).hash)
  })

  it('tells duplicates, third votes and unknown blocks apart', () => {
    const { tree, blocks } = testTree(CHAIN)
    const round = new Round(1n, testVoters(4), blocks[0] as BlockRef, tree)
    const vote = (target: BlockRef) => round.import('prevote', testVote('prevote', 0, target))
    const [one, two, three] = blocks.slice(1) as unknown as [BlockRef, BlockRef, BlockRef]
    expect(vote({ number: 9n, hash: testTree([]).blocks[0]?.parentHash as BlockRef['hash'] })).toBe('unknown-block')
    expect([vote(one), vote(one), vote(two), vote(three)]).toEqual(['accepted', 'duplicate', 'equivocation', 'ignored'])
    expect(round.history.length).toBe(2)
  })
})

describe('a vote that supports no block', () => {
  const { tree, blocks } = testTree(CHAIN)
  const at = (index: number) => blocks[index] as BlockRef
  const beside: BlockRef = { number: 3n, hash: testHash(99) }

  it('counts as participation with a wrong number, and is no second vote for the block', () => {
    const round = new Round(1n, testVoters(4), at(0), tree)
    const wrong = { ...at(4), number: 9n }
    importAll(round, [
      { voter: 0, phase: 'prevote', target: at(4) },
      { voter: 1, phase: 'prevote', target: at(4) },
      { voter: 2, phase: 'prevote', target: wrong },
    ])
    expect(round.participation('prevote')).toBe(3)
    expect(round.state.prevoteGhost).toBeUndefined()
    // One hash under two numbers was signed twice: it counts for every block.
    expect(round.import('prevote', testVote('prevote', 2, at(4)))).toBe('equivocation')
    expect(round.state.prevoteGhost?.hash).toBe(at(4).hash)
  })

  it('counts for the base when its block lies beside the final chain, and waits while the block may come', () => {
    const final = testTree(CHAIN)
    const round = new Round(1n, testVoters(4), at(2), final.tree)
    expect(round.import('prevote', testVote('prevote', 3, beside))).toBe('unknown-block')
    final.tree.finalize(at(3))
    expect(round.import('prevote', testVote('prevote', 3, beside))).toBe('accepted')
    importAll(round, [
      { voter: 0, phase: 'prevote', target: at(3) },
      { voter: 1, phase: 'prevote', target: at(3) },
    ])
    // Two of four for block 3; the third supports what is common to all forks, the base.
    expect(round.state.prevoteGhost?.hash).toBe(at(2).hash)
  })
})

describe('thresholds', () => {
  it('are W - floor((W - 1) / 3)', () => {
    const expected = { 1: 1, 4: 3, 7: 5, 10: 7, 31: 21, 100: 67, 1000: 667 }
    for (const [n, q] of Object.entries(expected)) expect(testVoters(Number(n)).threshold).toBe(q)
  })
})
