import { describe, expect, it } from 'vitest'
import { indexVotes } from './commit.ts'
import type { HeaderTree } from './header-tree.ts'
import { testHash, testTree, testVote, testVoters } from './testing/fixtures.ts'
import type { BlockRef, CatchUpResponse, NeighbourPacket, SignedVote } from './types.ts'
import { readRecords, type VoteRecord } from './vote-records.ts'
import type { VoterEffect, VoterEvent } from './voter-events.ts'
import { Voter } from './voter.ts'

const T = 100
const BAD = Uint8Array.of(1)

const trees = new WeakMap<Voter, HeaderTree>()
const finalize = (voter: Voter, block: BlockRef) => trees.get(voter)?.finalize(block)

function setup(local?: number, parents: readonly number[] = [0, 1, 2]) {
  const { tree, blocks } = testTree(parents)
  const voter = new Voter({
    voters: testVoters(4),
    local,
    gossipMs: T,
    base: blocks[0] as BlockRef,
    verifyVote: (vote) => vote.signature.length === 65,
    chain: tree,
  })
  trees.set(voter, tree)
  return { voter, blocks, at: (index: number) => blocks[index] as BlockRef }
}

const ofType = <K extends VoterEffect['type']>(effects: readonly VoterEffect[], type: K) =>
  effects.filter((effect): effect is VoterEffect & { type: K } => effect.type === type)
const packet = (round: bigint): NeighbourPacket => ({ setId: 1n, round, finalizedNumber: 0n, stuck: false, have: [] })

/** Round `round`: three prevotes for block 1, precommits that leave it possible and finalise the base alone. */
function openRound(round: bigint, at: (index: number) => BlockRef): CatchUpResponse {
  const targets: BlockRef[] = []
  const votes = (kind: 'prevote' | 'precommit', blocks: readonly number[]) =>
    indexVotes(
      blocks.map((block, voter) => testVote(kind, voter, at(block), round)),
      targets,
    )
  const prevotes = votes('prevote', [1, 1, 1])
  const precommits = votes('precommit', [1, 0, 0])
  return { setId: 1n, round, base: { number: at(0).number, hash: at(0).hash }, targets, prevotes, precommits }
}

