/** What an operator allows his key to sign on top of the protocol. */
export interface SigningPolicy {
  /** Payouts of one transaction at most, in sat; no cap without it. */
  readonly maxBatchSats?: bigint
  /** Payouts signed for in an hour at most, in sat; no limit without it. */
  readonly maxHourlySats?: bigint
  /** How long the own Bitcoin source may have been silent, in ms. */
  readonly maxSourceSilenceMs: number
}

/** A final head older than this many slots is no basis for a signature: the pause or the settlement may be unseen. */
export const MAX_FINAL_AGE_SLOTS = 60

export const DEFAULT_SIGNING_POLICY: SigningPolicy = { maxSourceSilenceMs: 300_000 }

/** What a member knows when he is asked to sign. */
export interface SigningFacts {
  readonly nowMs: number
  /** The timestamp of the own final block, in Unix seconds, and the seconds of a slot. */
  readonly finalTimeS: number
  readonly slotSeconds: number
  /** In the own final state. */
  readonly batchStatus: 'none' | 'in-flight' | 'settled'
  readonly paused: boolean
  readonly payoutSats: bigint
  /** Whether the own Bitcoin view has at least the final light client's work. */
  readonly bitcoinInSync: boolean
  readonly sourceAliveAtMs: number
  /** Payouts of other batches that were signed for, by time. */
  readonly signed: readonly { readonly atMs: number; readonly sats: bigint }[]
}

export const HOUR_MS = 3_600_000

/** Why a member does not sign; undefined when nothing speaks against it (protocol.md, section 8). */
export function refusalOf(policy: SigningPolicy, facts: SigningFacts): string | undefined {
  const finalAgeS = Math.floor(facts.nowMs / 1000) - facts.finalTimeS
  if (finalAgeS > MAX_FINAL_AGE_SLOTS * facts.slotSeconds) return `my final block is ${finalAgeS} s old`
  if (facts.batchStatus === 'none') return 'the batch is not in my final state yet'
  if (facts.batchStatus === 'settled') return 'the batch is settled'
  if (facts.paused) return 'the bridge is paused'
  if (policy.maxBatchSats !== undefined && facts.payoutSats > policy.maxBatchSats)
    return `${facts.payoutSats} sat are above my cap of ${policy.maxBatchSats} for one transaction`
  const recent = facts.signed.filter(({ atMs }) => facts.nowMs - atMs < HOUR_MS)
  const hourly = recent.reduce((sum, { sats }) => sum + sats, 0n) + facts.payoutSats
  if (policy.maxHourlySats !== undefined && hourly > policy.maxHourlySats)
    return `${hourly} sat within an hour are above my limit of ${policy.maxHourlySats}`
  if (facts.nowMs - facts.sourceAliveAtMs > policy.maxSourceSilenceMs)
    return `my Bitcoin node has been silent for ${Math.round((facts.nowMs - facts.sourceAliveAtMs) / 1000)} s`
  if (!facts.bitcoinInSync) return 'my Bitcoin node is behind the light client'
  return undefined
}
