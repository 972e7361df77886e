import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAppError, uintBE, type Clock } from '@hawser/primitives'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GuardedSigner } from './guarded-signer.ts'
import { listenFirst, OwnSignatureWatch } from './own-signatures.ts'
import { SignerGuard } from './signer-guard.ts'
import { testHash } from './testing/fixtures.ts'
import type { UnsignedVote } from './types.ts'

const network = { chainId: 7n, genesisHash: testHash(1) }
const T = 100
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'own-'))
})
afterEach(() => rm(folder, { recursive: true }))

const vote = (round: bigint, n: number, setId = 0n): UnsignedVote => ({
  setId,
  round,
  kind: 'prevote',
  number: 9n,
  hash: testHash(n),
})

async function setup() {
  const guard = await SignerGuard.open(join(folder, 'guard.json'), { allowFresh: true })
  const signer = new GuardedSigner(network, uintBE(5, 32), guard)
  const watch = new OwnSignatureWatch({ network, guard, startSlot: 100n, gossipMs: T })
  const cast = ({ setId, round, number, hash }: UnsignedVote) =>
    signer.sign({ kind: 'vote', setId, round, voteKind: 0, target: { number, hash } })
  return { signer, watch, cast }
}

describe('the watch for our own signatures', () => {
  it('tells votes that were made elsewhere: other ones at our place, and those beyond what we signed', async () => {
    const { watch, cast } = await setup()
    watch.notePosition({ setId: 0n, round: 10n }, 0)
    await cast(vote(20n, 1))
    expect(watch.isForeignVote(vote(20n, 1))).toBe(false)
    expect(watch.isForeignVote(vote(20n, 2))).toBe(true)
    expect(watch.isForeignVote(vote(19n, 2))).toBe(false)
    expect(watch.isForeignVote(vote(21n, 2))).toBe(true)
    expect(watch.isForeignVote(vote(1n, 2, 1n))).toBe(true)
  })

  it('does not take votes of an earlier life, whose guard is lost, for another’s', async () => {
    const { watch } = await setup()
    // Nothing is known of the others yet: whatever comes may be old.
    expect(watch.isForeignVote(vote(500n, 1))).toBe(false)
    watch.notePosition({ setId: 0n, round: 499n }, 0)
    watch.notePosition({ setId: 0n, round: 500n }, 2 * T)
    // Later positions say nothing of our start: they move with the votes that are watched for.
    watch.notePosition({ setId: 0n, round: 510n }, 2 * T + 1)
    expect(watch.isForeignVote(vote(501n, 1))).toBe(false)
    expect(watch.isForeignVote(vote(502n, 1))).toBe(true)
  })

  it('tells seals of slots after the start that were made elsewhere', async () => {
    const { watch, signer } = await setup()
    expect(watch.isForeignSeal(100n, testHash(1))).toBe(false)
    expect(watch.isForeignSeal(101n, testHash(1))).toBe(true)
    await signer.sign({ kind: 'seal', slot: 104n, blockHash: testHash(1) })
    expect(watch.isForeignSeal(104n, testHash(1))).toBe(false)
    expect(watch.isForeignSeal(104n, testHash(2))).toBe(true)
    expect(watch.isForeignSeal(103n, testHash(2))).toBe(false)
    expect(watch.isForeignSeal(108n, testHash(2))).toBe(true)
  })

  it('leaves a signer that is stopped without seals and votes', async () => {
    const { signer, cast } = await setup()
    signer.stop('used elsewhere')
    const code = (work: Promise<unknown>) => work.catch((error: unknown) => isAppError(error) && error.code)
    expect(await code(cast(vote(1n, 1)))).toBe('SIGNER_REFUSED')
    expect(await code(signer.sign({ kind: 'seal', slot: 1n, blockHash: testHash(1) }))).toBe('SIGNER_REFUSED')
    expect(await signer.sign({ kind: 'identity', peerId: Uint8Array.of(1) })).toHaveLength(65)
  })
})

describe('listening before signing', () => {
  /** A clock that is wound by hand, one timer at a time. */
  class HandClock implements Clock {
    now = 0
    timer: { atMs: number; callback: () => void } | undefined
    nowMs = () => this.now
    after(delayMs: number, callback: () => void) {
      const timer = { atMs: this.now + delayMs, callback }
      this.timer = timer
      return () => {
        if (this.timer === timer) this.timer = undefined
      }
    }
    async until(ms: number) {
      for (let timer = this.timer; timer && timer.atMs <= ms; timer = this.timer) {
        this.timer = undefined
        this.now = timer.atMs
        timer.callback()
      }
      for (let i = 0; i < 5; i++) await Promise.resolve()
    }
  }

  function listen(validators: number, slotMs: number) {
    const clock = new HandClock()
    const state = { peers: false, done: false }
    const stop = new AbortController()
    void listenFirst({
      clock,
      gossipMs: T,
      slotMs,
      validators,
      hasPeers: () => state.peers,
      signal: stop.signal,
    }).then(() => (state.done = true))
    return { clock, state, stop }
  }

  it.each([
    ['two rounds', 4, 150, 1000],
    ['a slot of each validator', 7, 300, 2100],
  ])('takes %s in the company of peers', async (_what, validators, slotMs, takesMs) => {
    const { clock, state } = listen(validators, slotMs)
    await clock.until(5000)
    expect(state.done).toBe(false)
    state.peers = true
    await clock.until(5000 + takesMs - T)
    expect(state.done).toBe(false)
    await clock.until(5000 + takesMs)
    expect(state.done).toBe(true)
  })

  it('does not wait for peers where there is one validator, and never ends once it is stopped', async () => {
    const lone = listen(1, 150)
    await lone.clock.until(1000)
    expect(lone.state.done).toBe(true)
    const stopped = listen(1, 150)
    stopped.stop.abort()
    await stopped.clock.until(5000)
    expect(stopped.state.done).toBe(false)
  })
})