describe('a voter', () => {
  it('has its decision on disk before it signs', () => {
    const effects = setup(0).voter.handle({ type: 'start' }, 0)
    const sign = effects.findIndex((effect) => effect.type === 'signAndSendVote')
    expect(sign).toBeGreaterThan(0)
    expect(effects[sign - 1]).toMatchObject({ type: 'persist', sync: true })
  })

  it('does not vote while there is no block above the final one', () => {
    const { voter } = setup(0, [])
    expect(ofType(voter.handle({ type: 'start' }, 0), 'signAndSendVote')).toEqual([])
    for (let t = T; t < 50 * T; t += T)
      expect(ofType(voter.handle({ type: 'timer', id: 'tick' }, t), 'signAndSendVote')).toEqual([])
    expect(voter.stuck).toBe(false)
  })

  it('finalises by late votes of a round that a catch-up has passed over', () => {
    const { voter, at } = setup(3)
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'neighbour', peer: 'p', packet: packet(4n) }, 1)
    voter.handle({ type: 'catchUpReceived', peer: 'p', response: openRound(3n, at) }, 2)
    expect(voter.round).toBe(4n)
    const late = (['prevote', 'precommit'] as const).flatMap((kind) =>
      [0, 1, 2].flatMap((index) => voter.handle({ type: 'voteReceived', vote: testVote(kind, index, at(1)) }, 3)),
    )
    expect(ofType(late, 'finalize').map((effect) => effect.block.number)).toEqual([1n])
  })

  it('gets the other vote of an equivocator when it is stuck, though its peer holds one vote of it too', () => {
    const { voter: here, at } = setup(0)
    const there = setup(1).voter
    for (const voter of [here, there]) voter.handle({ type: 'start' }, 0)
    here.handle({ type: 'voteReceived', peer: 'b', vote: testVote('precommit', 3, at(1)) }, 1)
    there.handle({ type: 'voteReceived', peer: 'a', vote: testVote('precommit', 3, at(2)) }, 1)
    here.handle({ type: 'neighbour', peer: 'b', packet: packet(1n) }, 1)
    const pulled = (ms: number) => {
      const [pull] = ofType(here.handle({ type: 'timer', id: 'tick' }, ms), 'pullVotes')
      if (pull === undefined) return undefined
      const answer = there.handle({ type: 'missingVotesRequested', peer: 'a', packet: pull.packet }, ms)
      return ofType(answer, 'answerVotes')[0]?.votes.filter((vote) => vote.voter === 3).length
    }
    expect(pulled(5 * T)).toBe(0)
    expect(pulled(11 * T)).toBe(1)
  })

  it('takes over a catch-up with a vote for a block beside its final chain, which will never come', () => {
    const { voter, at } = setup(3)
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'neighbour', peer: 'p', packet: packet(4n) }, 1)
    const open = openRound(3n, at)
    const beside = { number: 1n, hash: testHash(99) }
    const { signature } = testVote('prevote', 3, beside)
    const response = {
      ...open,
      targets: [...open.targets, beside],
      prevotes: [...open.prevotes, { target: open.targets.length, voter: 3, signature }],
    }
    // While block 1 is not final here, the other block of that number may still come.
    expect(ofType(voter.handle({ type: 'catchUpReceived', peer: 'p', response }, 2), 'persist')).toEqual([])
    expect(voter.round).toBe(1n)
    finalize(voter, at(1))
    voter.handle({ type: 'finalizedExternally', block: at(1) }, 3)
    expect(voter.round).toBe(4n)
  })

  it('follows without a key: counts votes, finalises, signs nothing', () => {
    const { voter, at } = setup()
    const all = voter.handle({ type: 'start' }, 0)
    for (const kind of ['prevote', 'precommit'] as const)
      for (const index of [0, 1, 2])
        all.push(...voter.handle({ type: 'voteReceived', peer: 'p', vote: testVote(kind, index, at(3)) }, 1))
    expect(ofType(all, 'finalize').map((effect) => effect.block)).toEqual([{ number: 3n, hash: at(3).hash }])
    expect(ofType(all, 'signAndSendVote')).toEqual([])
    expect(voter.round).toBe(2n)
  })

  it('repeats after a restart what it had decided, even when the head is another now', () => {
    const first = setup(0)
    const records = ofType(first.voter.handle({ type: 'start' }, 0), 'persist').map((effect) => effect.record)
    const { tree } = testTree([0, 1, 2, 3])
    const again = new Voter({
      voters: testVoters(4),
      local: 0,
      gossipMs: T,
      base: first.at(0),
      verifyVote: () => true,
      chain: tree,
      records,
    })
    const votes = ofType(again.handle({ type: 'start' }, 0), 'signAndSendVote').map((effect) => effect.vote)
    expect(votes).toMatchObject([{ kind: 'prevote', round: 1n, hash: first.at(3).hash }])
  })

  it('parks two votes of a voter and phase for unknown blocks, and no more', () => {
    const { voter } = setup(0)
    voter.handle({ type: 'start' }, 0)
    for (let n = 100; n < 120; n++)
      voter.handle({ type: 'voteReceived', vote: testVote('prevote', 1, { number: 9n, hash: testHash(n) }) }, 1)
    expect(voter.parked).toBe(2)
    const asked = ofType(voter.handle({ type: 'timer', id: 'tick' }, 10 * T), 'requestBlock')
    expect(asked.length).toBe(2)
  })

  it('blames bad signatures and strangers, and ignores other sets and far rounds without blame', () => {
    const { voter, at } = setup(0)
    voter.handle({ type: 'start' }, 0)
    const answer = (vote: SignedVote) => {
      const effects = voter.handle({ type: 'voteReceived', peer: 'p', vote }, 1)
      return [ofType(effects, 'verdict')[0]?.verdict, ofType(effects, 'reportPeer')[0]?.delta]
    }
    const vote = testVote('prevote', 1, at(3))
    expect(answer({ ...vote, signature: BAD })).toEqual(['reject', -100])
    expect(answer({ ...vote, voter: 4 })).toEqual(['reject', -150])
    expect(answer({ ...vote, setId: 2n })).toEqual(['ignore', undefined])
    expect(answer({ ...vote, round: 9n })).toEqual(['ignore', undefined])
    expect(answer(vote)).toEqual(['accept', undefined])
    expect(answer(vote)).toEqual(['ignore', undefined])
  })

  it('asks for a catch-up three rounds behind at once, one round behind only when stuck, and one at a time', () => {
    const far = setup(0).voter
    far.handle({ type: 'start' }, 0)
    const asked = ofType(far.handle({ type: 'neighbour', peer: 'p', packet: packet(5n) }, 1), 'requestCatchUp')
    expect(asked).toMatchObject([{ peer: 'p', request: { setId: 1n, round: 4n } }])
    expect(ofType(far.handle({ type: 'neighbour', peer: 'q', packet: packet(9n) }, 2), 'requestCatchUp')).toEqual([])

    const near = setup(0).voter
    near.handle({ type: 'start' }, 0)
    expect(ofType(near.handle({ type: 'neighbour', peer: 'p', packet: packet(2n) }, 1), 'requestCatchUp')).toEqual([])
    const late = near.handle({ type: 'timer', id: 'tick' }, 11 * T)
    expect(near.stuck).toBe(true)
    expect(ofType(late, 'requestCatchUp')).toMatchObject([{ request: { round: 1n } }])
  })

  it('does not take a catch-up that it did not ask for, or that lacks votes', () => {
    const { voter, at } = setup(0)
    voter.handle({ type: 'start' }, 0)
    const response = { setId: 1n, round: 4n, base: at(0), targets: [], prevotes: [], precommits: [] }
    voter.handle({ type: 'catchUpReceived', peer: 'p', response }, 1)
    expect(voter.round).toBe(1n)
    voter.handle({ type: 'neighbour', peer: 'p', packet: packet(5n) }, 2)
    const effects = voter.handle({ type: 'catchUpReceived', peer: 'p', response }, 3)
    expect(ofType(effects, 'reportPeer')[0]?.delta).toBe(-5000)
    expect(voter.round).toBe(1n)
  })

  it('takes over a completed round whose signatures and weights hold, and blames one where they do not', () => {
    const answer = (voters: readonly number[], signature = new Uint8Array(65)) => {
      const { voter, at } = setup(0)
      voter.handle({ type: 'start' }, 0)
      voter.handle({ type: 'neighbour', peer: 'p', packet: packet(5n) }, 1)
      const votes = voters.map((index) => ({ target: 0, voter: index, signature: new Uint8Array(65) }))
      const precommits = votes.map((vote, i) => (i === 0 ? { ...vote, signature } : vote))
      const response = { setId: 1n, round: 4n, base: at(0), targets: [at(3)], prevotes: votes, precommits }
      const effects = voter.handle({ type: 'catchUpReceived', peer: 'p', response }, 2)
      return [voter.round, voter.finalized.number, ofType(effects, 'reportPeer')[0]?.delta]
    }
    expect(answer([1, 2, 3])).toEqual([5n, 3n, undefined])
    expect(answer([1, 2, 3], BAD)).toEqual([1n, 0n, -5000])
    expect(answer([1, 2])).toEqual([1n, 0n, -5000])
    expect(answer([1, 2, 2])).toEqual([1n, 0n, -5000])
    expect(answer([1, 2, 9])).toEqual([1n, 0n, -5000])
  })

  it('begins no round while the estimate of the round before the last is not final', () => {
    const { voter, at } = setup()
    voter.handle({ type: 'start' }, 0)
    const feed = (round: bigint, kind: 'prevote' | 'precommit', index: number, target: number) =>
      voter.handle({ type: 'voteReceived', peer: 'p', vote: testVote(kind, index, at(target), round) }, 1)
    for (const round of [1n, 2n]) {
      for (const index of [0, 1, 2]) feed(round, 'prevote', index, 3)
      for (const [index, target] of [3, 3, 1].entries()) feed(round, 'precommit', index, target)
    }
    expect(voter.stateOf(2n)).toMatchObject({ completable: true, estimate: { number: 3n }, finalized: { number: 1n } })
    expect(voter.round).toBe(2n)
    feed(1n, 'precommit', 3, 3)
    expect(voter.finalized.number).toBe(3n)
    expect(voter.round).toBe(3n)
  })

  it('does not precommit below what the round before may still finalise', () => {
    const { voter, at } = setup(3)
    const all = voter.handle({ type: 'start' }, 0)
    const feed = (round: bigint, kind: 'prevote' | 'precommit', target: readonly number[]) => {
      for (const [index, block] of target.entries())
        all.push(...voter.handle({ type: 'voteReceived', vote: testVote(kind, index, at(block), round) }, 1))
    }
    feed(1n, 'prevote', [3, 3, 3])
    feed(1n, 'precommit', [3, 3, 1])
    expect(voter.round).toBe(2n)
    feed(2n, 'prevote', [1, 1, 1])
    for (const id of ['prevote:2', 'precommit:2']) all.push(...voter.handle({ type: 'timer', id }, 5 * T))
    const votes = ofType(all, 'signAndSendVote').map(({ vote }) => `${vote.round} ${vote.kind} ${vote.number}`)
    expect(voter.stateOf(2n)?.prevoteGhost?.number).toBe(1n)
    expect(votes.filter((vote) => !vote.includes('primary'))).toEqual(['1 prevote 3', '1 precommit 3', '2 prevote 3'])
  })

  it('stops when its own key votes for something else elsewhere', () => {
    const { voter, at } = setup(0)
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'voteSigned', vote: testVote('prevote', 0, at(3)) }, 0)
    const effects = voter.handle({ type: 'voteReceived', peer: 'p', vote: testVote('prevote', 0, at(1)) }, 1)
    expect(ofType(effects, 'halt').length).toBe(1)
  })

  it('is bound by its own vote from before a disk was lost', () => {
    const { voter, at } = setup(0)
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'voteRefused', round: 1n, kind: 'prevote' }, 0)
    const effects = voter.handle({ type: 'voteReceived', peer: 'p', vote: testVote('prevote', 0, at(1)) }, 1)
    expect(ofType(effects, 'halt')).toEqual([])
    expect(ofType(voter.handle({ type: 'timer', id: 'prevote:1' }, 300), 'signAndSendVote')).toEqual([])
  })

  it('does not take a block beyond the epoch’s end for final before that end is, and does then', () => {
    const { tree, blocks } = testTree([0, 1, 2, 3])
    const voter = new Voter({
      voters: testVoters(4),
      gossipMs: T,
      base: blocks[0] as BlockRef,
      verifyVote: () => true,
      chain: tree,
    })
    tree.setVoteLimit(2n)
    voter.handle({ type: 'start' }, 0)
    const [end, beyond] = [blocks[2] as BlockRef, blocks[4] as BlockRef]
    const targets: BlockRef[] = []
    const precommits = indexVotes(
      [0, 1, 2].map((index) => testVote('precommit', index, beyond)),
      targets,
    )
    const commit = { setId: 1n, round: 1n, target: { number: 4n, hash: beyond.hash }, targets, precommits }
    const held = voter.handle({ type: 'commitReceived', peer: 'p', commit }, 1)
    expect(ofType(held, 'finalize')).toEqual([])
    expect(ofType(held, 'reportPeer')).toEqual([])
    tree.finalize(end)
    tree.setVoteLimit(4n)
    const freed = voter.handle({ type: 'finalizedExternally', block: { number: 2n, hash: end.hash } }, 2)
    expect(ofType(freed, 'finalize').map(({ block }) => block.number)).toEqual([4n])
  })

  it('waits for the epoch’s end with a block that its own count of votes makes final, too', () => {
    const { tree, blocks } = testTree([0, 1, 2, 3])
    const voter = new Voter({
      voters: testVoters(4),
      gossipMs: T,
      base: blocks[0] as BlockRef,
      verifyVote: () => true,
      chain: tree,
    })
    const [end, beyond] = [blocks[2] as BlockRef, blocks[4] as BlockRef]
    tree.setVoteLimit(2n)
    const counted = voter.handle({ type: 'start' }, 0)
    for (const kind of ['prevote', 'precommit'] as const)
      for (const index of [0, 1, 2])
        counted.push(...voter.handle({ type: 'voteReceived', peer: 'p', vote: testVote(kind, index, beyond) }, 1))
    expect(ofType(counted, 'finalize')).toEqual([])
    tree.finalize(end)
    tree.setVoteLimit(4n)
    const freed = voter.handle({ type: 'finalizedExternally', block: { number: 2n, hash: end.hash } }, 2)
    expect(ofType(freed, 'finalize').map(({ block }) => block.number)).toEqual([4n])
  })

  it('that begins silent counts votes and makes none until it is allowed to, then votes in the same round', () => {
    const { tree, blocks } = testTree([0, 1, 2])
    const voter = new Voter({
      voters: testVoters(4),
      local: 0,
      gossipMs: T,
      base: blocks[0] as BlockRef,
      verifyVote: () => true,
      chain: tree,
      silent: true,
    })
    const silent = voter.handle({ type: 'start' }, 0)
    for (let t = T; t < 12 * T; t += T) silent.push(...voter.handle({ type: 'timer', id: 'tick' }, t))
    expect(ofType(silent, 'signAndSendVote')).toEqual([])
    expect(silent.some((effect) => effect.type === 'persist' && effect.record.key.includes('intent'))).toBe(false)
    const allowed = voter.handle({ type: 'voteAllowed' }, 12 * T)
    expect(ofType(allowed, 'signAndSendVote').map(({ vote }) => vote)).toMatchObject([{ kind: 'prevote', round: 1n }])
    expect(ofType(allowed, 'setTimer').map(({ id }) => id)).toContain('precommit:1')
  })

  it('keeps its rounds’ votes in the order of arrival, with its own place among them, over a restart', () => {
    const { voter, at } = setup(0)
    const records = new Map<string, VoteRecord>()
    const feed = (event: VoterEvent) => {
      const effects = voter.handle(event, 1)
      for (const { record } of ofType(effects, 'persist')) records.set(record.key, record)
      for (const { vote } of ofType(effects, 'signAndSendVote'))
        feed({ type: 'voteSigned', vote: { ...vote, voter: 0, signature: new Uint8Array(65) } })
    }
    feed({ type: 'start' })
    const order = [2, 1, 3].map((index) => testVote('prevote', index, at(3)))
    for (const vote of order) feed({ type: 'voteReceived', peer: 'p', vote })
    const [stored] = readRecords(1n, [...records.values()].reverse())
    expect(stored?.votes.map(({ kind, voter: index }) => `${kind} ${index}`)).toEqual([
      'prevote 0',
      'prevote 2',
      'prevote 1',
      'precommit 0',
      'prevote 3',
    ])
    expect(stored?.intents.map(({ kind, after }) => `${kind} ${after}`).sort()).toEqual(['precommit 3', 'prevote 0'])
  })

  it('asks all that are ahead in turn for a catch-up, however often one of them answers with nothing of use', () => {
    const { voter, at } = setup(3)
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'neighbour', peer: 'liar', packet: packet(9n) }, 1)
    voter.handle({ type: 'neighbour', peer: 'honest', packet: packet(9n) }, 1)
    // Precommits that leave a child of G possible: the round is open still, and no lie can be shown.
    const round = openRound(8n, at)
    const [one, two] = [at(1), at(2)].map(({ number, hash }) => ({ number, hash })) as [BlockRef, BlockRef]
    const precommits = round.precommits.map((vote, i) => ({ ...vote, target: i === 0 ? 0 : 1 }))
    const open = {
      ...round,
      targets: [one, two],
      prevotes: round.prevotes.map((vote) => ({ ...vote, target: 0 })),
      precommits,
    }
    voter.handle({ type: 'catchUpReceived', peer: 'liar', response: open }, 2)
    expect(voter.round).toBe(1n)
    const asked = [
      ...voter.handle({ type: 'neighbour', peer: 'liar', packet: packet(9n) }, 3),
      ...voter.handle({ type: 'timer', id: 'tick' }, T),
    ]
    expect(ofType(asked, 'requestCatchUp').map(({ peer }) => peer)).toEqual(['honest'])
  })

  it('blames a catch-up of an older round than its sender claimed, and takes that of a newer one', () => {
    for (const [round, reports, next] of [
      [7n, ['p'], 1n],
      [9n, [], 10n],
    ] as const) {
      const { voter, at } = setup(3)
      voter.handle({ type: 'start' }, 0)
      voter.handle({ type: 'neighbour', peer: 'p', packet: packet(9n) }, 1)
      const effects = voter.handle({ type: 'catchUpReceived', peer: 'p', response: openRound(round, at) }, 2)
      expect(ofType(effects, 'reportPeer').map(({ peer }) => peer)).toEqual(reports)
      expect(voter.round).toBe(next)
    }
  })

  it('counts a catch-up on what is final here, whatever base its sender names: rounds to come stand on it', () => {
    const { voter, at } = setup(3)
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'neighbour', peer: 'p', packet: packet(9n) }, 1)
    const { number, hash } = at(1)
    voter.handle({ type: 'catchUpReceived', peer: 'p', response: { ...openRound(8n, at), base: { number, hash } } }, 2)
    // The votes leave block 1 possible and make nothing final but the base.
    expect(voter.round).toBe(9n)
    expect(voter.currentRound?.base).toMatchObject({ number: 0n, hash: at(0).hash })
  })

  it('takes no catch-up on a base beside its final chain', () => {
    const { voter, at } = setup(3, [0, 0, 1])
    finalize(voter, at(1))
    voter.handle({ type: 'start' }, 0)
    voter.handle({ type: 'neighbour', peer: 'p', packet: packet(9n) }, 1)
    const { number, hash } = at(2)
    voter.handle({ type: 'catchUpReceived', peer: 'p', response: { ...openRound(8n, at), base: { number, hash } } }, 2)
    expect(voter.round).toBe(1n)
  })

  it('lets a commit wait for unknown blocks only when a supermajority of members has signed it', () => {
    const unknown = { number: 5n, hash: testHash(77) }
    const commitOf = (voters: readonly number[], signature = new Uint8Array(65)) => ({
      setId: 1n,
      round: 1n,
      target: unknown,
      targets: [unknown],
      precommits: voters.map((voter) => ({ target: 0, voter, signature })),
    })
    const cases = [
      [commitOf([0, 1, 2]), 1, []],
      [commitOf([0, 1]), 0, ['evil']],
      [commitOf([0, 1, 9]), 0, ['evil']],
      [commitOf([0, 1, 2], BAD), 0, ['evil']],
      // Blocks that nobody voted for would have to be fetched.
      [{ ...commitOf([0, 1, 2]), targets: [unknown, { number: 6n, hash: testHash(78) }] }, 0, ['evil']],
    ] as const
    for (const [commit, parked, blamed] of cases) {
      const { voter } = setup(3)
      voter.handle({ type: 'start' }, 0)
      const effects = voter.handle({ type: 'commitReceived', peer: 'evil', commit }, 1)
      expect(voter.parked).toBe(parked)
      expect(ofType(effects, 'reportPeer').map(({ peer }) => peer)).toEqual(blamed)
      // The same from somebody else waits once.
      voter.handle({ type: 'commitReceived', peer: 'other', commit }, 2)
      expect(voter.parked).toBe(parked)
    }
  })

  it('gives a peer its last round again only after a while: building one is work', () => {
    const { voter, at } = setup()
    voter.handle({ type: 'start' }, 0)
    for (const kind of ['prevote', 'precommit'] as const)
      for (const index of [0, 1, 2])
        voter.handle({ type: 'voteReceived', peer: 'p', vote: testVote(kind, index, at(3)) }, 1)
    expect(voter.round).toBe(2n)
    voter.handle({ type: 'neighbour', peer: 'a', packet: packet(1n) }, 1)
    const ask = (nowMs: number, peer: string) =>
      ofType(
        voter.handle({ type: 'catchUpRequested', peer, request: { setId: 1n, round: 1n } }, nowMs),
        'answerCatchUp',
      )
        .map(({ response }) => response?.round)
        .at(0)
    expect([ask(10, 'a'), ask(10, 'b'), ask(9 + 2 * T, 'a'), ask(10 + 2 * T, 'a')]).toEqual([1n, 1n, undefined, 1n])
    // Nor does one that never says where it stands.
    expect(ask(11, 'b')).toBeUndefined()
  })

  it('blames a peer whose final block goes back further than one packet overtakes another, and one that floods it with packets', () => {
    const { voter } = setup(0)
    voter.handle({ type: 'start' }, 0)
    const tell = (finalizedNumber: bigint, peer: string) =>
      ofType(voter.handle({ type: 'neighbour', peer, packet: { ...packet(1n), finalizedNumber } }, 1), 'reportPeer')
    expect(tell(25n, 'a')).toEqual([])
    // Passed over: what it says of the round is as old, and the next one is measured by the latest.
    expect(tell(9n, 'a')).toEqual([])
    expect(tell(8n, 'a')).toMatchObject([{ peer: 'a', delta: -500 }])
    for (let i = 0; i < 16; i++) expect(tell(7n, 'b')).toEqual([])
    expect(tell(7n, 'b')).toMatchObject([{ peer: 'b', delta: -50 }])
    voter.handle({ type: 'timer', id: 'tick' }, T)
    expect(tell(7n, 'b')).toEqual([])
  })
})
