import { err, ok, type Hash32, type Result } from '@hawser/primitives'
import { isAncestorOrSelf, MAX_ANCESTRY_STEPS, sameBlock, type ChainView } from './chain-view.ts'
import { MAX_ANCESTRY_HEADERS } from './codec.ts'
import type { Round } from './round.ts'
import type { BlockRef, Commit, HeaderRef, IndexedVote, SignedVote } from './types.ts'
import type { VoterSet } from './voter-set.ts'

/** Why a commit does not prove its target. `unknown-block` may pass later, the others never do. */
export type CommitFault =
  | 'wrong-set'
  | 'unknown-voter'
  | 'too-many-votes'
  | 'repeated-vote'
  | 'unused-target'
  | 'weight-too-low'
  | 'vote-beside-target'
  | 'unknown-block'
  | 'not-the-ghost'
  | 'bad-signature'

/** What a valid commit says besides: the headers above the target that its votes go through. */
export interface CheckedCommit {
  readonly votes: readonly SignedVote[]
  readonly ancestry: ReadonlySet<Hash32>
}

/** The full votes of an indexed list. */
export function expandVotes(
  { setId, round, targets }: { setId: bigint; round: bigint; targets: readonly BlockRef[] },
  kind: 'prevote' | 'precommit',
  votes: readonly IndexedVote[],
): SignedVote[] {
  return votes.map(({ target, voter, signature }) => {
    const { number, hash } = targets[target] as BlockRef
    return { setId, round, kind, number, hash, voter, signature }
  })
}

/** The reverse of expandVotes for one list of votes: distinct targets, named once. */
export function indexVotes(votes: readonly SignedVote[], targets: BlockRef[]): IndexedVote[] {
  return votes.map(({ number, hash, voter, signature }) => {
    let target = targets.findIndex((known) => known.hash === hash && known.number === number)
    if (target < 0) target = targets.push({ number, hash }) - 1
    return { target, voter, signature }
  })
}

interface CommitVotes {
  readonly votes: readonly SignedVote[]
  readonly byVoter: ReadonlyMap<number, readonly SignedVote[]>
}

/** What can be said of a commit's votes without any block and before any signature. */
function gather(commit: Commit, voters: VoterSet): Result<CommitVotes, CommitFault> {
  if (commit.setId !== voters.setId) return err('wrong-set')
  if (commit.precommits.length > 2 * voters.size) return err('too-many-votes')
  const byVoter = new Map<number, SignedVote[]>()
  const votes = expandVotes(commit, 'precommit', commit.precommits)
  let carried = 0
  for (const vote of votes) {
    if (voters.at(vote.voter) === undefined) return err('unknown-voter')
    const held = byVoter.get(vote.voter)
    carried += voters.weightOf(vote.voter)
    if (held === undefined) byVoter.set(vote.voter, [vote])
    else if (held.length === 2) return err('too-many-votes')
    else if (held.some((other) => sameBlock(other, vote))) return err('repeated-vote')
    else held.push(vote)
  }
  if (new Set(commit.precommits.map((vote) => vote.target)).size !== commit.targets.length) return err('unused-target')
  if (carried > voters.total + voters.faulty) return err('too-many-votes')
  const support = [...byVoter.keys()].reduce((sum, voter) => sum + voters.weightOf(voter), 0)
  if (support < voters.threshold) return err('weight-too-low')
  return ok({ votes, byVoter })
}

/**
 * Whether a commit whose blocks are not known yet may wait for them: a supermajority of members has signed it, whatever for
 * (consensus.md, 2.7: the weight first, then the signatures).
 */
export function checkSupport(
  commit: Commit,
  voters: VoterSet,
  verifyVote: (vote: SignedVote) => boolean,
): Result<void, CommitFault> {
  const gathered = gather(commit, voters)
  if (!gathered.ok) return gathered
  return gathered.value.votes.every(verifyVote) ? ok(undefined) : err('bad-signature')
}

/**
 * Whether a commit finalises its target under a set: members only, at most two votes of each, every single vote at or
 * above the target, a supermajority for the target and for no child of it. A voter with two different votes counts for
 * every block, so its targets need no ancestry. Signatures come last: they cost most (consensus.md, 2.7 and 2.9).
 */
