import type { Common } from '@ethereumjs/common'
import {
  blockRef,
  sessionAddresses,
  type BlockRef,
  type ChainSpec,
  type PeerId,
  type SealedBlock,
  type StoredChain,
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
import { StateImport } from '@hawser/execution'
import { fetchState, StateTargetSearch, type StateTargetParts } from '@hawser/p2p'
import {
  AppError,
  delay,
  isAppError,
  messageOf,
  toHex,
  uintBE,
  type Clock,
  type Hash32,
  type Logger,
} from '@hawser/primitives'
import { recoverAddress } from '@hawser/primitives/node'
import type { KeyValueStore } from '@hawser/storage'
import type { NodeError } from './errors.ts'

/** Between two attempts to find a final block, or its state. */
const RETRY_MS = 1_000
/** A handover that proves nothing. */
const FALSE_SCORE = -5_000

export interface BeginAtStateParts {
  readonly spec: ChainSpec
  readonly common: Common
  readonly genesisHash: Hash32
  readonly store: StoredChain
  readonly db: KeyValueStore
  readonly transport: StateTargetParts['transport']
  readonly clock: Clock
  readonly logger: Logger
  readonly signal?: AbortSignal
}

/**
 * Begins an empty chain at a young final block instead of at genesis: follows the validator sets by their handover proofs, finds a
 * block that the present one proves final, and fetches its state from all peers. Nothing that a peer says is believed unproven.
 */
export async function beginAtState(parts: BeginAtStateParts): Promise<void> {
  const { db, store, transport, clock, logger, signal } = parts
  const sets = new SetFollower(parts)
  const search = new StateTargetSearch({
    ...parts,
    verify: (justification) => sets.verify(justification),
    checkSeal: (sealed) => sets.checkSeal(sealed),
  })
  for (;;) {
    await sets.follow()
    const target = await search.find()
    if (target) {
      const block = blockRef(target.base.block)
      logger.info({ number: Number(block.number), hash: block.hash }, 'fetching the state of a final block')
      try {
        const stateRoot = toHex(target.base.block.header.stateRoot) as Hash32
        const sink = await StateImport.open(db, block, stateRoot, { signal })
        const state = await fetchState({ transport, sink, logger, signal })
        await sets.record(db)
        await store.beginAt(target.base, target.justification, target.ancestors, state)
        logger.info({ number: Number(block.number) }, 'the chain begins at a fetched state')
        return
      } catch (error) {
        if (!isAppError(error, 'STATE_UNAVAILABLE')) throw error
        logger.info({ err: messageOf(error) }, 'the state went out of reach; a younger one is tried')
      }
    }
    await delay(RETRY_MS, { clock, signal })
  }
}

/** @throws SYNC_UNFINISHED when a state came in half and the node is told to begin at genesis */
export function refuseHalfState(db: KeyValueStore, dataDir: string): void {
  if (!StateImport.isPending(db)) return
  throw new AppError<NodeError>(
    { code: 'SYNC_UNFINISHED', fault: 'user' },
    `a state came into ${dataDir} in half; go on with --sync state, or begin anew with an empty folder`,
  )
}

/** The chain of validator sets as far as peers have proven it. */
class SetFollower {
  readonly #parts: BeginAtStateParts
  readonly #first: KnownSet
  readonly #followed: { readonly set: KnownSet; readonly handover: HandoverProof }[] = []
  #state: LightState

  constructor(parts: BeginAtStateParts) {
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

  /** Asks every peer for what comes after the last set that is known, until nobody has more. */
  async follow(): Promise<void> {
    const { transport, logger, signal } = this.#parts
    for (const { id } of transport.peers()) {
      try {
        while (await this.#page(id));
      } catch (error) {
        signal?.throwIfAborted()
        logger.debug({ peer: id, err: messageOf(error) }, 'a peer did not tell of the validator sets')
        if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
          transport.report(id, FALSE_SCORE, error.code)
      }
    }
  }

  /** Whether a page brought something new. */
  async #page(peer: PeerId): Promise<boolean> {
    const { transport, signal } = this.#parts
    signal?.throwIfAborted()
    const answer = await transport.request(peer, 'handovers', uintBE(this.#state.voters.setId, 8), { signal })
    const proofs = decodeHandovers(answer)
    for (const handover of proofs) {
      const next = verifyHandover(this.#state, handover, recoverAddress)
      if (!next.ok)
        throw new AppError<NodeError>(
          { code: 'HANDOVER_INVALID', fault: 'peer' },
          `the handover to set ${handover.setId} proves nothing: ${next.error}`,
        )
      this.#state = next.value
      this.#followed.push({ set: { voters: next.value.voters, base: next.value.base }, handover })
    }
    return proofs.length > 0
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
