import type { Common } from '@ethereumjs/common'
import {
  blockHash,
  blockRef,
  type BlockImporter,
  type BlockRef,
  type ChainStore,
  type PeerId,
  type SealedBlock,
  type Transport,
} from '@hawser/chain'
import { AppError, isAppError, toHex, type Hash32 } from '@hawser/primitives'
import { decodeBlocks, encodeHashRequest } from './block-messages.ts'
import type { P2pError } from './errors.ts'
import type { Pace } from './pace.ts'

/** A branch above the last final block: authors hold back long before one is so long. */
export const MAX_BRANCH_BLOCKS = 1_024
/** What is held of a branch, in bytes. Of more, the lowest part is imported, and the next attempt goes on from there. */
const MAX_BRANCH_BYTES = 64 * 1024 * 1024

/** Told of a block that lies on a branch which finality has cut off, parents first: votes for it count all the same. */
export type BesideListener = (block: BlockRef & { readonly parentHash: Hash32 }) => void

export interface BranchFetchParts {
  readonly common: Common
  readonly store: Pick<ChainStore, 'block' | 'pointers' | 'canonicalHash'>
  readonly importer: Pick<BlockImporter, 'import'>
  readonly onBlockBeside?: BesideListener
  readonly transport: Pick<Transport, 'request'>
  /** Of the requests to the peer that is asked. */
  readonly pace: Pace
  readonly signal: AbortSignal
}

/**
 * Fetches a block that finality votes name, and all below it that this node lacks, down to one that it has: after a partition the
 * votes of the other side may be for a branch that is nobody's best chain any more, and no range holds it. False when the peer does
 * not have all of it.
 * @throws MESSAGE_MALFORMED when the peer sends another block, and what `request` and `import` throw
 */
export async function fetchBranch(parts: BranchFetchParts, peer: PeerId, tip: Hash32): Promise<boolean> {
  const { common, store, transport, pace, signal } = parts
  const branch: { sealed: SealedBlock; bytes: number }[] = []
  let held = 0
  let asked = 0
  let wanted = tip
  for (; !store.block(wanted); asked++) {
    if (asked >= MAX_BRANCH_BLOCKS) return false
    await pace.turn({ signal })
    const answer = await transport.request(peer, 'blocks-by-hash', encodeHashRequest([wanted]), { signal })
    const [entry] = decodeBlocks(answer, common, 1)
    if (!entry) return false
    const { sealed, bytes } = entry
    if (blockHash(sealed.block) !== wanted)
      throw new AppError<P2pError>(
        { code: 'MESSAGE_MALFORMED', fault: 'peer' },
        `not block ${wanted}, which was asked for`,
      )
    branch.push({ sealed, bytes })
    held += bytes
    while (held > MAX_BRANCH_BYTES && branch.length > 1) held -= branch.shift()?.bytes ?? 0
    wanted = toHex(sealed.block.header.parentHash) as Hash32
  }
  await takeIn(
    parts,
    wanted,
    branch.reverse().map(({ sealed }) => sealed),
  )
  return true
}

/** Imports a branch, parents first, on a block that is here. */
async function takeIn(parts: BranchFetchParts, base: Hash32, branch: readonly SealedBlock[]): Promise<void> {
  const { store, importer, onBlockBeside } = parts
  const fork = store.block(base)?.block.header.number ?? 0n
  /** What sync has brought meanwhile is no branch: finality passes by the first block that is not on our chain. */
  const isCutOff = () => {
    const refs = branch.map(({ block }) => blockRef(block))
    const last = refs.findLast(({ number, hash }) => store.canonicalHash(number) === hash)
    return (last?.number ?? fork) < store.pointers().finalized.number
  }
  try {
    if (!isCutOff()) {
      for (const sealed of branch) await importer.import(sealed, 'sync')
      return
    }
  } catch (error) {
    // Finality went another way while the branch was fetched: nobody's fault, whatever of it was imported before.
    if (!isCutOff() || !(isAppError(error, 'BLOCK_BESIDE_FINAL') || isAppError(error, 'BLOCK_UNKNOWN_PARENT')))
      throw error
  }
  // Finality has cut this branch off: it cannot be imported, but votes for it were cast, and count.
  for (const sealed of branch) onBlockBeside?.(refOf(sealed))
}

function refOf({ block }: SealedBlock): Parameters<BesideListener>[0] {
  return { ...blockRef(block), parentHash: toHex(block.header.parentHash) as Hash32 }
}
