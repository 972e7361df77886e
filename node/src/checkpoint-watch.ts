import type { CustodyCheckpoint, ExecutionEngine, StoredChain } from '@hawser/chain'
import { hashInState } from '@hawser/execution'
import { displayBtcHash, type Hash32, type Logger } from '@hawser/primitives'

export interface CheckpointWatchParts {
  /** The newest block that custody on Bitcoin names as final. */
  readonly checkpoint: () => CustodyCheckpoint | undefined
  readonly store: Pick<StoredChain, 'pointers' | 'canonicalHash' | 'header'>
  readonly engine: Pick<ExecutionEngine, 'stateAt'>
  readonly logger: Logger
  /** What is final here is not what Bitcoin has. */
  readonly onConflict: (reason: string) => void
}

/**
 * Compares what is final here with the checkpoint in custody (consensus.md, 2.10), once for each that stands at or below the last
 * final block. What is not final yet is the importer's to refuse.
 */
export class CheckpointWatch {
  readonly #parts: CheckpointWatchParts
  #compared: Hash32 | undefined

  constructor(parts: CheckpointWatchParts) {
    this.#parts = parts
  }

  /** To be called whenever Bitcoin has moved. */
  check(): void {
    const { store, logger, onConflict } = this.#parts
    const checkpoint = this.#parts.checkpoint()
    if (!checkpoint || checkpoint.hash === this.#compared) return
    if (checkpoint.number > store.pointers().finalized.number) return
    this.#compared = checkpoint.hash
    const { number, hash, height } = checkpoint
    const txid = displayBtcHash(checkpoint.txid)
    const ours = this.#finalHash(number)
    if (ours === undefined)
      logger.warn(
        { number: Number(number), hash, txid },
        'the block that custody on Bitcoin names as final lies before what this node has: it could not be compared',
      )
    else if (ours !== hash)
      onConflict(
        `block ${number} is final here as ${ours}, but custody on Bitcoin names ${hash} (transaction ${txid} in block ${height}): ` +
          'this is not the chain that the committee signs for, and nothing more is signed for it here. If this node took its chain from ' +
          'others, begin anew with an empty data folder and bootnodes that you trust; if it did not, do not start it again before you ' +
          'have found out with the other validators which chain is the right one',
      )
    else logger.debug({ number: Number(number), hash, txid }, 'the chain holds the block that custody on Bitcoin names')
  }

  /** A chain that began at a fetched state has no old blocks, but their hashes in its state. */
  #finalHash(number: bigint): Hash32 | undefined {
    const { store, engine } = this.#parts
    const { finalized } = store.pointers()
    const header = store.header(finalized.hash)
    return store.canonicalHash(number) ?? (header && hashInState(engine.stateAt(header), finalized.number, number))
  }
}
