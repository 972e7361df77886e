import type { Address } from '@hawser/primitives'
import { validatorPeers, type NodeFacts, type NodeMetrics } from './metrics.ts'

/** A head that is older than so many slots means that no blocks come. */
export const MAX_HEAD_AGE_SLOTS = 20
/** From so many unfinal blocks on authors hold back (consensus.md, 3): finality lags. */
export const MAX_LAG_BLOCKS = 50n

/** What /health answers. */
export interface Health {
  readonly healthy: boolean
  /** Why it is not; empty when it is. */
  readonly reasons: readonly string[]
  readonly head: { readonly number: number; readonly hash: string; readonly ageSeconds: number }
  readonly finalized: { readonly number: number; readonly hash: string }
  /** The newest block that custody on Bitcoin names as final; null while none is known. */
  readonly checkpoint: { readonly number: number; readonly hash: string } | null
  readonly lagBlocks: number
  readonly peers: number
  readonly validatorPeers: number
  readonly syncing: boolean
  readonly setId: number
  readonly round: number
  /** This node's validator; absent on a follower. */
  readonly validator?: {
    readonly address: Address
    readonly inSet: boolean
    readonly missedSlots: number
    /** The highest slot that the signing guard let pass. */
    readonly lastSealedSlot: number | null
  }
  readonly votes: { readonly in: number; readonly out: number }
}

export interface HealthContext {
  readonly facts: NodeFacts
  readonly metrics: NodeMetrics
  readonly slotSeconds: number
  readonly nowMs: number
  readonly validator?: Address
  /** Who may vote now. */
  readonly validators: readonly Address[]
}

/** Judges a node by what it knows of itself. */
export async function healthOf(context: HealthContext): Promise<Health> {
  const { facts, metrics, slotSeconds, nowMs, validator, validators } = context
  const head = facts.head()
  const finalized = facts.finalized()
  const { setId, round, stalled } = facts.finality()
  const peers = facts.peers()
  const syncing = facts.syncing()
  const ageSeconds = Math.max(0, Math.floor(nowMs / 1000) - Number(head.timestamp))
  const lag = head.number - finalized.number
  const reasons: string[] = []
  // One validator needs nobody.
  const needsPeers = validators.length > 1 || validator === undefined || validators[0] !== validator
  if (needsPeers && peers.length === 0) reasons.push('no peer is connected')
  if (syncing) reasons.push('blocks are being fetched')
  if (ageSeconds > MAX_HEAD_AGE_SLOTS * slotSeconds)
    reasons.push(`the best block is ${ageSeconds} s old: no blocks come`)
  if (stalled) reasons.push('finality makes no progress')
  const offsetMs = facts.clockOffsetMs()
  if (Math.abs(offsetMs) > (slotSeconds * 1000) / 3)
    reasons.push(
      `the clock is ${Math.abs(offsetMs)} ms ${offsetMs > 0 ? 'behind' : 'ahead of'} those of the other validators`,
    )
  if (lag > MAX_LAG_BLOCKS) reasons.push(`${lag} blocks are not final`)
  const checkpoint = facts.checkpoint()
  // A chain of few blocks, by keys of old, would never come to the number at which it is refused.
  if (checkpoint && checkpoint.number > finalized.number)
    reasons.push(`custody on Bitcoin names block ${checkpoint.number} as final, which this node does not have`)
  const lastSealedSlot = facts.lastSealedSlot()
  return {
    healthy: reasons.length === 0,
    reasons,
    head: { number: Number(head.number), hash: head.hash, ageSeconds },
    finalized: { number: Number(finalized.number), hash: finalized.hash },
    checkpoint: checkpoint ? { number: Number(checkpoint.number), hash: checkpoint.hash } : null,
    lagBlocks: Number(lag),
    peers: peers.length,
    validatorPeers: validatorPeers(facts),
    syncing,
    setId: Number(setId),
    round: Number(round),
    ...(validator === undefined
      ? {}
      : {
          validator: {
            address: validator,
            inSet: validators.includes(validator),
            missedSlots: await metrics.missedSlots(validator),
            lastSealedSlot: lastSealedSlot === undefined ? null : Number(lastSealedSlot),
          },
        }),
    votes: { in: await metrics.messageCount('in', 'votes'), out: await metrics.messageCount('out', 'votes') },
  }
}
