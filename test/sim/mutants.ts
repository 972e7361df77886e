import type { Profile } from './config.ts'
import type { Patch } from './bundle.ts'

/** A fault put into a production core; the simulator, or the oracle of rounds, must notice. */
export interface Mutant extends Patch {
  readonly name: string
  /** What is known to kill it: a seed of a profile, or of the oracle. */
  readonly killer: { readonly profile: Profile | 'oracle'; readonly seed: number }
}

const VOTER = 'consensus/src/voter.ts'
const ROUND = 'consensus/src/round.ts'

/** Every one is killed; `npm run sim:mutants` finds killers anew when runs have changed. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'threshold minus one',
    file: 'consensus/src/voter-set.ts',
    find: 'this.threshold = this.total - this.faulty',
    replace: 'this.threshold = Math.max(1, this.total - this.faulty - 1)',
    killer: { profile: 'adversarial', seed: 1 },
  },
  {
    name: 'votes not persisted',
    file: VOTER,
    find: "    this.#emit({ type: 'persist', record: intentRecord(vote, live.round.history.length), sync: true })\n",
    replace: '',
    killer: { profile: 'crash', seed: 6 },
  },
  {
    name: 'votes sent before they are on disk',
    file: VOTER,
    find: 'record: intentRecord(vote, live.round.history.length), sync: true',
    replace: 'record: intentRecord(vote, live.round.history.length), sync: false',
    killer: { profile: 'crash', seed: 6 },
  },
  {
    name: 'stored votes forgotten at the start',
    file: VOTER,
    find: '        live.own[intent.kind] = intent\n',
    replace: '',
    killer: { profile: 'crash', seed: 234 },
  },
  {
    name: 'guard removed',
    file: 'consensus/src/guard-rule.ts',
    find: 'if (last !== undefined && order(at, last.at) <= 0)',
    replace: 'if (last === null)',
    killer: { profile: 'crash', seed: 21 },
  },
  {
    name: 'equivocator not counted for all blocks',
    file: ROUND,
    find: '(bits[word] ?? 0) | (equivocators[word] ?? 0)',
    replace: '(bits[word] ?? 0) | (equivocators[word] ?? 0) & 0',
    killer: { profile: 'oracle', seed: 1 },
  },
  {
    name: 'equivocations to come not counted as possible',
    file: ROUND,
    find: 'return supporting + (total - tally.weight) + equivocations >= threshold',
    replace: 'return supporting + (total - tally.weight) + 0 * equivocations >= threshold',
    killer: { profile: 'oracle', seed: 1 },
  },
  {
    name: 'estimate kept though it is impossible',
    file: ROUND,
    find: "    while (estimate !== undefined && !this.#possible('precommit', estimate)) estimate = estimate.parent\n",
    replace: '',
    killer: { profile: 'oracle', seed: 29 },
  },
  {
    name: 'completable while a child of G is possible',
    file: ROUND,
    find: "estimate !== ghost || !ghost.children.some((child) => this.#possible('precommit', child))",
    replace: 'true',
    killer: { profile: 'oracle', seed: 1 },
  },
  {
    name: 'final without a supermajority of precommits seen',
    file: ROUND,
    find: "this.#weight('precommit', final) < threshold",
    replace: "this.#weight('precommit', final) < threshold - this.voters.faulty",
    killer: { profile: 'oracle', seed: 58 },
  },
  {
    name: 'estimate ignored by the precommit',
    file: VOTER,
    find: 'if (prevoteGhost === undefined || !isAncestorOrSelf(this.#config.chain, estimate, prevoteGhost.hash)) return',
    replace: 'if (prevoteGhost === undefined) return',
    killer: { profile: 'adversarial', seed: 2 },
  },
  {
    name: 'estimate ignored by the prevote',
    file: VOTER,
    find: 'const target = prevoteTarget(chain, this.#hinted(live, before, estimate))',
    replace: 'const target = prevoteTarget(chain, this.#hinted(live, before, this.#roundFinal))',
    killer: { profile: 'adversarial', seed: 134 },
  },
  {
    name: "primary's hint believed wherever it lies",
    file: VOTER,
    find: 'return between ? hint : estimate',
    replace: 'return hint',
    killer: { profile: 'adversarial', seed: 223 },
  },
  {
    name: 'round left before the one before is final',
    file: VOTER,
    find: 'return before.estimate !== undefined && before.estimate.number <= this.#finalized.number',
    replace: 'return true',
    killer: { profile: 'adversarial', seed: 301 },
  },
  {
    name: 'out-of-base votes dropped',
    file: ROUND,
    find: "return header.number !== vote.number || this.#graph.insert(this.#chain, vote, phase, vote.voter) !== 'unknown'",
    replace: "return this.#graph.insert(this.#chain, vote, phase, vote.voter) === 'inserted'",
    killer: { profile: 'oracle', seed: 4 },
  },
  {
    name: 'rounds that a catch-up has passed over finalise nothing',
    file: VOTER,
    find: 'live.own.precommit !== undefined || live.round.round < this.#current',
    replace: 'live.own.precommit !== undefined',
    killer: { profile: 'adversarial', seed: 2126 },
  },
  {
    name: 'stall catch-up removed',
    file: VOTER,
    find: 'const stalled = stuck && packet.round > this.#current',
    replace: 'const stalled = false',
    killer: { profile: 'no-pull', seed: 15 },
  },
  {
    name: 'no catch-up for the current round',
    file: VOTER,
    find: 'if (response.round < this.#current) return\n',
    replace: 'if (response.round <= this.#current) return\n',
    killer: { profile: 'no-pull', seed: 15 },
  },
  {
    name: 'no catch-up by what peers said before',
    file: VOTER,
    find: "        if (!this.#settled(block)) this.#emit({ type: 'requestBlock', hash: block.hash })\n    this.#maybeCatchUp()\n",
    replace: '',
    killer: { profile: 'no-pull', seed: 844 },
  },
  {
    name: "an equivocator's other vote not pulled",
    file: VOTER,
    find: 'const again = this.stuck ? this.#asksAgain() : undefined',
    replace: 'const again = undefined',
    killer: { profile: 'adversarial', seed: 22716 },
  },
  {
    name: 'no pull of missing votes, no votes sent again',
    file: VOTER,
    find: '    this.#pullVotes()\n    this.#resendOwnVotes()\n',
    replace: '',
    killer: { profile: 'random', seed: 4 },
  },
  {
    name: 'votes for unknown blocks dropped, blocks not asked for',
    file: VOTER,
    find: "if (outcome === 'unknown-block') this.#parking.addVote(vote, this.#now)",
    replace: "if (outcome === 'unknown-block') return",
    killer: { profile: 'random', seed: 98 },
  },
  {
    name: 'catch-ups unsigned',
    file: 'consensus/src/catch-up.ts',
    find: "      if (!verifyVote(vote)) return err('invalid')\n",
    replace: '',
    killer: { profile: 'random', seed: 1 },
  },
  {
    name: 'votes unsigned',
    file: VOTER,
    find: "    if (!verifyVote(vote)) return this.#blame(peer, COST_BAD_SIGNATURE, 'vote with a bad signature')\n",
    replace: '',
    killer: { profile: 'adversarial', seed: 1 },
  },
  {
    name: 'commits unsigned',
    file: 'consensus/src/commit.ts',
    find: "  if (!votes.every(verifyVote)) return err('bad-signature')\n",
    replace: '',
    killer: { profile: 'adversarial', seed: 1 },
  },
  {
    name: 'commits of any weight',
    file: 'consensus/src/commit.ts',
    find: "  if (support < voters.threshold) return err('weight-too-low')\n",
    replace: '',
    killer: { profile: 'adversarial', seed: 189 },
  },
  {
    name: 'seal unchecked',
    file: 'consensus/src/aura-consensus.ts',
    find: 'if (signer !== author)',
    replace: 'if (signer === undefined)',
    killer: { profile: 'adversarial', seed: 1 },
  },
  {
    name: 'drift unchecked',
    file: 'consensus/src/aura.ts',
    find: "  if (slot > slotAt(nowMs, slotSeconds * 1000) + MAX_SLOT_DRIFT) return 'too-early'\n",
    replace: '',
    killer: { profile: 'adversarial', seed: 31 },
  },
  {
    name: "no vote limit at the epoch's end",
    file: 'consensus/src/set-changes.ts',
    find: 'return this.#ended ?? this.epochEnd(final)',
    replace: 'return this.#ended ?? this.epochEnd(final) + 1000n',
    killer: { profile: 'set-change', seed: 1 },
  },
  {
    name: "own count may finalise beyond the epoch's end",
    file: VOTER,
    find: 'return limit !== undefined && number > limit',
    replace: 'return limit === null',
    killer: { profile: 'set-change', seed: 4 },
  },
  {
    name: 'the old set goes on after its last block',
    file: 'consensus/src/set-changes.ts',
    find: '    this.#ended = final\n',
    replace: '    this.#ended = undefined\n',
    killer: { profile: 'set-change', seed: 1 },
  },
  {
    name: "epochs' ends not asked for",
    file: 'consensus/src/set-changes.ts',
    find: 'if (theirFinal < number || this.#asking === number) return undefined',
    replace: 'if (theirFinal >= 0n) return undefined',
    killer: { profile: 'set-change', seed: 4 },
  },
  {
    name: 'fork choice that finality does not move',
    file: 'packages/chain/src/block-tree.ts',
    find: 'const head = keep.has(this.#best.hash) ? undefined : this.#moveTo(this.#node(best.hash))',
    replace: 'const head = keep.has(this.#best.hash) ? undefined : undefined',
    killer: { profile: 'random', seed: 22 },
  },
]
