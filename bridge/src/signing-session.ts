import { aggregateNonces, createSession, type MusigSession } from '@hawser/bitcoin/musig2'
import { concatBytes, isAppError, sha256, toHex, uintBE, type Hex } from '@hawser/primitives'
import type { BatchMaterial, SigningPath } from './batch-material.ts'

/** What a coordinator's session is about; constant from start to end. */
export interface SessionConfig {
  readonly material: BatchMaterial
  readonly rungs: number
  /** 32 random bytes: session ids come from them, so that no two sessions share one. */
  readonly seed: Uint8Array
  /** How long the key path, and each later round, is waited for. */
  readonly waitMs: number
}

/** A coordinator's state. Members are positions in the committee's sorted keys. */
export interface SessionState {
  readonly phase: 'idle' | 'nonces' | 'partials' | 'done' | 'gave-up'
  /** Sessions opened so far. */
  readonly opened: number
  readonly session: Hex
  /** Who can still be asked. */
  readonly candidates: readonly number[]
  /** Who was asked in this round and has not answered. */
  readonly waiting: readonly number[]
  /** Public nonces in the order of their arrival. */
  readonly nonces: ReadonlyMap<number, readonly Uint8Array[]>
  readonly partials: ReadonlyMap<number, readonly Uint8Array[]>
  readonly path: SigningPath
  /** One for each item, once the path is chosen: made once, for it costs more than checking a partial signature. */
  readonly musig: readonly MusigSession[]
}

export type SessionEvent =
  /** `online`: the members that can be reached, oneself among them. */
  | { readonly kind: 'start'; readonly online: readonly number[] }
  | { readonly kind: 'nonces'; readonly session: Hex; readonly member: number; readonly nonces: readonly Uint8Array[] }
  | {
      readonly kind: 'partials'
      readonly session: Hex
      readonly member: number
      readonly partials: readonly Uint8Array[]
    }
  /** The member refused, could not be reached, or answered nonsense. */
  | { readonly kind: 'failed'; readonly session: Hex; readonly member: number }
  | { readonly kind: 'deadline'; readonly session: Hex; readonly phase: 'nonces' | 'partials' }

export type SessionEffect =
  | { readonly kind: 'ask-nonces'; readonly session: Hex; readonly members: readonly number[] }
  | {
      readonly kind: 'ask-partials'
      readonly session: Hex
      readonly members: readonly number[]
      readonly path: SigningPath
      readonly aggregateNonces: readonly Uint8Array[]
    }
  | {
      readonly kind: 'deadline'
      readonly session: Hex
      readonly phase: 'nonces' | 'partials'
      readonly afterMs: number
    }
  /** The member's contribution was invalid; he is out of this batch. */
  | { readonly kind: 'blame'; readonly member: number; readonly reason: string }
  | { readonly kind: 'done'; readonly path: SigningPath; readonly transactions: readonly Uint8Array[] }
  | { readonly kind: 'gave-up'; readonly reason: string }

interface Step {
  readonly state: SessionState
  readonly effects: readonly SessionEffect[]
}

export const INITIAL_SESSION: SessionState = {
  phase: 'idle',
  opened: 0,
  session: '0x',
  candidates: [],
  waiting: [],
  nonces: new Map(),
  partials: new Map(),
  path: { kind: 'key-path' },
  musig: [],
}

/**
 * The coordinator of one batch's signatures (protocol.md, section 8): the key path when all n members answer in time,
 * else the leaf of the first t who did. A member whose contribution fails is left out and a session with fresh nonces
 * begins; each one loses a member, so there are at most n. Nothing here is secret.
 */
export function stepSession(config: SessionConfig, state: SessionState, event: SessionEvent): Step {
  if (event.kind === 'start') return state.phase === 'idle' ? open(config, state, event.online) : { state, effects: [] }
  // What belongs to an earlier session comes too late.
  if (event.session !== state.session) return { state, effects: [] }
  switch (event.kind) {
    case 'nonces':
      return state.phase === 'nonces' ? takeNonces(config, state, event.member, event.nonces) : { state, effects: [] }
    case 'partials':
      return state.phase === 'partials'
        ? takePartials(config, state, event.member, event.partials)
        : { state, effects: [] }
    case 'failed':
      if (!state.waiting.includes(event.member)) return { state, effects: [] }
      return state.phase === 'nonces'
        ? chooseNow(config, without(state, [event.member]))
        : reopen(config, state, [event.member])
    case 'deadline':
      if (event.phase !== state.phase) return { state, effects: [] }
      return state.phase === 'nonces'
        ? chooseNow(config, without(state, state.waiting))
        : reopen(config, state, state.waiting)
  }
}

function open(config: SessionConfig, state: SessionState, candidates: readonly number[]): Step {
  const { t } = config.material.committee
  if (candidates.length < t) return giveUp(state, `${candidates.length} members can sign, ${t} must`)
  const opened = state.opened + 1
  const session = toHex(sha256(concatBytes(config.seed, uintBE(opened, 4))))
  return {
    state: {
      ...state,
      phase: 'nonces',
      opened,
      session,
      candidates,
      waiting: candidates,
      nonces: new Map(),
      partials: new Map(),
    },
    effects: [
      { kind: 'ask-nonces', session, members: candidates },
      { kind: 'deadline', session, phase: 'nonces', afterMs: config.waitMs },
    ],
  }
}

