import type { BlockRef, FinalityRoundView, PeerInfo } from '@hawser/chain'
import type { Address, Hash32 } from '@hawser/primitives'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Blocks whose time of arrival is kept until they are final. */
const MAX_TIMED_BLOCKS = 4_096

/** What a node tells of itself at the time of asking. */
export interface NodeFacts {
  head(): BlockRef & { readonly timestamp: bigint }
  finalized(): BlockRef
  peers(): readonly PeerInfo[]
  finality(): {
    readonly setId: bigint
    readonly round: bigint
    readonly stalled: boolean
    /** Who may vote now. */
    readonly validators: readonly Address[]
  }
  /** The round that is voted on; undefined before the first. */
  round(): FinalityRoundView | undefined
  pool(): { readonly pending: number; readonly queued: number }
  syncing(): boolean
  /** The highest slot that the signing guard has let pass; undefined on a follower. */
  lastSealedSlot(): bigint | undefined
  /** How far its clock is behind the other validators', in milliseconds. */
  clockOffsetMs(): number
  /** The newest block that custody on Bitcoin names as final. */
  checkpoint(): BlockRef | undefined
}

/** Connected peers that proved to be validators of the set in office. */
export function validatorPeers(facts: Pick<NodeFacts, 'peers' | 'finality'>): number {
  const inOffice = new Set(facts.finality().validators)
  return facts.peers().filter(({ validator }) => validator !== undefined && inOffice.has(validator)).length
}

export type Direction = 'in' | 'out'

/** Counts what happens in a node, and tells it in the text form of Prometheus. Names end in their unit. */
export class NodeMetrics {
  readonly #registry = new Registry()
  readonly #blocks: Counter<'origin'>
  readonly #finalBlocks: Counter
  readonly #lostBlocks: Counter
  readonly #missedSlots: Counter<'validator'>
  readonly #equivocations: Counter<'kind'>
  readonly #messages: Counter<'direction' | 'name'>
  readonly #bytes: Counter<'direction' | 'name'>
  readonly #finality: Histogram
  readonly #arrivals = new Map<Hash32, number>()

