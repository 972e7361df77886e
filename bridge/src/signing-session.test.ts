import { describe, expect, it } from 'vitest'
import type { SigningPath } from './batch-material.ts'
import { MAX_OPEN_SESSIONS_PER_COORDINATOR, type SigningMember } from './signing-member.ts'
import {
  INITIAL_SESSION,
  stepSession,
  type SessionConfig,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from './signing-session.ts'
import { testMaterial, testMembers } from './testing/batch-fixture.ts'

type Nonces = { nonces: readonly Uint8Array[] }
type Partials = { partials: readonly Uint8Array[] }

/** Runs a coordinator against members; `absent` never answer, `change` spoils what a member sends. */
function run(options: {
  n?: number
  online?: number[]
  absent?: number[]
  change?: (member: number, kind: 'nonces' | 'partials', items: Uint8Array[]) => Uint8Array[]
}) {
  const { committee, members } = testMembers(options.n ?? 4)
  const material = testMaterial(committee)
  const config: SessionConfig = { material, rungs: 2, seed: new Uint8Array(32).fill(1), waitMs: 3_000 }
  const effects: SessionEffect[] = []
  const events: SessionEvent[] = [{ kind: 'start', online: options.online ?? committee.sortedKeys.map((_, i) => i) }]
  const deadlines: SessionEvent[] = []
  let state: SessionState = INITIAL_SESSION
  const spoil = (member: number, kind: 'nonces' | 'partials', items: readonly Uint8Array[]) =>
    options.change?.(member, kind, [...items]) ?? items
  // Deadlines pass only when nobody has anything more to say.
  for (let event = events.shift(); event; event = events.shift() ?? deadlines.shift()) {
    const step = stepSession(config, state, event)
    state = step.state
    for (const effect of step.effects) {
      effects.push(effect)
      if (effect.kind === 'deadline') deadlines.push(effect)
      if (effect.kind !== 'ask-nonces' && effect.kind !== 'ask-partials') continue
      const { session } = effect
      for (const member of effect.members.filter((m) => !options.absent?.includes(m))) {
        const signer = members[member] as SigningMember
        if (effect.kind === 'ask-nonces') {
          const offer = signer.offerNonces({ session, coordinator: 1, rungs: 2, material }) as Nonces
          events.push({ kind: 'nonces', session, member, nonces: spoil(member, 'nonces', offer.nonces) })
        } else {
          const { path, aggregateNonces } = effect
          const signed = signer.sign({ session, coordinator: 1, path, aggregateNonces }) as Partials
          events.push({ kind: 'partials', session, member, partials: spoil(member, 'partials', signed.partials) })
        }
      }
    }
  }
  const last = effects.at(-1)
  return { state, effects, last, material, config, members, committee }
}

const keyPath: SigningPath = { kind: 'key-path' }

describe('a signing session', () => {
  it('signs every rung by the key path when everybody is there', () => {
    const { last, material } = run({})
    expect(last).toMatchObject({ kind: 'done', path: keyPath })
    const transactions = last?.kind === 'done' ? last.transactions : []
    expect(transactions.map((raw, rung) => material.faultOf(raw, rung))).toEqual([undefined, undefined])
  })

  it('uses the leaf of those who are there, without waiting, when one is known to be absent', () => {
    const { last, effects } = run({ online: [0, 1, 3] })
    expect(last).toMatchObject({ kind: 'done', path: { kind: 'subset', members: [0, 1, 3] } })
    expect(effects.filter((effect) => effect.kind === 'ask-nonces')).toHaveLength(1)
  })

  it('uses a leaf after the key path was waited for, when one does not answer', () => {
    const { last } = run({ absent: [2] })
    expect(last).toMatchObject({ kind: 'done', path: { kind: 'subset', members: [0, 1, 3] } })
  })

  it('names a member whose partial signature is invalid, leaves him out and starts anew', () => {
    const { last, effects } = run({
      change: (member, kind, items) =>
        member === 1 && kind === 'partials' ? [...items.slice(0, -1), new Uint8Array(32).fill(1)] : items,
    })
    expect(effects.filter((effect) => effect.kind === 'blame')).toEqual([
      { kind: 'blame', member: 1, reason: 'sent an invalid partial signature' },
    ])
    expect(last).toMatchObject({ kind: 'done', path: { kind: 'subset', members: [0, 2, 3] } })
    const sessions = effects.flatMap((effect) => (effect.kind === 'ask-nonces' ? [effect.session] : []))
    expect(new Set(sessions).size).toBe(2)
  })

  it.each<[string, (items: Uint8Array[]) => Uint8Array[], string]>([
    ['no points', (items) => items.map((nonce) => nonce.map(() => 5)), 'sent an invalid nonce'],
    ['too few nonces', (items) => items.slice(1), 'sent 3 nonces'],
  ])('names a member that sends %s', (_, spoil, reason) => {
    const { last, effects } = run({
      change: (member, kind, items) => (member === 3 && kind === 'nonces' ? spoil(items) : items),
    })
    expect(effects.filter((effect) => effect.kind === 'blame')).toEqual([{ kind: 'blame', member: 3, reason }])
    expect(last).toMatchObject({ kind: 'done', path: { kind: 'subset', members: [0, 1, 2] } })
  })

  it('gives up when too few are left', () => {
    expect(run({ online: [0, 1] }).last).toEqual({ kind: 'gave-up', reason: '2 members can sign, 3 must' })
    expect(run({ absent: [0, 1] }).last).toMatchObject({ kind: 'gave-up' })
  })

  it('is one member’s own matter in a committee of one', () => {
    expect(run({ n: 1 }).last).toMatchObject({ kind: 'done', path: keyPath })
  })

  it('ignores what comes for an earlier session', () => {
    const { config, state } = run({ online: [0, 1, 3] })
    const late: SessionEvent = { kind: 'partials', session: '0x01', member: 0, partials: [] }
    expect(stepSession(config, state, late)).toEqual({ state, effects: [] })
  })
})

describe('a signing member', () => {
  it('never signs twice with one nonce, whatever the second request says', () => {
    const { members, committee } = testMembers(1)
    const member = members[0] as SigningMember
    const material = testMaterial(committee)
    const session = '0x22' as const
    const { nonces } = member.offerNonces({ session, coordinator: 1, rungs: 1, material }) as Nonces
    const request = { session, coordinator: 1, path: keyPath, aggregateNonces: nonces }
    expect(member.sign(request)).toHaveProperty('partials')
    expect(member.sign(request)).toEqual({ refused: 'no such session is open' })
    expect(member.offerNonces({ session, coordinator: 1, rungs: 1, material })).toEqual({
      refused: 'this session was opened before',
    })
  })

  it('closes a session on the first request that does not fit, so that its nonces cannot be tried again', () => {
    const { members, committee } = testMembers(1)
    const member = members[0] as SigningMember
    const material = testMaterial(committee)
    const session = '0x33' as const
    const { nonces } = member.offerNonces({ session, coordinator: 1, rungs: 1, material }) as Nonces
    const bad = nonces.map((nonce) => nonce.map(() => 9))
    expect(member.sign({ session, coordinator: 1, path: keyPath, aggregateNonces: bad })).toHaveProperty('refused')
    expect(member.openSessions).toBe(0)
  })

  it('goes on only with the coordinator who opened the session, and signs no more rungs than its state pays for', () => {
    const { members, committee } = testMembers(1)
    const member = members[0] as SigningMember
    const material = testMaterial(committee)
    const session = '0x44' as const
    const { nonces } = member.offerNonces({ session, coordinator: 1, rungs: 1, material }) as Nonces
    expect(member.sign({ session, coordinator: 2, path: keyPath, aggregateNonces: nonces })).toEqual({
      refused: 'the session belongs to another coordinator',
    })
    expect(member.offerNonces({ session: '0x45', coordinator: 1, rungs: 3, material })).toHaveProperty('refused')
  })

  it('keeps few sessions of one coordinator open, and never closes one of another for them', () => {
    const { members, committee } = testMembers(1)
    const member = members[0] as SigningMember
    const material = testMaterial(committee)
    member.offerNonces({ session: '0x4e', coordinator: 2, rungs: 1, material })
    for (let i = 0; i < 40; i++)
      member.offerNonces({ session: `0x${(0x1000 + i).toString(16)}`, coordinator: 1, rungs: 1, material })
    expect(member.openSessions).toBe(MAX_OPEN_SESSIONS_PER_COORDINATOR + 1)
    expect(member.batchOf('0x4e')).toBe(material.batchId)
    expect([member.batchOf('0x1023'), member.batchOf('0x1024')]).toEqual([undefined, material.batchId])
  })
})

describe('signed transactions of others', () => {
  it('are taken only when they are the batch’s own with valid witnesses', () => {
    const { last, material } = run({})
    const [low, high] = last?.kind === 'done' ? last.transactions : []
    if (!low || !high) throw new Error('two rungs were signed')
    expect(material.faultOf(low, 1)).toBe('it is not the transaction of the batch')
    expect(material.faultOf(low, 2)).toBe('the batch has no rung 2')
    expect(material.faultOf(Uint8Array.of(1, 2, 3), 0)).toBe('it is no transaction')
    const forged = Uint8Array.from(high)
    // Within the last input's signature, before the locktime.
    const at = forged.length - 10
    forged[at] = (forged[at] ?? 0) ^ 1
    expect(material.faultOf(forged, 1)).toBe('the witness of input 1 is not valid')
  })
})