function reopen(config: SessionConfig, state: SessionState, lost: readonly number[]): Step {
  return open(config, state, without(state, lost).candidates)
}

function without(state: SessionState, lost: readonly number[]): SessionState {
  const stays = (member: number) => !lost.includes(member)
  return { ...state, candidates: state.candidates.filter(stays), waiting: state.waiting.filter(stays) }
}

function takeNonces(config: SessionConfig, state: SessionState, member: number, nonces: readonly Uint8Array[]): Step {
  if (!state.waiting.includes(member)) return { state, effects: [] }
  if (nonces.length !== config.material.items(config.rungs).length)
    return blame(chooseNow(config, without(state, [member])), member, `sent ${nonces.length} nonces`)
  return chooseNow(config, {
    ...state,
    waiting: state.waiting.filter((other) => other !== member),
    nonces: new Map(state.nonces).set(member, nonces),
  })
}

/** Goes on to partial signatures as soon as the best path that is still possible has its nonces. */
function chooseNow(config: SessionConfig, state: SessionState): Step {
  const { n, t } = config.material.committee
  if (state.nonces.size === n) return askPartials(config, state, { kind: 'key-path' })
  const allStillPossible = state.nonces.size + state.waiting.length === n
  if (!allStillPossible && state.nonces.size >= t) {
    const members = [...state.nonces.keys()].slice(0, t).sort((a, b) => a - b)
    const path: SigningPath = { kind: 'subset', members }
    return config.material.leaf(path)
      ? askPartials(config, state, path)
      : giveUp(state, 'the committee is too large for subset leaves, and not everybody is there')
  }
  if (state.waiting.length === 0) return giveUp(state, `${state.nonces.size} members gave nonces, ${t} must`)
  return { state, effects: [] }
}

function askPartials(config: SessionConfig, state: SessionState, path: SigningPath): Step {
  const { material, rungs } = config
  const members = material.members(path)
  const musig: MusigSession[] = []
  const aggregated: Uint8Array[] = []
  for (const [i, item] of material.items(rungs).entries())
    try {
      const nonce = aggregateNonces(members.map((member) => state.nonces.get(member)?.[i] as Uint8Array))
      aggregated.push(nonce)
      musig.push(createSession(material.context(path, item), nonce, material.message(path, item)))
    } catch (error) {
      const info = isAppError(error) ? (error.info as { contributor?: number }) : {}
      const bad = members[info.contributor ?? -1]
      if (bad === undefined) return giveUp(state, 'the nonces cannot be aggregated')
      return blame(reopen(config, state, [bad]), bad, 'sent an invalid nonce')
    }
  return {
    state: { ...state, phase: 'partials', path, musig, waiting: members, partials: new Map() },
    effects: [
      { kind: 'ask-partials', session: state.session, members, path, aggregateNonces: aggregated },
      { kind: 'deadline', session: state.session, phase: 'partials', afterMs: config.waitMs },
    ],
  }
}

function takePartials(
  config: SessionConfig,
  state: SessionState,
  member: number,
  partials: readonly Uint8Array[],
): Step {
  if (!state.waiting.includes(member)) return { state, effects: [] }
  const { material } = config
  const members = material.members(state.path)
  const key = material.committee.sortedKeys[member] as Uint8Array
  const valid =
    partials.length === state.musig.length &&
    state.musig.every((musig, i) =>
      musig.verifyPartial(partials[i] as Uint8Array, state.nonces.get(member)?.[i] as Uint8Array, key),
    )
  if (!valid) return blame(reopen(config, state, [member]), member, 'sent an invalid partial signature')
  const next: SessionState = {
    ...state,
    waiting: state.waiting.filter((other) => other !== member),
    partials: new Map(state.partials).set(member, partials),
  }
  if (next.waiting.length > 0) return { state: next, effects: [] }
  const signatures = state.musig.map((musig, i) =>
    musig.aggregate(members.map((other) => next.partials.get(other)?.[i] as Uint8Array)),
  )
  const transactions = material.assemble(state.path, signatures)
  const fault = transactions.map((raw, rung) => material.faultOf(raw, rung)).find((found) => found !== undefined)
  if (fault) return giveUp(next, `the signatures do not verify: ${fault}`)
  return { state: { ...next, phase: 'done' }, effects: [{ kind: 'done', path: state.path, transactions }] }
}

function blame({ state, effects }: Step, member: number, reason: string): Step {
  return { state, effects: [{ kind: 'blame', member, reason }, ...effects] }
}

function giveUp(state: SessionState, reason: string): Step {
  return { state: { ...state, phase: 'gave-up', waiting: [] }, effects: [{ kind: 'gave-up', reason }] }
}
