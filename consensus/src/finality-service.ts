import type {
  BlockRef,
  FinalityEvent,
  FinalityGadget,
  FinalityProofs,
  FinalityRoundView,
  PeerId,
  StateProof,
  StoredChain,
  ValidatorSet,
} from '@hawser/chain'
import {
  AppError,
  isAppError,
  messageOf,
  readUintBE,
  spawn,
  uintBE,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import { decodeJustification, encodeCommit, MAX_JUSTIFICATION_BYTES } from './codec.ts'
import { malformed, type ConsensusErrorInfo } from './errors.ts'
import { GrandpaService, prefixRange, readHistory, type GrandpaOptions, type RoundHistory } from './grandpa-service.ts'
import { joinHandovers, MAX_HANDOVERS, MAX_SET_PROOFS_BYTES } from './handover-proof.ts'
import { JUSTIFICATION_WINDOW, superfluous, windowsThatAge, type JustifiedBlock } from './kept-justifications.ts'
import { LastingTransport } from './lasting-transport.ts'
import { SetChanges } from './set-changes.ts'
import { SetBook, type KnownSet } from './set-book.ts'
import type { HeaderRef, NeighbourPacket, SignedVote } from './types.ts'
import { setPrefix } from './vote-records.ts'
import { verifyJustification, voteVerifier } from './justification.ts'
import { VoterSet } from './voter-set.ts'

/** Sets whose rounds stay on disk when a later one is in office (consensus.md, 2.11). */
export const HISTORY_SETS = 4n
/** Gossip durations to wait for votes and commits before a peer is asked for a justification. */
const ASK_AFTER = 2

export interface FinalityOptions extends Omit<GrandpaOptions, 'voters' | 'base' | 'voteLimit' | 'onNeighbour'> {
  readonly genesis: BlockRef
  /** Blocks in an epoch; its last block has number % epochBlocks == 0. */
  readonly epochBlocks: bigint
  /** The set in force for a block's children, from its state. */
  readonly setAfter: (block: Hash32) => ValidatorSet
  /** Proves under a final block's state root what the state says of the set: slot 0 of `Validators` (EIP-1186). */
  readonly proveSet: (block: Hash32) => Pick<StateProof, 'accountProof' | 'storage'>
  /** The blocks above the last final one, parents first. */
  readonly unfinalized: () => readonly BlockRef[]
  /** Final blocks by number, and what proves them, where it is kept. */
  readonly chain: Pick<StoredChain, 'canonicalHash' | 'justification' | 'dropJustifications'>
  readonly onNeighbour?: (packet: NeighbourPacket) => void
}

/**
 * Finality over the chain of validator sets (consensus.md, 2.10): runs GRANDPA for the set in force, has each epoch's last
 * block made final by itself, and hands over to the next set on it.
 */
export class FinalityService implements FinalityGadget, FinalityProofs {
  readonly #options: FinalityOptions
  readonly #book: SetBook
  readonly #transport: LastingTransport
  readonly #changes: SetChanges
  readonly #listeners = new Set<(event: FinalityEvent) => void>()
  readonly #stops: (() => void)[] = []
  #service: GrandpaService | undefined
  #handover: Promise<void> = Promise.resolve()
  /** The block that becomes final now: until its set is written down, the pointer is ahead of the sets. */
  #settling: Promise<void> = Promise.resolve()
  #cancelAsking: (() => void) | undefined
  #stopped = false

  constructor(options: FinalityOptions) {
    this.#options = options
    this.#book = new SetBook(options.store)
    this.#transport = new LastingTransport(options.transport)
    this.#changes = new SetChanges(options.epochBlocks)
  }

  /** Goes on with the set in force for what follows the last final block. */
  async start(): Promise<void> {
    const { tree, transport, setAfter, genesis } = this.#options
    const final = tree.finalized()
    const set = setAfter(final.hash)
    // A crash after the last block of an epoch became final, and before its set was written down, is mended here.
    if (this.#book.get(set.setId) === undefined) {
      const justification = this.#justificationAt(final.number)?.justification
      const seen = final.number % this.#options.epochBlocks === 0n && justification
      if (set.setId === 0n) await this.#book.add({ voters: voterSet(set), base: genesis })
      else await this.#takeOver(final, set, seen || undefined)
    }
    await this.#run(this.#book.get(set.setId) as KnownSet)
    this.#stops.push(
      transport.serve('justification', async (message) => {
        if (message.length !== 8) throw malformed('not the number of a block')
        return this.#justificationAt(readUintBE(message))?.justification ?? new Uint8Array()
      }),
      transport.serve('handovers', async (message) => {
        if (message.length !== 8) throw malformed('not the id of a set')
        return this.#handoversFrom(readUintBE(message))
      }),
    )
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelAsking?.()
    for (const stop of this.#stops.splice(0)) stop()
    await this.#handover
    await this.#service?.stop()
    this.#transport.close()
  }

  onBlock(block: BlockRef): void {
    this.#service?.onBlock(block)
  }

  /** A header that came when a block was asked for, of a branch that finality has cut off: votes for it can be counted then. */
  onHeaderBeside(header: HeaderRef): void {
    this.#service?.onHeaderBeside(header)
  }

  /** @throws JUSTIFICATION_INVALID; JUSTIFICATION_TOO_EARLY while the epoch's last block before it is not final here */
  async importJustification(justification: Uint8Array, block: BlockRef): Promise<void> {
    await this.#settled()
    // Votes were quicker: the set that would have to prove it may be out of office.
    if (block.number <= this.#options.tree.finalized().number) return
    if (block.number > this.#epochEnd())
      throw new AppError<ConsensusErrorInfo>(
        { code: 'JUSTIFICATION_TOO_EARLY', fault: 'local', retry: true },
        `block ${block.number} lies beyond ${this.#epochEnd()}, the epoch's last block, which is not final yet`,
      )
    await this.#running().importJustification(justification, block)
    await this.#handover
  }

  async verify(justification: Uint8Array): Promise<BlockRef | undefined> {
    await this.#settled()
    try {
      const { setId, target } = decodeJustification(justification).commit
      const set = this.#book.inOffice(setId, target.number)
      if (set === undefined) return undefined
      const { network } = this.#options
      const result = verifyJustification({ justification, voters: set.voters, network, recover: recoverAddress })
      return result.ok ? result.value : undefined
    } catch (error) {
      if (isAppError(error, 'CONSENSUS_MALFORMED')) return undefined
      throw error
    }
  }

  status(): { setId: bigint; round: bigint; validators: readonly Address[]; stalled: boolean } {
    return this.#running().status()
  }

  round(): FinalityRoundView {
    return this.#running().round()
  }

  /** The votes of a round as they came, for as long as they are kept: HISTORY_ROUNDS of a set, HISTORY_SETS sets. */
  history(setId: bigint, round: bigint): Promise<RoundHistory | undefined> {
    return readHistory(this.#options.store, setId, round)
  }

  setProofs(from: bigint, upTo?: bigint): { readonly proofs: Uint8Array; readonly next?: bigint } {
    const present = this.status().setId
    const last = upTo !== undefined && upTo < present ? upTo : present
    const proofs: Uint8Array[] = []
    let bytes = 0
    for (let setId = from + 1n; setId <= last; setId++) {
      const proof = this.#book.handover(setId)
      if (proof === undefined)
        throw new AppError<ConsensusErrorInfo>(
          { code: 'HANDOVER_UNKNOWN', fault: 'local' },
          `this node began after set ${setId} had taken over, and holds no proof of it; ask another node`,
        )
      bytes += proof.length
      if (proofs.length >= MAX_HANDOVERS || (proofs.length > 0 && bytes > MAX_SET_PROOFS_BYTES))
        return { proofs: joinHandovers(proofs), next: setId - 1n }
      proofs.push(proof)
    }
    return { proofs: joinHandovers(proofs) }
  }

  #handoversFrom(setId: bigint): Uint8Array {
    try {
      return this.setProofs(setId).proofs
    } catch (error) {
      // Others may have what this node has not seen.
      if (isAppError(error, 'HANDOVER_UNKNOWN')) return joinHandovers([])
      throw error
    }
  }

  /** The sets that this node has followed, by id. */
  knownSet(setId: bigint): KnownSet | undefined {
    return this.#book.get(setId)
  }

  /** Calls back with every block that becomes final and its justification; the answer ends it. */
  onFinalized(listener: (event: FinalityEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  // ---------------------------------------------------------------- sets

  /** Resolves when no block is on its way to being final and no set on its way out. */
  async #settled(): Promise<void> {
    await this.#settling
    await this.#handover
  }

  #epochEnd(): bigint {
    return this.#changes.epochEnd(this.#options.tree.finalized().number)
  }

  async #run({ voters, base }: KnownSet): Promise<void> {
    const { unfinalized, logger, signer, storedHeader, tree } = this.#options
    const early = this.#changes.begin()
    this.#service = new GrandpaService({
      ...this.#options,
      transport: this.#transport,
      voters,
      // A chain that began at a fetched state has a gap where its set took over; rounds may stand on any final block.
      base: storedHeader(base.hash) ? base : tree.finalized(),
      voteLimit: () => this.#changes.voteLimit(tree.finalized().number),
      finalize: (block, justification) => this.#finalize(block, justification),
      onNeighbour: (peer, packet) => this.#onNeighbour(peer, packet),
      onNextSet: (vote, peer) => {
        if (this.#maybeNext(vote)) this.#changes.keep(vote, peer)
      },
    })
    const own = signer === undefined ? undefined : voters.indexOf(signer.address) !== undefined
    logger.info(
      { setId: voters.setId, validators: voters.size, base: base.number, votes: own },
      'a validator set is in office',
    )
    await this.#service.start(unfinalized())
    for (const { vote, peer } of early) this.#service.hear(vote, peer)
  }

  /** Whether a vote may be one of the set that takes over: once the epoch's last block is here, its state names the voters. */
  #maybeNext(vote: SignedVote): boolean {
    const { network, setAfter, tree } = this.#options
    const next = setAfter(tree.best().hash)
    return next.setId !== vote.setId || voteVerifier(network, voterSet(next), recoverAddress)(vote)
  }

  #finalize(block: BlockRef, justification: Uint8Array): Promise<void> {
    const done = this.#makeFinal(block, justification)
    this.#settling = done.catch(() => undefined)
    return done
  }

  async #makeFinal(block: BlockRef, justification: Uint8Array): Promise<void> {
    const { finalize, epochBlocks, setAfter, tree } = this.#options
    const before = tree.finalized().number
    await finalize(block, justification)
    await this.#thinOut(before, block.number)
    if (block.number % epochBlocks === 0n) await this.#closeEpoch(block, justification, setAfter(block.hash))
    for (const listener of this.#listeners) listener({ block, justification })
  }

  /** Deletes old justifications that nobody needs: the store would grow by one for every block. */
  async #thinOut(before: bigint, after: bigint): Promise<void> {
    const { chain, epochBlocks } = this.#options
    for (const from of windowsThatAge(before, after)) {
      const window: JustifiedBlock[] = []
      for (let number = from; number < from + JUSTIFICATION_WINDOW; number++) {
        const found = this.#justificationAt(number)
        if (found === undefined) continue
        const targets = decodeJustification(found.justification).commit.targets.length
        window.push({ number, hash: found.hash, targets })
      }
      await chain.dropJustifications(superfluous(window, epochBlocks))
    }
  }

  #justificationAt(number: bigint): { readonly hash: Hash32; readonly justification: Uint8Array } | undefined {
    const { chain, tree } = this.#options
    const hash = number <= tree.finalized().number ? chain.canonicalHash(number) : undefined
    const justification = hash && chain.justification(hash)
    return hash && justification && { hash, justification }
  }

  /** An epoch's last block is final: where its state names another set, that one takes over. */
  async #closeEpoch(block: BlockRef, justification: Uint8Array, set: ValidatorSet): Promise<void> {
    const { setId, validators } = this.#running().status()
    if (!this.#changes.closes(block.number, setId, set.setId)) return
    const next = await this.#takeOver(block, set, justification)
    this.#changes.end(block.number)
    this.#announce(block, justification, validators)
    // The old service waits for this call: it can only be stopped after it.
    this.#handover = this.#handover.then(() => this.#handOver(next))
  }

  /** Writes down who takes over, with the proof, which the state can only give as long as it is kept. */
  async #takeOver(base: BlockRef, set: ValidatorSet, justification: Uint8Array | undefined): Promise<KnownSet> {
    const { tree, proveSet } = this.#options
    const next: KnownSet = { voters: voterSet(set), base }
    const header = justification && tree.headerRlp(base.hash)
    if (justification === undefined || header === undefined) {
      await this.#book.add(next)
      return next
    }
    const { accountProof, storage } = proveSet(base.hash)
    await this.#book.add(next, {
      justification,
      header,
      accountProof,
      storageProof: storage[0]?.proof ?? [],
      setId: set.setId,
      voters: next.voters.voters,
    })
    return next
  }

  async #handOver(next: KnownSet): Promise<void> {
    try {
      await this.#service?.stop()
      if (this.#stopped) return
      await this.#run(next)
      await this.#forget(next.voters.setId - HISTORY_SETS)
    } catch (error) {
      this.#options.onHalt?.(`set ${next.voters.setId} cannot take over: ${messageOf(error)}`)
    }
  }

  #announce(block: BlockRef, justification: Uint8Array, validators: readonly Address[]): void {
    const { signer, transport, logger } = this.#options
    const place = signer === undefined ? -1 : validators.indexOf(signer.address)
    if (!this.#changes.announces(place < 0 ? undefined : place, block.number, validators.length)) return
    spawn(
      () => transport.publish('commits', encodeCommit(decodeJustification(justification).commit)),
      (error) => logger.debug({ err: messageOf(error) }, 'the last commit of a set was not published'),
    )
  }

  /** Deletes the rounds of sets long out of office. */
  async #forget(upTo: bigint): Promise<void> {
    if (upTo < 0n) return
    const { store } = this.#options
    const range = { gte: prefixRange(setPrefix(0n)).gte, lt: prefixRange(setPrefix(upTo)).lt }
    for (;;) {
      const writes = []
      for await (const [key] of store.entries({ ...range, limit: MAX_FORGOTTEN_AT_ONCE }))
        writes.push({ key, value: undefined })
      if (writes.length === 0) return
      await store.write(writes)
    }
  }

  // ---------------------------------------------------------------- justifications from peers

  /** A peer beyond our epoch's end has what proves it final, though votes and commits passed us by: it is asked in a while. */
  #onNeighbour(peer: PeerId, packet: NeighbourPacket): void {
    const { clock, gossipMs, onNeighbour, transport, tree } = this.#options
    // Anybody may claim any round; a validator's word is at least that of one of a few.
    if (transport.peers().some(({ id, validator }) => id === peer && validator !== undefined)) onNeighbour?.(packet)
    if (this.#stopped) return
    const number = this.#changes.asksFor(packet.finalizedNumber, tree.finalized().number)
    if (number === undefined) return
    this.#cancelAsking?.()
    this.#cancelAsking = clock.after(ASK_AFTER * gossipMs, () => {
      spawn(
        async () => {
          try {
            if (this.#epochEnd() === number) await this.#ask(peer, number)
          } finally {
            this.#changes.asked(number)
          }
        },
        (error) => this.#blame(peer, error),
      )
    })
  }

  async #ask(peer: PeerId, number: bigint): Promise<void> {
    const { transport, tree, requestBlock } = this.#options
    const answer = await transport.request(peer, 'justification', uintBE(number, 8))
    if (answer.length === 0 || answer.length > MAX_JUSTIFICATION_BYTES) return
    const { target } = decodeJustification(answer).commit
    if (target.number !== number) throw malformed('a justification of another block')
    if (tree.get(target.hash) === undefined) return requestBlock?.(target.hash)
    await this.importJustification(answer, target)
  }

  #blame(peer: PeerId, error: unknown): void {
    const { transport, logger } = this.#options
    logger.debug({ peer, err: messageOf(error) }, 'a justification could not be had from a peer')
    // A peer that is away, or refuses, has not lied.
    if (isAppError(error, 'CONSENSUS_MALFORMED') || isAppError(error, 'JUSTIFICATION_INVALID'))
      transport.report(peer, COST_BAD_JUSTIFICATION, error.code)
  }

  #running(): GrandpaService {
    if (this.#service === undefined)
      throw new AppError<ConsensusErrorInfo>({ code: 'GRANDPA_HALTED', fault: 'local' }, 'finality has not started')
    return this.#service
  }
}

/** Records deleted in one batch. */
const MAX_FORGOTTEN_AT_ONCE = 4096
/** As an invalid commit (consensus.md, 2.7). */
const COST_BAD_JUSTIFICATION = -5000

/** @throws VOTER_SET_INVALID */
function voterSet({ setId, sessions, weights }: ValidatorSet): VoterSet {
  return new VoterSet(
    setId,
    sessions.map((id, index) => ({ id, weight: Number(weights[index] ?? 0n) })),
  )
}
