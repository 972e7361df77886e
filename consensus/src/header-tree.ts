import type { Hash32 } from '@hawser/primitives'
import { ancestorAt, isAncestorOrSelf, type ChainView } from './chain-view.ts'
import type { BlockRef, HeaderRef } from './types.ts'

/** Headers kept below the finalised block, for rounds whose base is older: more than any live round spans. */
export const MAX_RETAINED_BELOW_FINALIZED = 1024n
/** Headers in the tree; unfinalised blocks beyond this are refused (authoring backs off long before). */
export const MAX_TREE_HEADERS = 65_536

/** A header with the slot that decides between heads of equal number. */
export interface TreeHeader extends HeaderRef {
  readonly slot: bigint
}

/** The block tree that finality looks at: all forks of late, the finalised block, and the best head over any block. */
export class HeaderTree implements ChainView {
  readonly #headers = new Map<Hash32, TreeHeader>()
  readonly #children = new Map<Hash32, Hash32[]>()
  readonly #refused = new Set<Hash32>()
  #finalized: BlockRef
  #limit: bigint | undefined

  constructor(root: TreeHeader) {
    this.#headers.set(root.hash, root)
    this.#finalized = { number: root.number, hash: root.hash }
  }

  /** Adds a header whose parent is in the tree; false when it is not, or the header is known, or the tree is full. */
  add(header: TreeHeader): boolean {
    if (this.#headers.has(header.hash) || this.#headers.size >= MAX_TREE_HEADERS) return false
    const parent = this.#headers.get(header.parentHash)
    if (parent === undefined || parent.number + 1n !== header.number) return false
    this.#headers.set(header.hash, header)
    const siblings = this.#children.get(header.parentHash)
    if (siblings === undefined) this.#children.set(header.parentHash, [header.hash])
    else siblings.push(header.hash)
    return true
  }

  header(hash: Hash32): TreeHeader | undefined {
    return this.#headers.get(hash)
  }

  finalized(): BlockRef {
    return this.#finalized
  }

  /** The best head above the finalised block. */
  best(): BlockRef {
    return this.bestContaining(this.#finalized.hash) ?? this.#finalized
  }

  bestContaining(hash: Hash32): BlockRef | undefined {
    const root = this.#headers.get(hash)
    if (root === undefined) return undefined
    let best = root
    const open = [root]
    for (let header = open.pop(); header !== undefined; header = open.pop()) {
      // Equal numbers: the smaller slot, then the first seen (children are walked oldest first).
      if (header.number > best.number || (header.number === best.number && header.slot < best.slot)) best = header
      const children = this.#children.get(header.hash) ?? []
      for (let i = children.length - 1; i >= 0; i--) {
        const child = this.#headers.get(children[i] as Hash32)
        if (child !== undefined) open.push(child)
      }
    }
    return { number: best.number, hash: best.hash }
  }

  voteLimit(): bigint | undefined {
    return this.#limit
  }

  /** Sets the highest number that the present set may vote for. */
  setVoteLimit(limit: bigint | undefined): void {
    this.#limit = limit
  }

  acceptable(hash: Hash32): boolean {
    return !this.#refused.has(hash)
  }

  /** Marks a block that this node will not vote for. */
  refuse(hash: Hash32): void {
    if (this.#headers.has(hash)) this.#refused.add(hash)
  }

  /** No longer refuses a block, when what it credits has returned to the best chain. */
  allow(hash: Hash32): void {
    this.#refused.delete(hash)
  }

  /** Moves the finalised block up and forgets what is far below it; false for a block off the finalised chain. */
  finalize(block: BlockRef): boolean {
    if (!isAncestorOrSelf(this, this.#finalized, block.hash)) return false
    this.#finalized = { number: block.number, hash: block.hash }
    const lowest = block.number - MAX_RETAINED_BELOW_FINALIZED
    for (const header of this.#headers.values())
      if (header.number < lowest) {
        this.#headers.delete(header.hash)
        this.#children.delete(header.hash)
        this.#refused.delete(header.hash)
      }
    return true
  }

  /** Whether a block contains the finalised one (or is contained in it), so that it may still become final. */
  onFinalizedChain(block: BlockRef): boolean {
    if (block.number >= this.#finalized.number) return isAncestorOrSelf(this, this.#finalized, block.hash)
    return ancestorAt(this, this.#finalized.hash, block.number)?.hash === block.hash
  }
}
