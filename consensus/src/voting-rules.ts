import { ancestorAt, type ChainView } from './chain-view.ts'
import type { BlockRef } from './types.ts'

/** A best chain this much longer than its base is voted for by three quarters only (consensus.md, 2.5). */
export const THREE_QUARTERS_ABOVE = 8n

/**
 * The block to prevote for on the best chain through `base`: the head, cut down by the three-quarters rule, by the set's
 * limit, and to below the first block that this node will not vote for; never below the base. A block whose head is not
 * known is voted for itself; undefined when it has vanished.
 */
export function prevoteTarget(chain: ChainView, base: BlockRef): BlockRef | undefined {
  if (chain.header(base.hash) === undefined) return undefined
  const head = chain.bestContaining(base.hash) ?? base
  let number = head.number
  const length = head.number - base.number
  if (length > THREE_QUARTERS_ABOVE) number = base.number + (3n * length + 2n) / 4n
  const limit = chain.voteLimit()
  if (limit !== undefined && number > limit) number = limit > base.number ? limit : base.number
  let target: BlockRef = ancestorAt(chain, head.hash, number) ?? base
  let at = chain.header(target.hash)
  while (at !== undefined && at.number > base.number) {
    if (!chain.acceptable(at.hash)) target = { number: at.number - 1n, hash: at.parentHash }
    at = chain.header(at.parentHash)
  }
  return { number: target.number, hash: target.hash }
}
