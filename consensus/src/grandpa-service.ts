import type {
  BlockRef,
  BlockTreeView,
  FinalityEvent,
  FinalityGadget,
  FinalityRoundView,
  PeerId,
  Signer,
  Topic,
  Transport,
  Verdict,
} from '@hawser/chain'
import {
  AppError,
  BoundedQueue,
  delay,
  isAppError,
  messageOf,
  spawn,
  utf8,
  type Address,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import { keyIn, keyspace, type KeyValueStore, type Write } from '@hawser/storage'
import {
  decodeCatchUpRequest,
  decodeCatchUpResponse,
  decodeCommit,
  decodeNeighbour,
  decodeVote,
  decodeVotes,
  encodeCatchUpRequest,
  encodeCatchUpResponse,
  encodeCommit,
  encodeJustification,
  encodeNeighbour,
  encodeVote,
  encodeVotes,
} from './codec.ts'
import { voteKindCode, type NetworkId } from './digests.ts'
import type { ConsensusErrorInfo } from './errors.ts'
import { roundView } from './round-view.ts'
import { TreeChainView } from './tree-chain-view.ts'
import type { Commit, HeaderRef, NeighbourPacket, SignedVote, UnsignedVote, VoteEquivocation } from './types.ts'
import { readRecords, roundOfKey, roundPrefix, setPrefix, type VoteRecord } from './vote-records.ts'
import type { VoterEffect, VoterEvent } from './voter-events.ts'
import { MAX_VOTERS, type VoterSet } from './voter-set.ts'
import { LIVE_ROUNDS_BEHIND, Voter } from './voter.ts'
import { verifyJustification, voteVerifier } from './justification.ts'

/** Events from peers that wait for the voter; more are refused: votes come again by the pull of missing ones. */
export const MAX_QUEUED_EVENTS = 4096
/** Records of one round: base, intents, and two votes of every voter in two phases and a hint. */
const MAX_ROUND_RECORDS = 5 * MAX_VOTERS + 8
/** Score for what is no message at all (consensus.md, 2.7). */
const COST_MALFORMED = -1000
const REQUEST_TIMEOUT_MS = 5000
const RETRY_FINALIZE_MS = 100

export interface GrandpaOptions {
  readonly network: NetworkId
  readonly voters: VoterSet
  /** The block that the set starts on (genesis, or the last block of the set before). */
  readonly base: BlockRef
  /** T, in milliseconds: 333 to 1000. */
  readonly gossipMs: number
  readonly tree: BlockTreeView
  /** A header from disk, of the finalised chain below the tree: rounds begun before a restart have their base there. */
  readonly storedHeader: (hash: Hash32) => HeaderRef | undefined
  readonly store: KeyValueStore
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  /** The session key; a node whose key is not in the set, or that has none, follows. */
  readonly signer?: Signer
  /** Makes a block final in the chain, with its encoded justification: one atomic batch (BlockImporter.finalize). */
  readonly finalize: (block: BlockRef, justification: Uint8Array) => Promise<void>
  /** Fetches a block that votes name and that has not come. */
  readonly requestBlock?: (hash: Hash32) => void
  readonly onEquivocation?: (evidence: VoteEquivocation) => void
  /** Finality has stopped for good in this process; people must look. */
  readonly onHalt?: (reason: string) => void
  /** The highest number that this set may vote for: the last block of the present epoch. */
  readonly voteLimit?: () => bigint | undefined
  /** Told of votes of the set that comes next: whoever handed over first votes already. Unchecked. */
  readonly onNextSet?: (vote: SignedVote, peer: PeerId) => void
  /** Told of every peer's position, of whatever set. */
  readonly onNeighbour?: (peer: PeerId, packet: NeighbourPacket) => void
  /** Signs nothing until this resolves: whether the own key is in use elsewhere is listened for (consensus.md, 2.12). */
  readonly listening?: Promise<void>
  /** Whether a vote of the own key, which came from outside, was made by another process. */
  readonly isForeign?: (vote: SignedVote) => boolean
  /** False for a block that this node does not vote for (protocol.md, 4). */
  readonly acceptable?: (hash: Hash32) => boolean
}

/** What accountability asks for: the votes of a round as they came, and how many had come when this node voted. */
export interface RoundHistory {
  readonly base: BlockRef | undefined
  readonly votes: readonly SignedVote[]
  readonly prevotedAt: number | undefined
  readonly precommittedAt: number | undefined
}

interface Task {
  readonly event: VoterEvent | { readonly type: 'justification'; readonly bytes: Uint8Array; readonly block: BlockRef }
  readonly done?: (effects: readonly VoterEffect[]) => void
  readonly failed?: (error: unknown) => void
}

/** Runs one voter set's finality over the ports: one queue, one consumer, effects carried out in order. */
export class GrandpaService implements FinalityGadget {
  readonly #options: GrandpaOptions
  readonly #local: number | undefined
  readonly #chain: TreeChainView
  readonly #queue = new BoundedQueue<Task>(MAX_QUEUED_EVENTS)
  readonly #listeners = new Set<(event: FinalityEvent) => void>()
  readonly #stops: (() => void)[] = []
  readonly #timers = new Set<() => void>()
  readonly #abort = new AbortController()
  readonly #verifyVote: (vote: SignedVote) => boolean
  #voter: Voter | undefined
  #running: Promise<void> | undefined
  #writes: Write[] = []
  /** Whether the next vote must not leave before the writes are on disk. */
  #mustSync = false
  #halted = false
  #finalOnDisk: bigint

  constructor(options: GrandpaOptions) {
    this.#options = options
    this.#finalOnDisk = options.tree.finalized().number
    const { voters, network, signer } = options
    this.#local = signer === undefined ? undefined : voters.indexOf(signer.address)
    this.#chain = new TreeChainView(options)
    this.#verifyVote = voteVerifier(network, voters, recoverAddress)
  }

  /** Reads what an earlier run stored, repeats its votes, and begins. `blocks`: what is in the tree, parents first. */
  async start(blocks: readonly BlockRef[] = []): Promise<void> {
    const { voters, base, gossipMs, transport, listening } = this.#options
    for (const block of blocks) this.#chain.learn(block.hash)
    this.#voter = new Voter({
      voters,
      local: this.#local,
      gossipMs,
      base,
      verifyVote: this.#verifyVote,
      chain: this.#chain,
      records: await this.#readRecords(),
      silent: listening !== undefined,
    })
    this.#serve()
    this.#stops.push(transport.onPeer((peer, what) => this.#onPeer(peer, what)))
    this.#push({ type: 'start' })
    if (listening !== undefined)
      this.#spawn(async () => {
        await listening
        this.#push({ type: 'voteAllowed' })
      })
    this.#running = this.#consume()
  }

  /** Ends timers, subscriptions and the queue; resolves when the last effect is done. */
  async stop(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    for (const cancel of this.#timers) cancel()
    this.#abort.abort(new Error('finality stops'))
    this.#queue.close()
    await this.#running
  }

  /** A vote that came before this set was in office. */
  hear(vote: SignedVote, peer: PeerId): void {
    this.#offer({ type: 'voteReceived', vote, peer })
  }

  onBlock(block: BlockRef): void {
    this.#push({ type: 'blockImported', hash: block.hash })
  }

  /** A header that came when a block was asked for, of a branch that finality has cut off: votes for it can be counted then. */
  onHeaderBeside(header: HeaderRef): void {
    if (this.#chain.learnBeside(header)) this.#push({ type: 'blockImported', hash: header.hash })
  }

  importJustification(justification: Uint8Array, block: BlockRef): Promise<void> {
    return new Promise((resolve, reject) => {
      const task: Task = {
        event: { type: 'justification', bytes: justification, block },
        done: () => resolve(),
        failed: reject,
      }
      if (!this.#queue.push(task, { urgent: true })) reject(busy())
    })
  }

  verify(justification: Uint8Array): Promise<BlockRef | undefined> {
    return Promise.resolve(this.#proven(justification))
  }

  #proven(justification: Uint8Array): BlockRef | undefined {
    const { voters, network } = this.#options
    const result = verifyJustification({ justification, voters, network, recover: recoverAddress })
    return result.ok ? result.value : undefined
  }

  status(): { setId: bigint; round: bigint; validators: readonly Address[]; stalled: boolean } {
    const { voters } = this.#options
    return {
      setId: voters.setId,
      round: this.#voter?.round ?? 0n,
      validators: voters.voters.map((voter) => voter.id),
      stalled: this.#halted || (this.#voter?.stuck ?? false),
    }
  }

  round(): FinalityRoundView {
    const round = this.#started().currentRound
    if (round === undefined)
      throw new AppError<ConsensusErrorInfo>(
        { code: 'GRANDPA_HALTED', fault: 'local', retry: true },
        'no round has begun yet',
      )
    return roundView(round)
  }

  /** Calls back with every block that becomes final and its justification; the answer ends it. */
  onFinalized(listener: (event: FinalityEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  // ---------------------------------------------------------------- in

  #serve(): void {
    const { transport } = this.#options
    const gossip =
      <T>(topic: Topic, decode: (bytes: Uint8Array) => T, event: (message: T, peer: PeerId) => VoterEvent) =>
      (bytes: Uint8Array, from: PeerId): Verdict | Promise<Verdict> => {
        let message: T
        try {
          message = this.#decoded(from, decode, bytes)
        } catch {
          return 'reject'
        }
        // Commits go ahead of votes: a node that is behind needs them to be in step, and votes of rounds gone by are worth little.
        return this.#ask(event(message, from), topic === 'commits').then(
          (effects) => effects.find((effect) => effect.type === 'verdict')?.verdict ?? 'ignore',
          () => 'ignore' as const,
        )
      }
    this.#stops.push(
      transport.subscribe(
        'votes',
        gossip('votes', decodeVote, (vote, peer) => {
          if (vote.setId === this.#options.voters.setId + 1n) this.#options.onNextSet?.(vote, peer)
          return { type: 'voteReceived', vote, peer }
        }),
      ),
      transport.subscribe(
        'commits',
        gossip('commits', decodeCommit, (commit, peer) => ({ type: 'commitReceived', commit, peer })),
      ),
      transport.serve('neighbour', async (bytes, peer) => {
        const packet = decodeNeighbour(bytes)
        await this.#ask({ type: 'neighbour', peer, packet }, true)
        this.#options.onNeighbour?.(peer, packet)
        return this.#position()
      }),
      transport.serve('missing-votes', async (bytes, peer) => {
        const effects = await this.#ask({ type: 'missingVotesRequested', peer, packet: decodeNeighbour(bytes) })
        return encodeVotes(effects.find((effect) => effect.type === 'answerVotes')?.votes ?? [])
      }),
      transport.serve('catch-up', async (bytes, peer) => {
        const effects = await this.#ask({ type: 'catchUpRequested', peer, request: decodeCatchUpRequest(bytes) })
        const answer = effects.find((effect) => effect.type === 'answerCatchUp')?.response
        // No bytes at all: we cannot help, and nobody is to blame.
        return answer === undefined ? new Uint8Array() : encodeCatchUpResponse(answer)
      }),
    )
  }

  #onPeer(peer: PeerId, what: 'joined' | 'left'): void {
    if (what === 'left') this.#push({ type: 'peerLeft', peer })
    else this.#tellNeighbour(peer, this.#position())
  }

  /** Something of our own: timers, blocks, answers that were asked for. A flood from outside must not lose it. */
  #push(event: VoterEvent): void {
    if (!this.#abort.signal.aborted) this.#queue.pushOwn({ event })
  }

  /** Something that a peer may send as often as it likes. */
  #offer(event: VoterEvent): void {
    if (this.#abort.signal.aborted) return
    if (!this.#queue.push({ event }, { urgent: event.type === 'neighbour' }))
      this.#options.logger.warn({ event: event.type }, 'finality queue is full')
  }

  #ask(event: VoterEvent, urgent = false): Promise<readonly VoterEffect[]> {
    return new Promise((resolve, reject) => {
      if (!this.#queue.push({ event, done: resolve, failed: reject }, { urgent })) reject(busy())
    })
  }

  // ---------------------------------------------------------------- the one consumer

  async #consume(): Promise<void> {
    for await (const task of this.#queue) {
      if (this.#halted) {
        task.failed?.(new AppError({ code: 'GRANDPA_HALTED', fault: 'local' }, 'finality has halted'))
        continue
      }
      try {
        let effects: readonly VoterEffect[] = []
        if (task.event.type === 'justification') await this.#takeJustification(task.event.bytes, task.event.block)
        else effects = await this.#handle(task.event)
        task.done?.(effects)
      } catch (error) {
        task.failed?.(error)
        // A refused justification is its sender's matter, and a stop breaks off what waits; anything else means that our own writes failed.
        if (!this.#abort.signal.aborted && !isAppError(error, 'JUSTIFICATION_INVALID')) this.#halt(messageOf(error))
      }
    }
  }

  async #handle(event: VoterEvent): Promise<readonly VoterEffect[]> {
    const { clock } = this.#options
    const first: VoterEffect[] = []
    const events = [event]
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      if (next.type === 'blockImported') this.#chain.learn(next.hash)
      if (next.type === 'voteReceived' && this.#isForeign(next.vote)) {
        this.#halt(`our own key has voted in round ${next.vote.round} of set ${next.vote.setId}, and not here`)
        break
      }
      const effects = this.#started().handle(next, clock.nowMs())
      if (next === event) first.push(...effects)
      for (const effect of effects) {
        const answer = await this.#carryOut(effect)
        if (answer !== undefined) events.push(answer)
      }
    }
    await this.#flush()
    return first
  }

  #isForeign(vote: SignedVote): boolean {
    const { isForeign } = this.#options
    return vote.voter === this.#local && this.#verifyVote(vote) && (isForeign?.(vote) ?? false)
  }

  async #takeJustification(bytes: Uint8Array, claimed: BlockRef): Promise<void> {
    const block = this.#proven(bytes)
    // A true proof of another block is worth nothing here, and that block may be unknown.
    if (block?.hash !== claimed.hash)
      throw new AppError<ConsensusErrorInfo>(
        { code: 'JUSTIFICATION_INVALID', fault: 'peer' },
        `the justification does not prove block ${claimed.number} final under set ${this.#options.voters.setId}`,
      )
    if (block.number <= this.#options.tree.finalized().number || !this.#options.tree.get(block.hash)) return
    await this.#makeFinal(block, bytes)
    await this.#handle({ type: 'finalizedExternally', block })
  }

  // ---------------------------------------------------------------- out

  async #carryOut(effect: VoterEffect): Promise<VoterEvent | undefined> {
    const { transport, clock, requestBlock, onEquivocation } = this.#options
    switch (effect.type) {
      case 'persist':
        this.#writes.push({ key: recordKey(effect.record.key), value: effect.record.value })
        this.#mustSync ||= effect.sync
        return undefined
      case 'forget':
        for await (const [key] of this.#options.store.entries(prefixRange(effect.prefix)))
          this.#writes.push({ key, value: undefined })
        return undefined
      case 'signAndSendVote':
        return this.#signAndSend(effect.vote)
      case 'sendVote':
        this.#spawn(() => transport.publish('votes', encodeVote(effect.vote)))
        return undefined
      case 'sendCommit':
        this.#spawn(() => transport.publish('commits', encodeCommit(effect.commit)))
        return undefined
      case 'sendNeighbour': {
        const packet = this.#position(effect.packet)
        // One peer is answered by the response to its own request.
        if (effect.peer === undefined) for (const { id } of transport.peers()) this.#tellNeighbour(id, packet)
        return undefined
      }
      case 'pullVotes':
        this.#spawn(async () => {
          const answer = await this.#request(effect.peer, 'missing-votes', encodeNeighbour(effect.packet))
          const votes = this.#decoded(effect.peer, decodeVotes, answer)
          for (const vote of votes) this.#offer({ type: 'voteReceived', peer: effect.peer, vote })
        })
        return undefined
      case 'requestCatchUp':
        this.#requestCatchUp(effect.peer, encodeCatchUpRequest(effect.request))
        return undefined
      case 'setTimer': {
        if (this.#abort.signal.aborted) return undefined
        const cancel = clock.after(effect.delayMs, () => {
          this.#timers.delete(cancel)
          this.#push({ type: 'timer', id: effect.id })
        })
        this.#timers.add(cancel)
        return undefined
      }
      case 'finalize':
        await this.#finalize(effect.block, effect.commit, effect.ancestry)
        // What may be voted for has moved, and so has the limit.
        return { type: 'finalizedExternally', block: effect.block }
      case 'reportPeer':
        transport.report(effect.peer, effect.delta, effect.reason)
        return undefined
      case 'requestBlock':
        requestBlock?.(effect.hash)
        return undefined
      case 'equivocation':
        this.#options.logger.warn(
          { offender: effect.evidence.offender, round: effect.evidence.first.round },
          'a voter voted twice',
        )
        onEquivocation?.(effect.evidence)
        return undefined
      case 'halt':
        this.#halt(effect.reason)
        return undefined
      case 'answerVotes':
      case 'answerCatchUp':
      case 'verdict':
        // Taken by whoever asked.
        return undefined
    }
  }

  /** The decision and the guard's file are synced at the same time; the vote leaves when both are on disk (consensus.md, 2.12). */
  async #signAndSend(vote: UnsignedVote): Promise<VoterEvent> {
    const { round, kind } = vote
    const [signed] = await Promise.all([this.#sign(vote), this.#flush()])
    if (signed === undefined) return { type: 'voteRefused', round, kind }
    this.#spawn(() => this.#options.transport.publish('votes', encodeVote(signed)))
    return { type: 'voteSigned', vote: signed }
  }

  async #sign(vote: UnsignedVote): Promise<SignedVote | undefined> {
    const { signer, logger } = this.#options
    const { setId, round, kind, number, hash } = vote
    try {
      if (signer === undefined || this.#local === undefined) throw new Error('no key')
      const voteKind = voteKindCode(kind) as 0 | 1 | 2
      const signature = await signer.sign({ kind: 'vote', setId, round, voteKind, target: { number, hash } })
      return { ...vote, voter: this.#local, signature }
    } catch (error) {
      logger.error({ round, kind, error: messageOf(error) }, 'a vote was not signed')
      return undefined
    }
  }

  async #finalize(block: BlockRef, commit: Commit, ancestry: readonly Hash32[]): Promise<void> {
    const headers = ancestry.map((hash) => this.#options.tree.headerRlp(hash))
    const complete = headers.filter((header) => header !== undefined)
    const justification = encodeJustification({ commit, ancestry: complete })
    // Checked once more by the node that made it: what leaves here must convince a stranger.
    if (this.#proven(justification)?.hash !== block.hash)
      throw new AppError<ConsensusErrorInfo>(
        { code: 'GRANDPA_HALTED', fault: 'local' },
        `the justification made for block ${block.number} does not verify`,
      )
    await this.#makeFinal(block, justification)
  }

  async #makeFinal(block: BlockRef, justification: Uint8Array): Promise<void> {
    this.#chain.learn(block.hash)
    for (;;)
      try {
        await this.#options.finalize(block, justification)
        break
      } catch (error) {
        // A full import queue passes; what is final stays final, so this waits.
        if (!isAppError(error, 'IMPORT_BUSY')) throw error
        await delay(RETRY_FINALIZE_MS, { signal: this.#abort.signal, clock: this.#options.clock })
      }
    this.#finalOnDisk = block.number
    this.#chain.finalize(block)
    for (const listener of this.#listeners) listener({ block, justification })
  }

  async #flush(): Promise<void> {
    if (this.#writes.length === 0) return
    const [writes, sync] = [this.#writes, this.#mustSync]
    this.#writes = []
    this.#mustSync = false
    await this.#options.store.write(writes, { sync })
  }

  /** What is told to be final is on disk: after a crash it would go backwards, and others would take that for a lie. */
  #position(packet = this.#started().neighbourPacket()): Uint8Array {
    const onDisk = this.#finalOnDisk
    return encodeNeighbour(packet.finalizedNumber > onDisk ? { ...packet, finalizedNumber: onDisk } : packet)
  }

  #tellNeighbour(peer: PeerId, packet: Uint8Array): void {
    this.#spawn(async () => {
      const answer = this.#decoded(peer, decodeNeighbour, await this.#request(peer, 'neighbour', packet))
      this.#offer({ type: 'neighbour', peer, packet: answer })
      this.#options.onNeighbour?.(peer, answer)
    })
  }

  #requestCatchUp(peer: PeerId, request: Uint8Array): void {
    spawn(
      async () => {
        const answer = await this.#request(peer, 'catch-up', request)
        if (answer.length === 0) this.#push({ type: 'catchUpFailed', peer })
        else {
          const response = this.#decoded(peer, decodeCatchUpResponse, answer)
          this.#push({ type: 'catchUpReceived', peer, response })
        }
      },
      () => this.#push({ type: 'catchUpFailed', peer }),
    )
  }

  /** @throws CONSENSUS_MALFORMED, for which the sender has paid */
  #decoded<T>(from: PeerId, decode: (bytes: Uint8Array) => T, bytes: Uint8Array): T {
    try {
      return decode(bytes)
    } catch (error) {
      this.#options.transport.report(from, COST_MALFORMED, messageOf(error))
      throw error
    }
  }

  #request(
    peer: PeerId,
    protocol: 'neighbour' | 'missing-votes' | 'catch-up',
    message: Uint8Array,
  ): Promise<Uint8Array> {
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)])
    return this.#options.transport.request(peer, protocol, message, { signal })
  }

  #spawn(task: () => Promise<unknown>): void {
    spawn(task, (error) =>
      this.#options.logger.debug({ error: messageOf(error) }, 'a finality message was not delivered'),
    )
  }

  #halt(reason: string): void {
    this.#halted = true
    for (const cancel of this.#timers) cancel()
    this.#options.logger.error({ reason }, 'finality halts')
    this.#options.onHalt?.(reason)
  }

  // ---------------------------------------------------------------- records

  /** The records of the last rounds, which are those that are live. */
  async #readRecords(): Promise<VoteRecord[]> {
    const { store, voters } = this.#options
    const records: VoteRecord[] = []
    const rounds = new Set<string>()
    for await (const [key, value] of store.entries({ ...prefixRange(setPrefix(voters.setId)), reverse: true })) {
      const record = { key: nameOf(key), value }
      rounds.add(roundOfKey(voters.setId, record.key) ?? '')
      if (BigInt(rounds.size) > LIVE_ROUNDS_BEHIND + 1n) break
      records.push(record)
    }
    return records
  }

  #started(): Voter {
    if (this.#voter === undefined)
      throw new AppError({ code: 'GRANDPA_HALTED', fault: 'local' }, 'finality has not started')
    return this.#voter
  }
}

