import { randomBytes } from 'node:crypto'
import { RLP } from '@ethereumjs/rlp'
import type { Committee, HeaderChain } from '@hawser/bitcoin'
import type {
  BitcoinSource,
  BlockRef,
  ChainSpec,
  ChainStore,
  ExecutionEngine,
  PeerId,
  SigningMemberView,
  Transport,
} from '@hawser/chain'
import { BatchStatus } from '@hawser/contracts'
import {
  decodeRlp,
  delay,
  equalBytes,
  messageOf,
  readUintBE,
  spawn,
  toHex,
  uintBE,
  utf8,
  ZERO_ADDRESS,
  type Address,
  type BtcHash,
  type Clock,
  type Hex,
  type Logger,
} from '@hawser/primitives'
import { secp256k1 } from '@hawser/primitives/node'
import { keyIn, keyspace, type KeyValueStore } from '@hawser/storage'
import { BatchMaterial, type SigningPath } from './batch-material.ts'
import { Broadcaster } from './broadcaster.ts'
import { ContractReader, type BatchState } from './contract-reader.ts'
import type { CustodyRecords } from './custody-records.ts'
import { bridgeError } from './errors.ts'
import { DEFAULT_SIGNING_POLICY, HOUR_MS, refusalOf, type SigningPolicy } from './policy.ts'
import { SigningMember } from './signing-member.ts'
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type SigningAnswer,
  type SigningRequest,
} from './signing-messages.ts'
import {
  INITIAL_SESSION,
  stepSession,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from './signing-session.ts'
import { SURVEY_FRESH_MS, surveyMembers } from './signing-survey.ts'
import { coordinatorOf, isInTurn, ownAttempt } from './signing-turn.ts'

/** Between two looks at who has to coordinate. */
const TICK_MS = 500
/** A coordinator who did not get through starts again after this. */
const RETRY_MS = 1_000
/** How long a request waits for this node's own finality, which may be a moment behind the coordinator's. */
const MAX_PATIENCE_MS = 1_500
const PATIENCE_STEP_MS = 50
/** Requests that wait for finality at a time. */
const MAX_PATIENT_REQUESTS = 32
/** Reasons that a batch's view keeps. */
const MAX_REFUSALS = 16
/** Batches that payouts are counted for in the hourly limit. */
const MAX_SIGNED_BATCHES = 4096
const SIGNED = utf8('b')
const PAYOUT = utf8('h')

export interface WithdrawalSignerParts {
  readonly spec: ChainSpec
  readonly committee: Committee
  readonly store: ChainStore
  readonly db: KeyValueStore
  readonly engine: ExecutionEngine
  readonly source: BitcoinSource
  readonly transport: Transport
  readonly clock: Clock
  readonly logger: Logger
  readonly chain: HeaderChain
  readonly records: CustodyRecords
  readonly sourceAliveAtMs: () => number
  readonly bitcoinKey?: Uint8Array
  readonly policy?: SigningPolicy
}

/** A batch in flight, as this node deals with it. */
interface Job {
  material: BatchMaterial
  /** Signed raw transactions by rung; as many as were payable when they were signed. */
  signed: readonly Uint8Array[]
  readonly refusals: string[]
  /** Members whose contributions were invalid, and why. */
  readonly bad: Map<number, string>
  /** What the members answered last when they were asked whether they would sign. */
  survey?: { readonly atMs: number; readonly members: Promise<readonly SigningMemberView[]> }
  running: boolean
  notBeforeMs: number
}

/** What the node knows of the last final state. */
interface FinalFacts {
  readonly paused: boolean
  readonly lightWork: bigint
  /** Of the final block, in Unix seconds. */
  readonly timeS: number
}

/** Signs the Bitcoin transactions of final batches with the other members, and brings them to Bitcoin (protocol.md, sections 7 and 8). */
export class WithdrawalSignerService {
  readonly #parts: WithdrawalSignerParts
  readonly #policy: SigningPolicy
  readonly #jobs = new Map<bigint, Job>()
  readonly #payouts = new Map<bigint, { atMs: number; sats: bigint }>()
  readonly #abort = new AbortController()
  readonly #broadcaster: Broadcaster
  readonly #self: number
  readonly #member: SigningMember | undefined
  #final: FinalFacts = { paused: true, lightWork: 0n, timeS: 0 }
  #updating = false
  #wanted: BlockRef | undefined
  #patient = 0
  #stopServing: () => void = () => undefined
  #cancelTick: () => void = () => undefined

  constructor(parts: WithdrawalSignerParts) {
    this.#parts = parts
    this.#policy = parts.policy ?? DEFAULT_SIGNING_POLICY
    this.#broadcaster = new Broadcaster(parts)
    const publicKey = parts.bitcoinKey && secp256k1.publicKey(parts.bitcoinKey)
    this.#self = publicKey ? parts.committee.sortedKeys.findIndex((key) => equalBytes(key, publicKey)) : -1
    this.#member =
      parts.bitcoinKey && publicKey && this.#self >= 0 ? new SigningMember(parts.bitcoinKey, publicKey) : undefined
  }

  async start(): Promise<void> {
    await this.#loadPayouts()
    // Stopped while it was starting.
    if (this.#abort.signal.aborted) return
    this.#stopServing = this.#parts.transport.serve('signing', (message, from) => this.#serve(message, from))
    this.onFinalized(this.#parts.store.pointers().finalized)
    this.#tick()
  }

  stop(): void {
    this.#abort.abort(new Error('the signer stops'))
    this.#stopServing()
    this.#cancelTick()
    this.#member?.closeAll()
  }

  /** Reads the batches of a final state; only the newest one counts when they come fast. */
  onFinalized(ref: BlockRef): void {
    this.#wanted = ref
    if (this.#updating) return
    this.#updating = true
    spawn(
      async () => {
        try {
          for (let ref = this.#wanted; ref; ref = this.#wanted) {
            this.#wanted = undefined
            await this.#update(ref)
          }
        } finally {
          this.#updating = false
        }
        this.#coordinate()
      },
      (error) => this.#parts.logger.warn({ err: messageOf(error) }, 'the final batches could not be read'),
    )
  }

  /** Bitcoin has a new block: what lingers is handed to the network again. */
  onBitcoinBlock(): void {
    this.#broadcastAll()
  }

  /** What this node knows of a batch in its final state; undefined when it has none of that id in flight. */
  job(id: bigint):
    | {
        readonly signed: boolean
        readonly refusals: readonly string[]
        readonly path?: 'key-path' | 'subset'
        readonly broadcast?: { readonly txid: string; readonly rate: number }
        readonly mined?: { readonly txid: BtcHash; readonly height: number }
        /** Asks the members whether they would sign now. */
        readonly members: () => Promise<readonly SigningMemberView[]>
      }
    | undefined {
    const job = this.#jobs.get(id)
    if (!job) return undefined
    const first = job.signed[0]
    return {
      signed: job.signed.length > 0,
      refusals: job.refusals,
      path: first && job.material.pathOf(first),
      broadcast: this.#broadcaster.last(id),
      mined: this.#broadcaster.mined(job.material),
      members: () => this.#survey(job),
    }
  }

  #survey(job: Job): Promise<readonly SigningMemberView[]> {
    const nowMs = this.#parts.clock.nowMs()
    if (job.survey && nowMs - job.survey.atMs < SURVEY_FRESH_MS) return job.survey.members
    const { committee, spec, transport } = this.#parts
    const request = encodeRequest({ kind: 'status', batchId: job.material.batchId })
    const members = surveyMembers({
      members: committee.sortedKeys.map((key) => {
        const bitcoinKey = toHex(key)
        const validator = spec.validators.find((candidate) => candidate.bitcoinKey === bitcoinKey)
        return { session: (validator?.session ?? ZERO_ADDRESS) as Address, bitcoinKey }
      }),
      online: this.#online(),
      excluded: job.bad,
      ownRefusal: this.#refusal(job) ?? (this.#member ? undefined : 'no key here'),
      ask: async (peer) => {
        const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(SURVEY_FRESH_MS)])
        return decodeAnswer(await transport.request(peer, 'signing', request, { signal }))
      },
    })
    job.survey = { atMs: nowMs, members }
    return members
  }

  // --- the final state

  async #update(ref: BlockRef): Promise<void> {
    const { store, engine } = this.#parts
    const header = store.block(ref.hash)?.block.header
    if (!header) return
    const reader = new ContractReader(engine, header)
    const { paused } = await reader.reserves()
    const { chainWork } = await reader.bestBitcoinBlock()
    this.#final = { paused, lightWork: chainWork, timeS: Number(header.timestamp) }
    const inFlight = new Set(await reader.batchesInFlight())
    for (const id of inFlight) await this.#take(await reader.batch(id))
    for (const id of [...this.#jobs.keys()])
      if (!inFlight.has(id)) {
        this.#jobs.delete(id)
        this.#broadcaster.forget(id)
        await this.#parts.db.write([{ key: signedKey(id), value: undefined }])
      }
  }

  async #take(batch: BatchState): Promise<void> {
    const { spec, committee, store, db, logger } = this.#parts
    const job = this.#jobs.get(batch.id)
    if (batch.status !== BatchStatus.InFlight || job?.material.rungs === batch.payableRungs) return
    const formedAt = store.canonicalHash(batch.formedAtBlock)
    if (!formedAt) return
    let material: BatchMaterial
    try {
      material = new BatchMaterial(spec, committee, batch, formedAt)
    } catch (error) {
      logger.error({ batch: Number(batch.id), err: messageOf(error) }, 'a batch cannot be signed')
      return
    }
    if (job) {
      // A raised fee pays for higher rungs; those that are signed stay good.
      job.material = material
      return
    }
    const stored = db.get(signedKey(batch.id))
    const signed = stored ? (decodeRlp(stored, Infinity) as Uint8Array[]) : []
    this.#jobs.set(batch.id, {
      material,
      signed: signed.every((raw, rung) => material.faultOf(raw, rung) === undefined) ? signed : [],
      refusals: [],
      bad: new Map(),
      running: false,
      notBeforeMs: 0,
    })
    logger.info({ batch: Number(batch.id), rungs: material.rungs, inputs: material.inputs.length }, 'a batch is final')
  }

  // --- coordinating

  #tick(): void {
    this.#coordinate()
    // What no network has taken yet is tried again at once; what it has, with every Bitcoin block.
    for (const { material, signed } of this.#jobs.values())
      if (signed.length > 0 && !this.#broadcaster.last(material.batchId)) this.#broadcaster.broadcast(material, signed)
    this.#cancelTick = this.#parts.clock.after(TICK_MS, () => {
      if (!this.#abort.signal.aborted) this.#tick()
    })
  }

  #coordinate(): void {
    if (!this.#member) return
    const now = this.#parts.clock.nowMs()
    for (const job of this.#jobs.values()) {
      if (job.running || job.signed.length >= job.material.rungs || now < job.notBeforeMs) continue
      const attempt = this.#ownTurn(job)
      if (attempt !== undefined) this.#run(job, attempt)
    }
  }

  #turnOf(job: Job): number {
    const elapsedMs = this.#parts.clock.nowMs() - job.material.formedAtTimeS * 1000
    return Math.max(0, Math.floor(elapsedMs / this.#parts.spec.custody.attemptMs))
  }

  /** The attempt that is ours to coordinate now; turns of members who are not there are skipped. */
  #ownTurn(job: Job): number | undefined {
    const online = this.#online()
    const at = { batchId: job.material.batchId, turn: this.#turnOf(job), n: this.#parts.committee.n }
    return ownAttempt(at, this.#self, (member) => online.has(member))
  }

  /** Members that are connected now, with their peers; oneself without one. */
  #online(): Map<number, PeerId | undefined> {
    const online = new Map<number, PeerId | undefined>()
    if (this.#self >= 0) online.set(this.#self, undefined)
    for (const { id, validator } of this.#parts.transport.peers()) {
      const member = this.#memberOf(validator)
      if (member !== undefined && member !== this.#self) online.set(member, id)
    }
    return online
  }

  #memberOf(session: Address | undefined): number | undefined {
    const key = this.#parts.spec.validators.find((validator) => validator.session === session)?.bitcoinKey
    if (key === undefined) return undefined
    const member = this.#parts.committee.sortedKeys.findIndex((candidate) => toHex(candidate) === key)
    return member === -1 ? undefined : member
  }

  #run(job: Job, attempt: number): void {
    const { spec, clock, logger } = this.#parts
    const { material } = job
    const batch = Number(material.batchId)
    job.running = true
    const config = { material, rungs: material.rungs, seed: randomBytes(32), waitMs: spec.custody.keyPathWaitMs }
    const online = this.#online()
    let state: SessionState = INITIAL_SESSION
    let busy = false
    const events: SessionEvent[] = []
    // Effects may answer at once: their events wait until the step is done.
    const dispatch = (event: SessionEvent) => {
      events.push(event)
      if (busy || this.#abort.signal.aborted) return
      busy = true
      for (let next = events.shift(); next; next = events.shift()) {
        const step = stepSession(config, state, next)
        state = step.state
        for (const effect of step.effects) perform(effect)
      }
      busy = false
    }
    const end = (delayMs: number) => {
      job.running = false
      job.notBeforeMs = clock.nowMs() + delayMs
    }
    const ask = (
      member: number,
      session: Hex,
      request: SigningRequest,
      local: () => SigningAnswer | Promise<SigningAnswer>,
    ) =>
      spawn(
        async () => {
          const answer = member === this.#self ? await local() : await this.#ask(online.get(member), request)
          if (answer.kind === 'nonces') return dispatch({ kind: 'nonces', session, member, nonces: answer.nonces })
          if (answer.kind === 'partials')
            return dispatch({ kind: 'partials', session, member, partials: answer.partials })
          if (answer.kind === 'signed' && (await this.#takeSigned(job, answer.transactions)) === undefined) return
          if (answer.kind === 'refused') this.#note(job, member, answer.reason)
          dispatch({ kind: 'failed', session, member })
        },
        (error) => {
          this.#note(job, member, messageOf(error))
          dispatch({ kind: 'failed', session, member })
        },
      )
    const perform = (effect: SessionEffect) => {
      switch (effect.kind) {
        case 'ask-nonces': {
          const { session, members } = effect
          const request = { kind: 'nonces', batchId: material.batchId, attempt, session, rungs: config.rungs } as const
          for (const member of members)
            ask(member, session, request, () => this.#offer(job, session, this.#self, config.rungs))
          return
        }
        case 'ask-partials': {
          const { session, members, path, aggregateNonces } = effect
          const subset = path.kind === 'subset' ? path.members : []
          const request = { kind: 'partials', session, members: subset, aggregateNonces } as const
          for (const member of members)
            ask(member, session, request, () => this.#sign(session, this.#self, path, aggregateNonces))
          return
        }
        case 'deadline':
          clock.after(effect.afterMs, () => {
            if (job.running) dispatch({ kind: 'deadline', session: effect.session, phase: effect.phase })
          })
          return
        case 'blame': {
          job.bad.set(effect.member, effect.reason)
          this.#note(job, effect.member, effect.reason)
          const peer = online.get(effect.member)
          if (peer !== undefined) this.#parts.transport.report(peer, -100, effect.reason)
          return
        }
        case 'done':
          logger.info({ batch, path: effect.path.kind, rungs: config.rungs }, 'a batch is signed')
          end(0)
          spawn(
            async () => {
              await this.#takeSigned(job, effect.transactions)
              await this.#tellSigned(job)
            },
            (error) => logger.warn({ batch, err: messageOf(error) }, 'the signed batch could not be told'),
          )
          return
        case 'gave-up':
          logger.warn({ batch, attempt, reason: effect.reason, refusals: job.refusals }, 'a batch is not signed yet')
          end(RETRY_MS)
      }
    }
    dispatch({
      kind: 'start',
      online: [...online.keys()].filter((member) => !job.bad.has(member)).sort((a, b) => a - b),
    })
  }

  async #ask(peer: PeerId | undefined, request: SigningRequest): Promise<SigningAnswer> {
    if (peer === undefined) throw bridgeError('SIGNING_UNAUTHORISED', 'local', 'not connected')
    const answer = await this.#parts.transport.request(peer, 'signing', encodeRequest(request), {
      signal: this.#abort.signal,
    })
    return decodeAnswer(answer)
  }

  async #tellSigned(job: Job): Promise<void> {
    const { batchId } = job.material
    const request = { kind: 'signed', batchId, transactions: job.signed } as const
    await Promise.allSettled(
      [...this.#online().values()].map(async (peer) => peer !== undefined && (await this.#ask(peer, request))),
    )
  }

  /** Verifies and keeps signed transactions, and broadcasts; the reason when they are not good. */
  async #takeSigned(job: Job, transactions: readonly Uint8Array[]): Promise<string | undefined> {
    const { material } = job
    for (const [rung, raw] of transactions.entries()) {
      const fault = material.faultOf(raw, rung)
      if (fault) return fault
    }
    if (transactions.length <= job.signed.length) return undefined
    job.signed = transactions.map((raw) => Uint8Array.from(raw))
    job.running = false
    await this.#parts.db.write([{ key: signedKey(material.batchId), value: RLP.encode([...job.signed]) }])
    this.#broadcastAll()
    return undefined
  }

  #broadcastAll(): void {
    for (const { material, signed } of this.#jobs.values())
      if (signed.length > 0) this.#broadcaster.broadcast(material, signed)
  }

  // --- answering

  async #serve(message: Uint8Array, from: PeerId): Promise<Uint8Array> {
    const request = decodeRequest(message)
    const sender = this.#memberOf(this.#parts.transport.peers().find((peer) => peer.id === from)?.validator)
    return encodeAnswer(await this.#answer(request, sender))
  }

  async #answer(request: SigningRequest, sender: number | undefined): Promise<SigningAnswer> {
    if (request.kind === 'status') {
      const job = this.#jobs.get(request.batchId)
      const reason = this.#refusal(job)
      return reason === undefined ? { kind: 'ok' } : { kind: 'refused', reason }
    }
    if (sender === undefined)
      throw bridgeError('SIGNING_UNAUTHORISED', 'peer', 'signing messages are for committee members')
    if (request.kind === 'partials') {
      const path: SigningPath =
        request.members.length === 0 ? { kind: 'key-path' } : { kind: 'subset', members: request.members }
      return this.#sign(request.session, sender, path, request.aggregateNonces)
    }
    const job = await this.#patiently(request.batchId)
    if (request.kind === 'signed') {
      if (!job) return { kind: 'refused', reason: 'the batch is not in my final state' }
      const fault = await this.#takeSigned(job, request.transactions)
      return fault === undefined ? { kind: 'ok' } : { kind: 'refused', reason: fault }
    }
    if (job && job.signed.length >= request.rungs) return { kind: 'signed', transactions: job.signed }
    if (job && !isInTurn(request.attempt, this.#turnOf(job)))
      return { kind: 'refused', reason: 'the attempt is not of this turn' }
    if (coordinatorOf(request.batchId, request.attempt, this.#parts.committee.n) !== sender)
      return { kind: 'refused', reason: 'this attempt has another coordinator' }
    return this.#offer(job, request.session, sender, request.rungs)
  }

  /** Waits a moment for the own finality: the coordinator may have seen the last vote a little earlier. */
  async #patiently(id: bigint): Promise<Job | undefined> {
    if (this.#jobs.has(id) || this.#patient >= MAX_PATIENT_REQUESTS) return this.#jobs.get(id)
    this.#patient++
    try {
      for (let waitedMs = 0; waitedMs < MAX_PATIENCE_MS && !this.#jobs.has(id); waitedMs += PATIENCE_STEP_MS)
        await delay(PATIENCE_STEP_MS, { signal: this.#abort.signal, clock: this.#parts.clock })
    } finally {
      this.#patient--
    }
    return this.#jobs.get(id)
  }

  #offer(job: Job | undefined, session: Hex, coordinator: number, rungs: number): SigningAnswer {
    const reason = this.#refusal(job)
    if (!job || !this.#member || reason !== undefined) return { kind: 'refused', reason: reason ?? 'no key here' }
    const offer = this.#member.offerNonces({ session, coordinator, rungs, material: job.material })
    return 'refused' in offer ? { kind: 'refused', reason: offer.refused } : { kind: 'nonces', nonces: offer.nonces }
  }

  async #sign(
    session: Hex,
    coordinator: number,
    path: SigningPath,
    aggregateNonces: readonly Uint8Array[],
  ): Promise<SigningAnswer> {
    const batchId = this.#member?.batchOf(session)
    const job = batchId === undefined ? undefined : this.#jobs.get(batchId)
    // The bridge may have paused between the rounds.
    const reason = this.#refusal(job)
    if (!job || !this.#member || reason !== undefined) return { kind: 'refused', reason: reason ?? 'no key here' }
    const signed = this.#member.sign({ session, coordinator, path, aggregateNonces })
    if ('refused' in signed) return { kind: 'refused', reason: signed.refused }
    await this.#countPayout(job.material)
    return { kind: 'partials', partials: signed.partials }
  }

  /** Counts a batch for the hourly limit, on disk before the signature leaves: a restart does not begin a new hour. */
  async #countPayout({ batchId, payoutSats }: BatchMaterial): Promise<void> {
    const { clock, db } = this.#parts
    const atMs = clock.nowMs()
    const gone = [...this.#payouts].flatMap(([id, payout]) => (atMs - payout.atMs >= HOUR_MS ? [id] : []))
    if (gone.length === 0 && this.#payouts.size >= MAX_SIGNED_BATCHES && !this.#payouts.has(batchId))
      gone.push(this.#payouts.keys().next().value as bigint)
    for (const id of gone) this.#payouts.delete(id)
    this.#payouts.set(batchId, { atMs, sats: payoutSats })
    await db.write(
      [
        ...gone.filter((id) => id !== batchId).map((id) => ({ key: payoutKey(id), value: undefined })),
        { key: payoutKey(batchId), value: RLP.encode([atMs, payoutSats]) },
      ],
      { sync: true },
    )
  }

  async #loadPayouts(): Promise<void> {
    const range = {
      gte: keyIn(keyspace.bridge, PAYOUT),
      lt: keyIn(keyspace.bridge, Uint8Array.of((PAYOUT[0] ?? 0) + 1)),
      limit: MAX_SIGNED_BATCHES,
    }
    for await (const [key, value] of this.#parts.db.entries(range)) {
      const [atMs, sats] = decodeRlp(value, Infinity) as [Uint8Array, Uint8Array]
      this.#payouts.set(readUintBE(key.subarray(2)), { atMs: Number(readUintBE(atMs)), sats: readUintBE(sats) })
    }
  }

  #refusal(job: Job | undefined): string | undefined {
    const { chain, clock, sourceAliveAtMs } = this.#parts
    if (!this.#member) return 'this node has no key of the committee'
    return refusalOf(this.#policy, {
      nowMs: clock.nowMs(),
      finalTimeS: this.#final.timeS,
      slotSeconds: this.#parts.spec.slotSeconds,
      batchStatus: job ? 'in-flight' : 'none',
      paused: this.#final.paused,
      payoutSats: job?.material.payoutSats ?? 0n,
      bitcoinInSync: chain.best.chainWork >= this.#final.lightWork,
      sourceAliveAtMs: sourceAliveAtMs(),
      signed: [...this.#payouts].filter(([id]) => id !== job?.material.batchId).map(([, payout]) => payout),
    })
  }

  #note(job: Job, member: number, reason: string): void {
    const key = toHex(this.#parts.committee.sortedKeys[member] as Uint8Array)
    const session = this.#parts.spec.validators.find((validator) => validator.bitcoinKey === key)?.session
    const line = `${session ?? key}: ${reason}`
    const known = job.refusals.indexOf(line)
    if (known !== -1) job.refusals.splice(known, 1)
    job.refusals.push(line)
    if (job.refusals.length > MAX_REFUSALS) job.refusals.shift()
    this.#parts.logger.debug({ batch: Number(job.material.batchId), member: session, reason }, 'a member does not sign')
  }
}

function signedKey(id: bigint): Uint8Array {
  return keyIn(keyspace.bridge, SIGNED, uintBE(id, 8))
}

function payoutKey(id: bigint): Uint8Array {
  return keyIn(keyspace.bridge, PAYOUT, uintBE(id, 8))
}
