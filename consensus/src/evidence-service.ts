import type { BlockRef, InherentCall, Inherents, PeerId, Transport, Verdict } from '@hawser/chain'
import { messageOf, spawn, utf8, type Address, type Logger } from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore } from '@hawser/storage'
import { reportCall } from './evidence-on-chain.ts'
import {
  checkEvidence,
  decodeEvidence,
  encodeEvidence,
  offenceOf,
  type Evidence,
  type EvidenceRules,
} from './evidence.ts'

/** Offences kept of one validator: one drops it from the next epoch, more only say how bad it was. */
export const MAX_OFFENCES_PER_VALIDATOR = 4
/** Reports in one block: news of offences must not crowd out deposits. */
export const MAX_REPORTS_PER_BLOCK = 4

const COST_MALFORMED = -1000
/** As a bad signature on a vote, for each of two (consensus.md, 2.7). */
const COST_FALSE = -200

export interface EvidenceOptions extends EvidenceRules {
  readonly store: KeyValueStore
  readonly transport: Transport
  readonly logger: Logger
  /** The own session address: whoever finds itself guilty stops, and reports nothing. */
  readonly self?: Address
  /** The session addresses in force after a block: an offence of anybody else changes nothing. */
  readonly validatorsAfter: (block: BlockRef) => readonly Address[]
  readonly head: () => BlockRef
  /** Whether the state after a block says that the offence was reported. */
  readonly isReported: (evidence: Evidence, at: BlockRef) => boolean
}

/**
 * Keeps proofs of equivocation until the state knows them: from this node's own eyes and from gossip, each checked
 * before it is kept, relayed or offered to a block.
 */
export class EvidenceService implements Pick<Inherents, 'inherents'> {
  readonly #options: EvidenceOptions
  readonly #held = new Map<string, Evidence>()
  #unsubscribe: (() => void) | undefined

  constructor(options: EvidenceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { store, transport, slotSeconds } = this.#options
    const range = { gte: keyIn(keyspace.evidence), lt: keyIn(keyspace.evidence + 1) }
    for await (const [, bytes] of store.entries(range)) {
      const evidence = decodeEvidence(bytes, slotSeconds)
      this.#held.set(offenceOf(evidence), evidence)
    }
    this.#unsubscribe = transport.subscribe('evidence', (bytes, from) => this.#hear(bytes, from))
  }

  stop(): void {
    this.#unsubscribe?.()
  }

  /** What this node has seen itself: kept, and told to everybody. */
  async submit(evidence: Evidence): Promise<void> {
    const { transport, logger } = this.#options
    if ((await this.#take(evidence)) !== 'accept') return
    logger.warn({ offence: offenceOf(evidence) }, 'a validator signed twice; it will be reported')
    spawn(
      () => transport.publish('evidence', encodeEvidence(evidence)),
      (error) => logger.debug({ err: messageOf(error) }, 'evidence was not published'),
    )
  }

  async inherents(parent: BlockRef): Promise<readonly InherentCall[]> {
    if (this.#held.size === 0) return []
    const validators = this.#options.validatorsAfter(parent)
    const calls: InherentCall[] = []
    for (const evidence of this.#held.values()) {
      if (calls.length >= MAX_REPORTS_PER_BLOCK) break
      if (!validators.includes(evidence.offender) || this.#options.isReported(evidence, parent)) continue
      calls.push(reportCall(evidence))
    }
    return calls
  }

  /** Forgets what a final state knows, and whoever is no validator any more. */
  async onFinalized(block: BlockRef): Promise<void> {
    if (this.#held.size === 0) return
    const validators = this.#options.validatorsAfter(block)
    const done = [...this.#held].filter(
      ([, evidence]) => !validators.includes(evidence.offender) || this.#options.isReported(evidence, block),
    )
    for (const [offence] of done) this.#held.delete(offence)
    if (done.length > 0)
      await this.#options.store.write(done.map(([offence]) => ({ key: keyOf(offence), value: undefined })))
  }

  async #hear(bytes: Uint8Array, from: PeerId): Promise<Verdict> {
    const { transport, slotSeconds } = this.#options
    let evidence: Evidence
    try {
      evidence = decodeEvidence(bytes, slotSeconds)
    } catch (error) {
      transport.report(from, COST_MALFORMED, messageOf(error))
      return 'reject'
    }
    const verdict = await this.#take(evidence)
    if (verdict === 'reject') transport.report(from, COST_FALSE, 'evidence that proves nothing')
    return verdict
  }

  async #take(evidence: Evidence): Promise<Verdict> {
    const { self, store, validatorsAfter, head, isReported } = this.#options
    const { offender } = evidence
    const offence = offenceOf(evidence)
    const at = head()
    // Cheap questions first; nobody is to blame for telling what others know already.
    if (offender === self || this.#held.has(offence) || !validatorsAfter(at).includes(offender)) return 'ignore'
    const known = [...this.#held.values()].filter((other) => other.offender === offender).length
    if (known >= MAX_OFFENCES_PER_VALIDATOR || isReported(evidence, at)) return 'ignore'
    const checked = checkEvidence(evidence, this.#options)
    if (!checked.ok) return checked.error === 'unknown-set' ? 'ignore' : 'reject'
    this.#held.set(offence, evidence)
    await store.write([{ key: keyOf(offence), value: encodeEvidence(evidence) }])
    return 'accept'
  }
}

function keyOf(offence: string): Uint8Array {
  return keyIn(keyspace.evidence, utf8(offence))
}