/** A stored round of a set; undefined when nothing of it is kept. */
export async function readHistory(
  store: KeyValueStore,
  setId: bigint,
  round: bigint,
): Promise<RoundHistory | undefined> {
  const records: VoteRecord[] = []
  const range = { ...prefixRange(roundPrefix(setId, round)), limit: MAX_ROUND_RECORDS }
  for await (const [key, value] of store.entries(range)) records.push({ key: nameOf(key), value })
  const [stored] = readRecords(setId, records)
  if (stored === undefined) return undefined
  const { base, votes, intents } = stored
  const after = (kind: UnsignedVote['kind']) => intents.find((intent) => intent.kind === kind)?.after
  return { base, votes, prevotedAt: after('prevote'), precommittedAt: after('precommit') }
}

function nameOf(key: Uint8Array): string {
  return new TextDecoder().decode(key.subarray(1))
}

function recordKey(key: string): Uint8Array {
  return keyIn(keyspace.grandpa, utf8(key))
}

/** @internal All of consensus' keys that begin with an ASCII prefix. */
export function prefixRange(prefix: string): { gte: Uint8Array; lt: Uint8Array } {
  return { gte: recordKey(prefix), lt: keyIn(keyspace.grandpa, utf8(prefix), Uint8Array.of(0xff)) }
}

function busy(): AppError<ConsensusErrorInfo> {
  return new AppError<ConsensusErrorInfo>(
    { code: 'GRANDPA_BUSY', fault: 'local', retry: true },
    'more finality events wait than the queue takes',
  )
}
