import { isAppError, type Address, type Hash32 } from '@hawser/primitives'
import type { Checks } from './checks.ts'
import {
  AuraAuthorService,
  AuraConsensus,
  BlockTree,
  checkCommit,
  guardAct,
  SetChanges,
  TreeChainView,
  voteKindCode,
  Voter,
  type BlockRef,
  type Commit,
  type SignedVote,
  type UnsignedVote,
  type VoterEffect,
  type VoterEvent,
  type VoterSet,
} from './cores.ts'
import { Disk, type DiskState } from './disk.ts'
import { placeDigest } from './keys.ts'
import { MAX_BLOCKS_IN_ANSWER, type Message } from './messages.ts'
import type { SimEnv } from './env.ts'
import type { SimBlock } from './world.ts'

/** Time from the start of a slot until its block is sealed. */
const BUILD_MS = 30
const REQUEST_AGAIN_AFTER = 2
const ASK_AFTER = 2
const LISTEN_FOR = 10
const ASKED_PEERS = 2
const MAX_ORPHANS = 64
/** How long a healthy disk takes. */
const FSYNC_MS = 2

type Step = { readonly effects: readonly VoterEffect[]; next: number; readonly events: VoterEvent[] }

/** One node: the production cores over a virtual disk, clock and network. */
export class SimNode {
  readonly index: number
  /** The node whose key it has; a twin has another's. */
  readonly key: number
  readonly name: string
  readonly address: Address | undefined
  readonly disk: Disk
  up = false
  fsyncMs = FSYNC_MS
  offsetMs = 0
  voter: Voter | undefined
  voters!: VoterSet
  tree!: BlockTree
  aura!: AuraConsensus
  /** When each block that is not final yet came. */
  readonly arrivedMs = new Map<Hash32, number>()
  /** Dies after so many more effects. */
  dying: { effects: number; readonly downMs: number; readonly kept: number } | undefined
  readonly #env: SimEnv
  readonly #checks: Checks | undefined
  #view!: TreeChainView
  #changes!: SetChanges
  #author: AuraAuthorService | undefined
  #verify!: (vote: SignedVote) => boolean
  #local: number | undefined
  #queue: VoterEvent[] = []
  #step: Step | undefined
  #blocked = false
  #life = 0
  #listening = false
  #handover: VoterSet | undefined
  readonly #orphans = new Map<Hash32, SimBlock>()
  readonly #requested = new Map<Hash32, number>()

  constructor(env: SimEnv, index: number, key: number, hasKey: boolean, checks: Checks | undefined) {
    this.#env = env
    this.index = index
    this.key = key
    this.name = String(index)
    this.address = hasKey ? env.keys.addressOf(key) : undefined
    this.#checks = checks
    this.disk = new Disk(refOf(env.world.genesis))
  }

  get final(): BlockRef {
    return this.tree.finalized()
  }

  get clockMs(): number {
    return this.#env.timeline.nowMs + this.offsetMs
  }

  // ---------------------------------------------------------------- life

