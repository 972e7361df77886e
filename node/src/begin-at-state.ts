import type { Common } from '@ethereumjs/common'
import { blockRef, type ChainSpec, type StoredChain } from '@hawser/chain'
import { StateImport } from '@hawser/execution'
import { fetchState, StateTargetSearch, type StateTargetParts } from '@hawser/p2p'
import { AppError, delay, isAppError, messageOf, toHex, type Clock, type Hash32, type Logger } from '@hawser/primitives'
import type { KeyValueStore } from '@hawser/storage'
import type { NodeError } from './errors.ts'
import { SetFollower } from './set-follower.ts'

/** Between two attempts to find a final block, or its state. */
const RETRY_MS = 1_000

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
