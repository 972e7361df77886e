import {
  sessionAddresses,
  type BlockRef,
  type ChainSpec,
  type PeerId,
  type SealedBlock,
  type Transport,
} from '@hawser/chain'
import {
  checkSeal,
  decodeJustification,
  recordSets,
  VoterSet,
  type HandoverProof,
  type KnownSet,
} from '@hawser/consensus'
import { decodeHandovers, verifyHandover, verifyJustification, type LightState } from '@hawser/consensus/verify'
import { Pace } from '@hawser/p2p'
import { AppError, isAppError, messageOf, uintBE, type Clock, type Hash32, type Logger } from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import type { KeyValueStore } from '@hawser/storage'
import type { NodeError } from './errors.ts'

/** A handover that proves nothing. */
const FALSE_SCORE = -5_000

export interface SetFollowerParts {
  readonly spec: ChainSpec
  readonly genesisHash: Hash32
  readonly transport: Pick<Transport, 'peers' | 'request' | 'report'>
  readonly clock: Clock
  readonly logger: Logger
  readonly signal?: AbortSignal
}

/** The chain of validator sets as far as peers have proven it. */
export class SetFollower {
  readonly #parts: SetFollowerParts
  readonly #first: KnownSet
  readonly #followed: { readonly set: KnownSet; readonly handover: HandoverProof }[] = []
  readonly #paces = new Map<PeerId, Pace>()
  #state: LightState

  constructor(parts: SetFollowerParts) {
    const { spec, genesisHash } = parts
    this.#parts = parts
    const voters = new VoterSet(
      0n,
      sessionAddresses(spec).map((id) => ({ id, weight: 1 })),
    )
    this.#first = { voters, base: { number: 0n, hash: genesisHash } }
    const network = { chainId: BigInt(spec.chainId), genesisHash }
    this.#state = { network, epochBlocks: BigInt(spec.epochBlocks), ...this.#first }
  }

  /** The last set that was proven. */
  get setId(): bigint {
    return this.#state.voters.setId
  }

  /** Asks all peers for what comes after the last set that is known, a page of one after a page of the other, until nobody has more. */
  async follow(): Promise<void> {
    let peers = this.#parts.transport.peers().map(({ id }) => id)
    while (peers.length > 0) {
      const useful: PeerId[] = []
      for (const peer of peers) if (await this.#page(peer)) useful.push(peer)
      peers = useful
    }
  }

  /** Whether a page brought something new. */
  async #page(peer: PeerId): Promise<boolean> {
    const { transport, logger, clock, signal } = this.#parts
    const pace = this.#paces.get(peer) ?? new Pace('handovers', clock)
    this.#paces.set(peer, pace)
    try {
      await pace.turn({ signal })
      const proofs = decodeHandovers(await transport.request(peer, 'handovers', uintBE(this.setId, 8), { signal }))
      for (const handover of proofs) this.#take(handover)
      return proofs.length > 0
    } catch (error) {
      signal?.throwIfAborted()
      logger.debug({ peer, err: messageOf(error) }, 'a peer did not tell of the validator sets')
      if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
        transport.report(peer, FALSE_SCORE, error.code)
      return false
    }
  }

  #take(handover: HandoverProof): void {
    const next = verifyHandover(this.#state, handover, recoverAddress)
    if (!next.ok)
      throw new AppError<NodeError>(
        { code: 'HANDOVER_INVALID', fault: 'peer' },
        `the handover to set ${handover.setId} proves nothing: ${next.error}`,
      )
    this.#state = next.value
    this.#followed.push({ set: { voters: next.value.voters, base: next.value.base }, handover })
  }

  /** The block that a justification by the present set proves final. @throws SET_NOT_KNOWN */
  verify(justification: Uint8Array): BlockRef | undefined {
    const { voters, network, base } = this.#state
    const { setId, target } = decodeJustification(justification).commit
    // A set may have changed since it was asked for: nobody is to blame.
    if (setId !== voters.setId || target.number <= base.number)
      throw new AppError<NodeError>(
        { code: 'SET_NOT_KNOWN', fault: 'local', retry: true },
        `block ${target.number} was made final by set ${setId}, set ${voters.setId} is known`,
      )
    const result = verifyJustification({ justification, voters, network, recover: recoverAddress })
    return result.ok ? result.value : undefined
  }

  /** By the set that was in office when the block was sealed. @throws BLOCK_BAD_SEAL */
  checkSeal({ block: { header }, seal }: SealedBlock): void {
    const { chainId, slotSeconds } = this.#parts.spec
    const sets = [this.#first, ...this.#followed.map(({ set }) => set)]
    const { voters } = sets.findLast(({ base }) => base.number < header.number) ?? this.#first
    const authorities = voters.voters.map(({ id }) => id)
    checkSeal({ chainId: BigInt(chainId), slotSeconds, authorities, recover: recoverAddress }, { header, seal })
  }

  record(db: KeyValueStore): Promise<void> {
    return recordSets(db, this.#first, this.#followed)
  }
}