export function checkCommit(
  commit: Commit,
  voters: VoterSet,
  headerOf: (hash: Hash32) => HeaderRef | undefined,
  verifyVote: (vote: SignedVote) => boolean,
): Result<CheckedCommit, CommitFault> {
  const gathered = gather(commit, voters)
  if (!gathered.ok) return gathered
  const { votes, byVoter } = gathered.value
  let equivocated = 0
  const above = new Map<Hash32, number>()
  for (const [voter, held] of byVoter) {
    const weight = voters.weightOf(voter)
    if (held.length === 2) {
      equivocated += weight
      continue
    }
    const [vote] = held as readonly [SignedVote]
    let at: BlockRef = vote
    for (let steps = 0; at.hash !== commit.target.hash; steps++) {
      if (at.number <= commit.target.number || steps >= MAX_ANCESTRY_HEADERS) return err('vote-beside-target')
      const header = headerOf(at.hash)
      if (header === undefined) return err('unknown-block')
      if (header.number !== at.number) return err('vote-beside-target')
      above.set(header.hash, (above.get(header.hash) ?? 0) + weight)
      at = { number: header.number - 1n, hash: header.parentHash }
    }
    if (at.number !== commit.target.number) return err('vote-beside-target')
  }
  // What a justification cannot carry must not be accepted as a commit.
  if (above.size > MAX_ANCESTRY_HEADERS) return err('vote-beside-target')
  for (const weight of above.values()) if (weight + equivocated >= voters.threshold) return err('not-the-ghost')
  if (!votes.every(verifyVote)) return err('bad-signature')
  return ok({ votes, ancestry: new Set(above.keys()) })
}

/** The blocks without which a commit cannot be checked: a voter with two different votes counts whatever they are for. */
export function blocksOf({ target, targets, precommits }: Commit): BlockRef[] {
  const counts = new Map<number, number>()
  for (const { voter } of precommits) counts.set(voter, (counts.get(voter) ?? 0) + 1)
  const needed = new Set(precommits.flatMap((vote) => (counts.get(vote.voter) === 1 ? [vote.target] : [])))
  return [target, ...targets.filter((_, i) => needed.has(i))]
}

/**
 * The commit of a round that finalises `target`, or a descendant where the precommits alone carry one; undefined when
 * they do not reach the threshold. Where votes for one block suffice, only those are in it: no ancestry is needed then.
 */
export function buildCommit(round: Round, target: BlockRef, chain: Pick<ChainView, 'header'>): Commit | undefined {
  const { voters } = round
  const supporting = (block: BlockRef): SignedVote[] => {
    const chosen: SignedVote[] = []
    for (let voter = 0; voter < voters.size; voter++) {
      const held = round.votesOf('precommit', voter)
      const one = held.find(
        (vote) => chain.header(vote.hash)?.number === vote.number && isAncestorOrSelf(chain, block, vote.hash),
      )
      // One vote above the block supports it as well as two that prove an equivocation, and is smaller.
      if (one !== undefined) chosen.push(one)
      else if (held.length === 2) chosen.push(...held)
    }
    return chosen
  }
  const weight = (votes: readonly SignedVote[]) =>
    [...new Set(votes.map((vote) => vote.voter))].reduce((sum, voter) => sum + voters.weightOf(voter), 0)
  let ghost = target
  let votes = supporting(ghost)
  if (weight(votes) < voters.threshold) return undefined
  const higher = votes
    .flatMap((vote) => path(chain, vote, target))
    .sort((a, b) => (a.number > b.number ? -1 : a.number < b.number ? 1 : 0))
  for (const block of higher) {
    const candidates = supporting(block)
    if (weight(candidates) < voters.threshold) continue
    ghost = block
    votes = candidates
    break
  }
  const direct = votes.filter((vote) => sameBlock(vote, ghost))
  const targets: BlockRef[] = []
  const precommits = indexVotes(weight(direct) >= voters.threshold ? direct : votes, targets)
  const { number, hash } = ghost
  return { setId: voters.setId, round: round.round, target: { number, hash }, targets, precommits }
}

function path(chain: Pick<ChainView, 'header'>, from: BlockRef, above: BlockRef): BlockRef[] {
  const blocks: BlockRef[] = []
  let header = chain.header(from.hash)
  while (header !== undefined && header.number > above.number && blocks.length < MAX_ANCESTRY_STEPS) {
    blocks.push({ number: header.number, hash: header.hash })
    header = chain.header(header.parentHash)
  }
  return header?.hash === above.hash ? blocks : []
}

/** The headers that a checked commit's justification needs: from every single vote's target down to above the commit's. */
export function commitAncestry(commit: Commit, chain: Pick<ChainView, 'header'>): Hash32[] {
  const counts = new Map<number, number>()
  for (const { voter } of commit.precommits) counts.set(voter, (counts.get(voter) ?? 0) + 1)
  const ancestry = new Set<Hash32>()
  for (const { voter, target } of commit.precommits) {
    const vote = commit.targets[target]
    // Two different votes count without ancestry.
    if (vote === undefined || counts.get(voter) !== 1) continue
    let at = chain.header(vote.hash)
    while (at !== undefined && at.number > commit.target.number && !ancestry.has(at.hash)) {
      ancestry.add(at.hash)
      at = chain.header(at.parentHash)
    }
  }
  return [...ancestry]
}