  constructor(facts: NodeFacts) {
    const registers = [this.#registry]
    collectDefaultMetrics({ register: this.#registry })
    const gauge = (name: string, help: string, read: () => number | bigint | boolean | undefined) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          const value = read()
          if (value === undefined) this.reset()
          else this.set(Number(value))
        },
      })
    gauge('hawser_head_number', 'Number of the best block', () => facts.head().number)
    gauge('hawser_head_timestamp_seconds', 'Time of the best block, Unix seconds', () => facts.head().timestamp)
    gauge('hawser_finalized_number', 'Number of the last final block', () => facts.finalized().number)
    gauge('hawser_finality_lag_blocks', 'Blocks of the best chain that are not final', () => {
      return facts.head().number - facts.finalized().number
    })
    gauge('hawser_peers', 'Connected peers on this chain', () => facts.peers().length)
    gauge('hawser_validator_peers', 'Peers that proved to be validators in office', () => {
      return validatorPeers(facts)
    })
    gauge('hawser_grandpa_set_id', 'Id of the voter set', () => facts.finality().setId)
    gauge('hawser_grandpa_round', 'Round that is voted on', () => facts.finality().round)
    gauge('hawser_grandpa_stalled', '1 when finality makes no progress', () => facts.finality().stalled)
    gauge('hawser_grandpa_prevote_weight', 'Weight that prevoted in the round', () => facts.round()?.prevoteWeight)
    gauge('hawser_grandpa_precommit_weight', 'Weight that precommitted in the round', () => {
      return facts.round()?.precommitWeight
    })
    gauge('hawser_grandpa_threshold_weight', 'Weight that a supermajority needs', () => facts.round()?.threshold)
    gauge('hawser_pool_pending_transactions', 'Pooled transactions that could go into a block', () => {
      return facts.pool().pending
    })
    gauge('hawser_pool_queued_transactions', 'Pooled transactions that wait for a nonce', () => facts.pool().queued)
    gauge('hawser_syncing', '1 while blocks are fetched that others have long', () => facts.syncing())
    gauge('hawser_clock_offset_seconds', "How far this clock is behind the other validators'", () => {
      return facts.clockOffsetMs() / 1000
    })
    gauge('hawser_guard_last_sealed_slot', 'Highest slot that the signing guard let pass', () => facts.lastSealedSlot())
    this.#blocks = new Counter({
      name: 'hawser_blocks_imported_total',
      help: 'Blocks stored, by where they came from',
      labelNames: ['origin'],
      registers,
    })
    this.#finalBlocks = new Counter({ name: 'hawser_blocks_finalized_total', help: 'Blocks made final', registers })
    this.#lostBlocks = new Counter({
      name: 'hawser_blocks_reorganized_total',
      help: 'Blocks that left the best chain',
      registers,
    })
    this.#missedSlots = new Counter({
      name: 'hawser_missed_slots_total',
      help: 'Slots between final blocks that stayed empty, by whose they were',
      labelNames: ['validator'],
      registers,
    })
    this.#equivocations = new Counter({
      name: 'hawser_equivocations_total',
      help: 'Contradicting signatures that were seen',
      labelNames: ['kind'],
      registers,
    })
    this.#messages = new Counter({
      name: 'hawser_messages_total',
      help: 'Messages of peers, by direction and protocol or topic',
      labelNames: ['direction', 'name'],
      registers,
    })
    this.#bytes = new Counter({
      name: 'hawser_message_bytes_total',
      help: 'Bytes of these messages, without transport overhead',
      labelNames: ['direction', 'name'],
      registers,
    })
    this.#finality = new Histogram({
      name: 'hawser_block_to_final_seconds',
      help: 'From a block being stored here to its being final here',
      buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60],
      registers,
    })
  }

  /** The metrics as Prometheus reads them, with the content type. */
  async text(): Promise<{ readonly body: string; readonly contentType: string }> {
    return { body: await this.#registry.metrics(), contentType: this.#registry.contentType }
  }

  imported(hash: Hash32, origin: string, nowMs: number): void {
    this.#blocks.inc({ origin })
    this.#arrivals.set(hash, nowMs)
    const oldest = this.#arrivals.keys().next()
    if (this.#arrivals.size > MAX_TIMED_BLOCKS && !oldest.done) this.#arrivals.delete(oldest.value)
  }

  reorganized(blocks: number): void {
    if (blocks > 0) this.#lostBlocks.inc(blocks)
  }

  finalized(path: readonly BlockRef[], nowMs: number): void {
    this.#finalBlocks.inc(path.length)
    for (const { hash } of path) {
      const arrived = this.#arrivals.get(hash)
      if (arrived !== undefined) this.#finality.observe((nowMs - arrived) / 1000)
      this.#arrivals.delete(hash)
    }
  }

  missedSlot(validator: Address): void {
    this.#missedSlots.inc({ validator })
  }

  equivocation(kind: 'seal' | 'vote'): void {
    this.#equivocations.inc({ kind })
  }

  message(direction: Direction, name: string, bytes: number): void {
    this.#messages.inc({ direction, name })
    this.#bytes.inc({ direction, name }, bytes)
  }

  /** The messages counted so far of a topic or protocol. */
  async messageCount(direction: Direction, name: string): Promise<number> {
    const { values } = await this.#messages.get()
    return values.find(({ labels }) => labels.direction === direction && labels.name === name)?.value ?? 0
  }

  /** The empty slots counted so far that were this validator's. */
  async missedSlots(validator: Address): Promise<number> {
    const { values } = await this.#missedSlots.get()
    return values.find(({ labels }) => labels.validator === validator)?.value ?? 0
  }
}
