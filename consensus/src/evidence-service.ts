import type { BlockRef, InherentCall, Inherents, PeerId, Transport, Verdict } from '@hawser/chain'
import { keccak256, messageOf, spawn, toHex, utf8, type Address, type Hex, type Logger } from '@hawser/primitives'
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

/** Refused evidence that is remembered, so that it is not taken again; each takes about 100 bytes. */
const MAX_REMEMBERED_REFUSALS = 1_000

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
  /** Whether the contract refuses the evidence on the state after a block. */
  readonly isRefused: (evidence: Evidence, at: BlockRef) => Promise<boolean>
}

interface Held {
  readonly evidence: Evidence
  /** The number of the head by whose state it was taken: an older final state may not know the offender yet. */
  readonly since: bigint
  /** Whether the contract took it on the state of a final block. */
  proven: boolean
}

/**
 * Keeps proofs of equivocation until the state knows them: from this node's own eyes and from gossip, each checked
 * before it is kept, relayed or offered to a block.
 */
export class EvidenceService implements Pick<Inherents, 'inherents'> {
  readonly #options: EvidenceOptions
  /** What was offered to a block longest ago comes first. */
  readonly #held = new Map<string, Held>()
  /** Hashes of evidence that the contract refused, oldest first. */
  readonly #refused = new Set<Hex>()
  #unsubscribe: (() => void) | undefined

  constructor(options: EvidenceOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { store, transport, slotSeconds, head } = this.#options
    const range = { gte: keyIn(keyspace.evidence), lt: keyIn(keyspace.evidence + 1) }
    for await (const [, bytes] of store.entries(range)) {
      const evidence = decodeEvidence(bytes, slotSeconds)
      this.#held.set(offenceOf(evidence), { evidence, since: head().number, proven: false })
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
    const offered = [...this.#held]
      .filter(
        ([, { evidence }]) => validators.includes(evidence.offender) && !this.#options.isReported(evidence, parent),
      )
      .slice(0, MAX_REPORTS_PER_BLOCK)
    // To the back of the queue: whatever keeps a report out of the block, it must not keep the others out too.
    for (const [offence, held] of offered) {
      this.#held.delete(offence)
      this.#held.set(offence, held)
    }
    return offered.map(([, { evidence }]) => reportCall(evidence))
  }

  /** Forgets what a final state knows or would refuse, and whoever is no validator any more. */
  async onFinalized(block: BlockRef): Promise<void> {
    const due = [...this.#held].filter(([, { since }]) => since <= block.number)
    if (due.length === 0) return
    const { store, validatorsAfter, isReported } = this.#options
    const validators = validatorsAfter(block)
    const done: string[] = []
    for (const [offence, held] of due) {
      const { evidence } = held
      const isOver = !validators.includes(evidence.offender) || isReported(evidence, block)
      if (isOver || (await this.#isHopeless(held, block))) done.push(offence)
    }
    if (done.length === 0) return
    for (const offence of done) this.#held.delete(offence)
    await store.write(done.map((offence) => ({ key: keyOf(offence), value: undefined })))
  }

  /** Whether the contract can never take it: once it would have, nothing but a report ends that. */
  async #isHopeless(held: Held, block: BlockRef): Promise<boolean> {
    if (held.proven) return false
    held.proven = !(await this.#options.isRefused(held.evidence, block))
    if (held.proven) return false
    this.#options.logger.warn({ offence: offenceOf(held.evidence) }, 'evidence that the contract refuses is dropped')
    this.#refused.add(hashOf(held.evidence))
    const [oldest] = this.#refused
    if (this.#refused.size > MAX_REMEMBERED_REFUSALS && oldest) this.#refused.delete(oldest)
    return true
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
    const known = [...this.#held.values()].filter((other) => other.evidence.offender === offender).length
    if (known >= MAX_OFFENCES_PER_VALIDATOR || isReported(evidence, at) || this.#refused.has(hashOf(evidence)))
      return 'ignore'
    const checked = checkEvidence(evidence, this.#options)
    // What only this node's own place in the chain speaks against, is nobody's fault.
    if (!checked.ok) return ['unknown-set', 'not-in-office'].includes(checked.error) ? 'ignore' : 'reject'
    this.#held.set(offence, { evidence, since: at.number, proven: false })
    await store.write([{ key: keyOf(offence), value: encodeEvidence(evidence) }])
    return 'accept'
  }
}

function hashOf(evidence: Evidence): Hex {
  return toHex(keccak256(encodeEvidence(evidence)))
}

function keyOf(offence: string): Uint8Array {
  return keyIn(keyspace.evidence, utf8(offence))
}
