import type { Hash32 } from '@hawser/primitives'
import type { BlockRef, HeaderRef } from './types.ts'

/** What finality reads of the chain: synchronous, over the block tree from a little below the finalised block upward. */
export interface ChainView {
  /** An imported header, on any fork; undefined when unknown or long pruned. */
  header(hash: Hash32): HeaderRef | undefined
  finalized(): BlockRef
  /** Head of the best chain through a block, over all forks; undefined only when the block is unknown. */
  bestContaining(hash: Hash32): BlockRef | undefined
  /** The highest number this set may vote for (a pending set change's last block), undefined without a limit. */
  voteLimit(): bigint | undefined
  /** False for a block that this node will not vote for (protocol.md, 4); its descendants follow. */
  acceptable(hash: Hash32): boolean
}

/** Steps of one ancestry walk: more unfinalised blocks than this and a vote is treated as unknown. */
export const MAX_ANCESTRY_STEPS = 16_384

/** Whether two votes name one block, by number and hash: one hash with two numbers are two votes. */
export function sameBlock(a: BlockRef, b: BlockRef): boolean {
  return a.hash === b.hash && a.number === b.number
}

/** The ancestor-or-self of a block at a number; undefined when the number is above it or the walk leaves the tree. */
export function ancestorAt(chain: Pick<ChainView, 'header'>, hash: Hash32, number: bigint): HeaderRef | undefined {
  let header = chain.header(hash)
  for (let steps = 0; header !== undefined && header.number > number; steps++) {
    if (steps >= MAX_ANCESTRY_STEPS) return undefined
    header = chain.header(header.parentHash)
  }
  return header !== undefined && header.number === number ? header : undefined
}

/** Whether a block is another's ancestor or the block itself. */
export function isAncestorOrSelf(chain: Pick<ChainView, 'header'>, ancestor: BlockRef, hash: Hash32): boolean {
  return ancestor.hash === hash || ancestorAt(chain, hash, ancestor.number)?.hash === ancestor.hash
}