  /** Starts on what is on disk, as a node's process does. */
  boot(): void {
    if (this.up) return
    this.up = true
    this.#checks?.booted(this)
    const { world, config, timeline } = this.#env
    const { state } = this.disk
    const root = world.get(state.final.hash)
    this.tree = new BlockTree({ ...refOf(root), parent: root.parentHash, slot: root.slot }, () => undefined)
    const stored = [...state.blocks].map((hash) => world.get(hash)).filter(({ number }) => number > root.number)
    const unfinalized: SimBlock[] = []
    for (const block of stored.sort((a, b) => Number(a.number - b.number)))
      if (this.tree.has(block.parentHash)) {
        this.#add(block, false)
        unfinalized.push(block)
      }
    this.aura = new AuraConsensus({
      chainId: this.#env.network.chainId,
      slotSeconds: config.slotSeconds,
      authorities: (parent) => world.get(parent.hash).after.voters.map(({ id }) => id),
      recover: (digest, seal) => this.#env.keys.recover(digest, seal),
      onEquivocation: (evidence) => this.#env.onSealEquivocation(this, evidence.offender),
    })
    this.#author =
      this.address &&
      new AuraAuthorService({
        address: this.address,
        consensus: this.aura,
        slotSeconds: config.slotSeconds,
        tree: this.tree,
        slotOf: (block) => world.get(block.hash).slot,
        alone: () => false,
        settled: () => Promise.resolve(),
        // A node that does not know that its clock is off.
        clockOffsetMs: () => 0,
        listening: () => this.#listening,
        produce: () => Promise.resolve(),
        clock: { nowMs: () => this.clockMs, after: () => () => {} },
        logger: NO_LOGGER,
      })
    this.#changes = new SetChanges(BigInt(config.epochBlocks))
    const set = root.after
    // A crash between a set's last final block and writing the next one down is mended here.
    if (!state.sets.has(set.setId)) this.#writeSet(set, set.setId === 0n ? refOf(world.genesis) : refOf(root))
    this.#listening = config.listen && this.address !== undefined
    if (this.#listening) {
      const life = this.#life
      timeline.after(LISTEN_FOR * config.gossipMs, () => {
        if (life !== this.#life) return
        this.#listening = false
        this.feed({ type: 'voteAllowed' })
      })
    }
    this.#run(set, unfinalized)
    if (this.#author !== undefined) this.#sleepUntil(this.aura.slotAt(this.clockMs) + 1n)
  }

  /** The process dies: what was not synced is lost but for a part. */
  crash(kept: number): void {
    if (!this.up) return
    this.up = false
    this.#life++
    this.dying = undefined
    this.disk.tear(kept)
    this.voter = undefined
    this.#queue = []
    this.#step = undefined
    this.#blocked = false
    this.#handover = undefined
    this.#orphans.clear()
    this.#requested.clear()
  }

  /** Comes back on another copy of its database; the guard's file is its own. */
  restore(state: DiskState): void {
    this.disk.state = state
    this.#checks?.rolledBack(this)
    this.boot()
  }

  #run(voters: VoterSet, unfinalized: readonly SimBlock[]): void {
    const { config, keys } = this.#env
    const early = this.#changes.begin()
    this.voters = voters
    this.#verify = keys.verifier(voters)
    this.#local = this.address && voters.indexOf(this.address)
    this.#view = new TreeChainView({
      tree: this.tree,
      storedHeader: (hash) => {
        const block = this.#env.world.header(hash)
        return block && this.disk.state.canonical.get(block.number) === hash ? block : undefined
      },
      voteLimit: () => this.#changes.voteLimit(this.final.number),
    })
    for (const block of unfinalized) this.#view.learn(block.hash)
    this.voter = new Voter({
      voters,
      local: this.#local,
      gossipMs: config.gossipMs,
      base: this.disk.state.sets.get(voters.setId) as BlockRef,
      verifyVote: this.#verify,
      chain: this.#view,
      records: [...this.disk.state.records].map(([key, value]) => ({ key, value })),
      silent: this.#listening,
    })
    this.feed({ type: 'start' })
    for (const { vote, peer } of early) this.feed({ type: 'voteReceived', vote, peer })
  }

  #after(delayMs: number, run: () => void): void {
    const life = this.#life
    this.#env.timeline.after(delayMs, () => {
      if (life === this.#life && this.up) run()
    })
  }

  // ---------------------------------------------------------------- the one queue

  feed(event: VoterEvent): void {
    this.#queue.push(event)
    this.#work()
  }

  #work(): void {
    while (!this.#blocked && this.up) {
      const step = this.#step
      if (step === undefined) {
        if (this.#handover !== undefined) {
          const next = this.#handover
          this.#handover = undefined
          this.#queue = []
          this.#run(next, [...this.#unfinalized()])
          continue
        }
        const event = this.#queue.shift()
        if (event === undefined) return
        this.#step = { effects: this.#handle(event), next: 0, events: [] }
        continue
      }
      const effect = step.effects[step.next++]
      if (effect === undefined) {
        const event = step.events.shift()
        this.#step = event && { effects: this.#handle(event), next: 0, events: step.events }
        continue
      }
      this.#carryOut(effect, step)
      if (this.dying !== undefined && this.dying.effects-- <= 0) this.#env.die(this)
    }
  }

  #handle(event: VoterEvent): readonly VoterEffect[] {
    const voter = this.voter as Voter
    const effects = voter.handle(event, this.#env.timeline.nowMs)
    if (effects.length > 0) this.#checks?.handled(this, voter, effects)
    return effects
  }

  /** Waits for the database to be on disk: nothing goes on before. */
  #sync(then?: () => void): void {
    this.#wait(() => {
      this.disk.sync()
      then?.()
    })
  }

  /** Waits as long as the disk takes. */
  #wait(then: () => void): void {
    this.#blocked = true
    this.#after(this.fsyncMs, () => {
      this.#blocked = false
      then()
      this.#work()
    })
  }

  #carryOut(effect: VoterEffect, step: Step): void {
    const env = this.#env
    switch (effect.type) {
      case 'persist': {
        const { key, value } = effect.record
        this.disk.write((state) => state.records.set(key, value))
        if (effect.sync) this.#sync()
        return
      }
      case 'forget':
        return this.disk.write(({ records }) => {
          for (const key of records.keys()) if (key.startsWith(effect.prefix)) records.delete(key)
        })
      case 'signAndSendVote':
        return this.#sign(effect.vote, step)
      case 'sendVote':
        return env.broadcast(this, { type: 'event', event: this.#voteEvent(effect.vote) })
      case 'sendCommit':
        return env.broadcast(this, this.#commitMessage(effect.commit))
      case 'sendNeighbour':
        // One peer is answered by the response to its own request.
        if (effect.peer === undefined) env.broadcast(this, { type: 'position', packet: effect.packet, answer: false })
        return
      case 'pullVotes': {
        const event: VoterEvent = { type: 'missingVotesRequested', peer: this.name, packet: effect.packet }
        return env.send(this, Number(effect.peer), { type: 'event', event })
      }
      case 'answerVotes':
        if (env.config.faults.some(({ type }) => type === 'no-pull')) return
        for (const vote of effect.votes)
          env.send(this, Number(effect.peer), { type: 'event', event: this.#voteEvent(vote) })
        return
      case 'requestCatchUp': {
        const event: VoterEvent = { type: 'catchUpRequested', peer: this.name, request: effect.request }
        return env.send(this, Number(effect.peer), { type: 'event', event })
      }
      case 'answerCatchUp': {
        const { response } = effect
        const event: VoterEvent = response
          ? { type: 'catchUpReceived', peer: this.name, response }
          : { type: 'catchUpFailed', peer: this.name }
        return env.send(this, Number(effect.peer), { type: 'event', event })
      }
      case 'setTimer': {
        const { voter } = this
        return this.#after(effect.delayMs, () => {
          // Timers of the set before are cancelled at the handover.
          if (voter === this.voter) this.feed({ type: 'timer', id: effect.id })
        })
      }
      case 'finalize':
        return this.#finalize(effect.block, effect.commit, () => {
          step.events.push({ type: 'finalizedExternally', block: effect.block })
        })
      case 'reportPeer':
        return this.#checks?.reported(this, Number(effect.peer), effect.delta, effect.reason)
      case 'requestBlock':
        return this.#requestBlock(effect.hash)
      case 'equivocation':
        return env.onVoteEquivocation(this, effect.evidence)
      case 'halt':
        this.#checks?.halted(this, effect.reason)
        return this.crash(1)
      case 'verdict':
        return
    }
  }

  #voteEvent(vote: SignedVote): VoterEvent {
    return { type: 'voteReceived', peer: this.name, vote }
  }

  #commitMessage(commit: Commit): Message {
    return { type: 'event', event: { type: 'commitReceived', peer: this.name, commit } }
  }

  #sign(vote: UnsignedVote, step: Step): void {
    const { config, keys, network } = this.#env
    const { setId, round, kind } = vote
    const signed = (): void => {
      const made: SignedVote = { ...vote, voter: this.#local as number, signature: keys.vote(this.key, vote) }
      this.#checks?.signedVote(this, made)
      this.#env.broadcast(this, { type: 'event', event: this.#voteEvent(made) })
      step.events.push({ type: 'voteSigned', vote: made })
    }
    if (!config.guard) return signed()
    const act = { kind: 'vote', setId, round, voteKind: voteKindCode(kind) as 0 | 1 | 2 } as const
    const answer = guardAct(this.disk.guard, act, placeDigest(network, vote, config.crypto === 'real'))
    if (answer.kind === 'refused') step.events.push({ type: 'voteRefused', round, kind })
    else if (answer.kind === 'again') signed()
    else
      this.#wait(() => {
        this.disk.guard = { ...answer.state, seal: this.disk.guard.seal }
        signed()
      })
  }

  // ---------------------------------------------------------------- finality and sets

  #finalize(block: BlockRef, commit: Commit, then: () => void): void {
    const { world } = this.#env
    const { voters } = this
    const path: BlockRef[] = []
    for (let at = world.get(block.hash); at.hash !== this.final.hash; at = world.get(at.parentHash))
      path.push(refOf(at))
    this.disk.write((state) => {
      for (const { number, hash } of path) state.canonical.set(number, hash)
      state.justifications.set(block.number, commit)
      state.final = block
    })
    this.#sync(() => {
      this.#checks?.finalised(this, world.get(block.hash), commit, voters)
      this.#view.learn(block.hash)
      this.tree.finalize(block.hash)
      this.#view.finalize(block)
      for (const hash of this.arrivedMs.keys()) if (world.get(hash).number < block.number) this.arrivedMs.delete(hash)
      if (this.#checks !== undefined) this.#env.onFinal(this, world.get(block.hash))
      this.#close(block, commit, then)
    })
  }

  /** Where an epoch's last block names another set, that one takes over once it is written down. */
  #close(block: BlockRef, commit: Commit, then: () => void): void {
    const next = this.#env.world.get(block.hash).after
    if (!this.#changes.closes(block.number, this.voters.setId, next.setId)) return then()
    this.#writeSet(next, block)
    this.#sync(() => {
      this.#changes.end(block.number)
      if (this.#changes.announces(this.#local, block.number, this.voters.size))
        this.#env.broadcast(this, this.#commitMessage(commit))
      this.#handover = next
      then()
    })
  }

  #writeSet({ setId }: VoterSet, base: BlockRef): void {
    this.disk.write((state) => state.sets.set(setId, base))
    // At a start nothing else runs yet.
    if (this.voter === undefined) this.disk.sync()
  }

  #onPosition(from: number, theirFinal: bigint): void {
    const number = this.#changes.asksFor(theirFinal, this.final.number)
    if (number === undefined) return
    this.#after(ASK_AFTER * this.#env.config.gossipMs, () => {
      if (this.#changes.epochEnd(this.final.number) === number)
        this.#env.send(this, from, { type: 'justification-request', number })
      this.#changes.asked(number)
    })
  }

  #onJustification(from: number, number: bigint, commit: Commit): void {
    const { world } = this.#env
    const { target } = commit
    if (target.number !== number || number !== this.#changes.epochEnd(this.final.number)) return
    if (!this.tree.has(target.hash)) return this.#requestBlock(target.hash, from)
    if (commit.setId !== this.voters.setId) return
    // A justification carries the headers that its votes go through.
    if (!checkCommit(commit, this.voters, world.header, this.#verify).ok)
      return this.#checks?.reported(this, from, -5000, 'justification')
    this.#whenIdle(() => {
      if (target.number <= this.final.number || !this.tree.has(target.hash)) return
      this.#finalize(target, commit, () => this.#queue.unshift({ type: 'finalizedExternally', block: target }))
    })
  }

  /** A task of the one queue that is no event of the core. */
  #whenIdle(run: () => void): void {
    if (this.#blocked || this.#step !== undefined || this.#queue.length > 0 || this.#handover !== undefined)
      return this.#after(1, () => this.#whenIdle(run))
    run()
  }

  // ---------------------------------------------------------------- blocks

  receive(from: number, message: Message): void {
    const { world } = this.#env
    switch (message.type) {
      case 'event': {
        const { event } = message
        if (event.type === 'voteReceived' && event.vote.setId === this.voters.setId + 1n)
          this.#changes.keep(event.vote, String(from))
        return this.feed(event)
      }
      case 'position': {
        this.feed({ type: 'neighbour', peer: String(from), packet: message.packet })
        if (!this.up || this.voter === undefined) return
        if (!message.answer)
          this.#env.send(this, from, { type: 'position', packet: this.voter.neighbourPacket(), answer: true })
        return this.#onPosition(from, message.packet.finalizedNumber)
      }
      case 'block':
        return this.import(message.block, from)
      case 'blocks':
        for (const block of message.blocks) this.import(block, from)
        return
      case 'block-request': {
        if (this.#view.header(message.hash) === undefined) return
        const blocks: SimBlock[] = []
        for (
          let at = world.header(message.hash);
          // Of a branch that finality has cut off, down to where it leaves the final chain.
          at !== undefined &&
          (at.number > message.above || !this.#isCanonical(at.hash)) &&
          at.number > 0n &&
          blocks.length < MAX_BLOCKS_IN_ANSWER;
          at = world.header(at.parentHash)
        )
          blocks.unshift(at)
        return this.#env.send(this, from, { type: 'blocks', blocks })
      }
      case 'justification-request': {
        const commit = this.disk.state.justifications.get(message.number)
        if (commit) this.#env.send(this, from, { type: 'justification', number: message.number, commit })
        return
      }
      case 'justification':
        return this.#onJustification(from, message.number, message.commit)
    }
  }

  #isCanonical(hash: Hash32): boolean {
    const block = this.#env.world.header(hash)
    return block !== undefined && this.disk.state.canonical.get(block.number) === hash
  }

  #requestBlock(hash: Hash32, peer?: number): void {
    const { config, timeline } = this.#env
    const asked = this.#requested.get(hash)
    if (asked !== undefined && timeline.nowMs - asked < REQUEST_AGAIN_AFTER * config.gossipMs) return
    if (this.#requested.size > MAX_ORPHANS) this.#requested.clear()
    this.#requested.set(hash, timeline.nowMs)
    const peers = peer === undefined ? this.#env.peersOf(this, ASKED_PEERS) : [peer]
    for (const to of peers) this.#env.send(this, to, { type: 'block-request', hash, above: this.final.number })
  }

  /** A block from outside; one whose parent is missing waits for it. */
  import(block: SimBlock, from: number): void {
    if (this.tree.has(block.hash)) return
    if (!this.tree.has(block.parentHash) || block.number <= this.final.number) {
      if (this.#view.header(block.parentHash) !== undefined) {
        // Beside the final chain: no tree takes it any more, but votes may name it.
        if (this.#view.header(block.hash) === undefined && this.#view.learnBeside(block))
          this.feed({ type: 'blockImported', hash: block.hash })
        return
      }
      if (block.number <= this.final.number + 1n) return
      if (this.#orphans.size < MAX_ORPHANS) this.#orphans.set(block.parentHash, block)
      return this.#requestBlock(block.parentHash, from)
    }
    const parent = this.#env.world.get(block.parentHash)
    try {
      this.aura.verifySeal({ header: block.header as never, seal: block.seal }, parent.header as never, this.clockMs)
    } catch (error) {
      if (isAppError(error, 'BLOCK_TOO_EARLY'))
        this.#after(this.#env.config.slotSeconds * 1000, () => this.import(block, from))
      else if (!isAppError(error, 'BLOCK_BAD_SEAL') && !isAppError(error, 'BLOCK_BAD_SLOT')) throw error
      return
    }
    this.#checks?.imported(this, block)
    this.#accept(block, true)
  }

  #accept(block: SimBlock, fromPeer: boolean): void {
    this.#add(block, fromPeer)
    this.arrivedMs.set(block.hash, this.#env.timeline.nowMs)
    this.disk.write((state) => state.blocks.add(block.hash))
    this.#view.learn(block.hash)
    this.feed({ type: 'blockImported', hash: block.hash })
    const orphan = this.#orphans.get(block.hash)
    if (orphan === undefined) return
    this.#orphans.delete(block.hash)
    this.import(orphan, this.index)
  }

  #add(block: SimBlock, fromPeer: boolean): void {
    const late = fromPeer && this.clockMs > (Number(block.slot) + 1.5) * this.#env.config.slotSeconds * 1000
    this.tree.add({ ...refOf(block), parent: block.parentHash, slot: block.slot, late })
  }

  *#unfinalized(): Iterable<SimBlock> {
    for (const block of this.#env.world.list)
      if (block.number > this.final.number && this.tree.has(block.hash)) yield block
  }

  #sleepUntil(slot: bigint): void {
    const slotMs = this.#env.config.slotSeconds * 1000
    this.#after(Math.max(0, Number(slot) * slotMs - this.clockMs), () => {
      const now = this.aura.slotAt(this.clockMs)
      if (now === slot && this.#author?.abstains(slot) === undefined) this.#produce(slot)
      this.#sleepUntil((now > slot ? now : slot) + 1n)
    })
  }

  #produce(slot: bigint): void {
    const { world, config, timeline } = this.#env
    const parent = this.tree.best()
    this.#after(BUILD_MS, () => {
      const block = world.make(parent, slot, this.key, timeline.nowMs)
      const seal = (): void => {
        this.#checks?.sealed(this, block)
        if (this.tree.has(block.parentHash)) this.#accept(block, false)
        this.#env.announce(this, block)
      }
      if (!config.guard) return seal()
      const answer = guardAct(this.disk.guard, { kind: 'seal', slot }, block.hash)
      if (answer.kind === 'again') seal()
      else if (answer.kind === 'next')
        this.#after(this.fsyncMs, () => {
          // Votes may have been signed meanwhile.
          this.disk.guard = { ...this.disk.guard, seal: answer.state.seal }
          seal()
        })
    })
  }
}

function refOf({ number, hash }: BlockRef): BlockRef {
  return { number, hash }
}

const quiet = (): void => {}
const NO_LOGGER = {
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  fatal: quiet,
  child: () => NO_LOGGER,
} as never
