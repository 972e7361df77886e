import { describe, expect, it } from 'vitest'
import { DEFAULT_SIGNING_POLICY, MAX_FINAL_AGE_SLOTS, refusalOf, type SigningFacts } from './policy.ts'

const fine: SigningFacts = {
  nowMs: 10_000_000,
  finalTimeS: 9_998,
  slotSeconds: 2,
  batchStatus: 'in-flight',
  paused: false,
  payoutSats: 100_000n,
  bitcoinInSync: true,
  sourceAliveAtMs: 9_990_000,
  signed: [],
}

describe('the signing policy', () => {
  it('has nothing against a final batch of a running bridge', () => {
    expect(refusalOf(DEFAULT_SIGNING_POLICY, fine)).toBeUndefined()
  })

  it.each<[string, Partial<SigningFacts>, RegExp]>([
    ['a batch that is not final here', { batchStatus: 'none' }, /not in my final state/],
    ['a batch that is settled', { batchStatus: 'settled' }, /settled/],
    ['a paused bridge', { paused: true }, /paused/],
    ['a Bitcoin node that is silent', { sourceAliveAtMs: 9_699_999 }, /silent for 300 s/],
    ['a Bitcoin node behind the light client', { bitcoinInSync: false }, /behind/],
  ])('refuses with a reason: %s', (_, change, reason) => {
    expect(refusalOf(DEFAULT_SIGNING_POLICY, { ...fine, ...change })).toMatch(reason)
  })

  it('does not sign on a final state that lags behind by more than so many slots', () => {
    const oldest = 10_000 - MAX_FINAL_AGE_SLOTS * fine.slotSeconds
    expect(refusalOf(DEFAULT_SIGNING_POLICY, { ...fine, finalTimeS: oldest })).toBeUndefined()
    expect(refusalOf(DEFAULT_SIGNING_POLICY, { ...fine, finalTimeS: oldest - 1 })).toMatch(/final block is 121 s old/)
  })

  it('keeps the cap of one transaction to the satoshi', () => {
    const policy = { ...DEFAULT_SIGNING_POLICY, maxBatchSats: 100_000n }
    expect(refusalOf(policy, fine)).toBeUndefined()
    expect(refusalOf(policy, { ...fine, payoutSats: 100_001n })).toMatch(/cap of 100000/)
  })

  it('counts what was signed for within the last hour, and no longer', () => {
    const policy = { ...DEFAULT_SIGNING_POLICY, maxHourlySats: 150_000n }
    const signedAgo = (ms: number) => ({ ...fine, signed: [{ atMs: fine.nowMs - ms, sats: 60_000n }] })
    expect(refusalOf(policy, signedAgo(3_599_999))).toMatch(/160000 sat within an hour/)
    expect(refusalOf(policy, signedAgo(3_600_000))).toBeUndefined()
  })
})
