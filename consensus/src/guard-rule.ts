import type { Hex } from '@hawser/primitives'

/** What the guard watches: the seal of a slot, or a vote of a kind (0 prevote, 1 precommit, 2 primary) in a set's round. */
export type GuardedAct =
  | { readonly kind: 'seal'; readonly slot: bigint }
  | { readonly kind: 'vote'; readonly setId: bigint; readonly round: bigint; readonly voteKind: 0 | 1 | 2 }

/** Acts remembered of each kind: a restart repeats the votes of its live rounds, byte for byte. */
export const MAX_REMEMBERED_ACTS = 4

export const GUARDED_KINDS = ['seal', 'prevote', 'precommit', 'primary'] as const
export type GuardedKind = (typeof GUARDED_KINDS)[number]

/** The position of an act among those of its kind, and the digest that was signed there. */
export interface SignedAct {
  /** Slot, or set id and round. */
  readonly at: readonly [bigint, bigint]
  readonly digest: Hex
}

/** The last acts of each kind, the latest last. */
export type GuardState = Readonly<Record<GuardedKind, readonly SignedAct[]>>

export const NOTHING_SIGNED: GuardState = { seal: [], prevote: [], precommit: [], primary: [] }

/** What the guard says: allowed before, with the very same digest; allowed once the next state is on disk; or refused. */
export type GuardAnswer =
  | { readonly kind: 'again' }
  | { readonly kind: 'next'; readonly state: GuardState }
  | {
      readonly kind: 'refused'
      readonly what: GuardedKind
      readonly at: SignedAct['at']
      readonly last: SignedAct['at']
    }

/** Each position once, and only forwards. */
export function guardAct(state: GuardState, act: GuardedAct, digest: Hex): GuardAnswer {
  const { kind, at } = placeOf(act)
  const signed = state[kind]
  if (signed.some((known) => order(known.at, at) === 0 && known.digest === digest)) return { kind: 'again' }
  const last = signed.at(-1)
  if (last !== undefined && order(at, last.at) <= 0) return { kind: 'refused', what: kind, at, last: last.at }
  return { kind: 'next', state: { ...state, [kind]: [...signed, { at, digest }].slice(-MAX_REMEMBERED_ACTS) } }
}

/**
 * How a signature of the guarded key, made on a digest, stands to what was allowed: `own` and `before` may be ours; `beyond`
 * lies after everything that was allowed; `contradicts` is another digest at a position that is remembered.
 */
export function compareAct(
  state: GuardState,
  act: GuardedAct,
  digest: Hex,
): 'own' | 'before' | 'beyond' | 'contradicts' {
  const { kind, at } = placeOf(act)
  const signed = state[kind]
  const same = signed.filter((known) => order(known.at, at) === 0)
  if (same.length > 0) return same.some((known) => known.digest === digest) ? 'own' : 'contradicts'
  const last = signed.at(-1)
  return last === undefined || order(at, last.at) > 0 ? 'beyond' : 'before'
}

function placeOf(act: GuardedAct): { readonly kind: GuardedKind; readonly at: SignedAct['at'] } {
  if (act.kind === 'seal') return { kind: 'seal', at: [0n, act.slot] }
  return { kind: (['prevote', 'precommit', 'primary'] as const)[act.voteKind], at: [act.setId, act.round] }
}

function order(a: SignedAct['at'], b: SignedAct['at']): number {
  const d = a[0] === b[0] ? a[1] - b[1] : a[0] - b[0]
  return d < 0n ? -1 : d > 0n ? 1 : 0
}
