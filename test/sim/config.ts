/** The families of runs. */
export const PROFILES = [
  'random',
  'adversarial',
  'crash',
  'partition',
  'set-change',
  'accountability',
  'no-pull',
] as const
export type Profile = (typeof PROFILES)[number]

/** Those that expect more than the protocol promises: more than f faulty, or no answers to pulls. They are run by name alone. */
const BEYOND: readonly Profile[] = ['accountability', 'no-pull']

/** Seeds without a profile go through these by turns. */
export const MIXED_PROFILES = PROFILES.filter((profile) => !BEYOND.includes(profile))

/** What a Byzantine validator does; several at once. */
export type Act =
  /** Two votes in each phase of each round, for blocks of late or of old, to some, at any time. */
  | 'equivocate'
  /** Two blocks in its slots, to halves; blocks in others' slots and in slots to come. */
  | 'blocks'
  /** Its blocks and votes come late, or to one recipient alone. */
  | 'withhold'
  /** Forged and stale commits, catch-ups, positions, votes of others, wrong numbers. */
  | 'forge'
  /** One vote in each phase, for any branch, whatever the round before says. */
  | 'amnesia'
  /** Sees all state: finds votes that complete the round for some and leave it open for others, then falls silent. */
  | 'trap'

/** One thing that goes wrong; times are virtual milliseconds. Shrinking leaves some of a run's list out. */
export type Fault =
  | { readonly type: 'byzantine'; readonly node: number; readonly acts: readonly Act[] }
  /** Runs the validator twice with one key; each copy sees half of the others, by turns. */
  | { readonly type: 'twin'; readonly node: number }
  | { readonly type: 'drop'; readonly from: number; readonly to: number; readonly share: number }
  | { readonly type: 'duplicate'; readonly share: number }
  | { readonly type: 'slow'; readonly from: number; readonly to: number; readonly meanMs: number }
  /** Nothing goes from the first nodes to the second ones. */
  | {
      readonly type: 'partition'
      readonly from: number
      readonly to: number
      readonly senders: readonly number[]
      readonly receivers: readonly number[]
    }
  /** From `at` on, after so many more effects of its core, the node dies for a while; `kept` of the unsynced writes stay. */
  | {
      readonly type: 'crash'
      readonly node: number
      readonly at: number
      readonly effects: number
      readonly downMs: number
      readonly kept: number
    }
  /** Dies and comes back on a copy of its database that was taken before. */
  | { readonly type: 'rollback'; readonly node: number; readonly takenAt: number; readonly at: number }
  | { readonly type: 'slow-disk'; readonly node: number; readonly fsyncMs: number }
  | { readonly type: 'clock'; readonly node: number; readonly offsetMs: number }
  /** Nobody ever answers who asks for missing votes: catch-ups have to do alone. */
  | { readonly type: 'no-pull' }
  /** Begins on an empty disk at that time. */
  | { readonly type: 'join'; readonly node: number; readonly at: number }
  /** The network's adversary: precommits reach one node alone until it finalises; then it is cut off until the settling. */
  | { readonly type: 'isolate'; readonly node: number; readonly from: number }

/** One run, whole: the same config gives the same events. */
export interface SimConfig {
  readonly seed: number
  readonly profile: Profile
  /** Nodes with a key; the first set is made of some of them. */
  readonly validators: number
  /** Nodes without one. */
  readonly followers: number
  readonly weights: readonly number[]
  /** The sets that may follow, by epoch: which of the two a block of the epoch's end names, depends on the block. */
  readonly sets: readonly (readonly [readonly number[], readonly number[]])[]
  readonly firstSet: readonly number[]
  readonly epochBlocks: number
  readonly slotSeconds: number
  /** T. */
  readonly gossipMs: number
  /** After `gstMs` every message takes from `minMs` to `maxMs` and none is lost. */
  readonly gstMs: number
  readonly minMs: number
  readonly maxMs: number
  /** The run ends by then, or soon after all live honest nodes have finalised a block born after the settling. */
  readonly endMs: number
  readonly crypto: 'tags' | 'real'
  /** Whether validators listen before they sign, after every start. */
  readonly listen: boolean
  /** Without the guard the persisted votes alone keep a validator from signing twice. */
  readonly guard: boolean
  readonly faults: readonly Fault[]
}

export function faultyOf(faults: readonly Fault[]): number[] {
  return faults.flatMap((fault) => (fault.type === 'byzantine' || fault.type === 'twin' ? [fault.node] : []))
}
