import type { BlockTreeView } from '@hawser/chain'
import type { Hash32 } from '@hawser/primitives'
import { isAncestorOrSelf, type ChainView } from './chain-view.ts'
import { HeaderTree } from './header-tree.ts'
import type { BlockRef, HeaderRef } from './types.ts'

/** Headers beside the final chain that are kept: what votes of live rounds may still name. */
export const MAX_HEADERS_BESIDE = 1024

export interface TreeChainViewOptions {
  readonly tree: Pick<BlockTreeView, 'get' | 'finalized' | 'best' | 'bestContaining'>
  /** A header from disk, of the finalised chain below the tree: rounds begun before a restart have their base there. */
  readonly storedHeader: (hash: Hash32) => HeaderRef | undefined
  /** The highest number that the present set may vote for. */
  readonly voteLimit?: () => bigint | undefined
  /** False for a block that this node does not vote for (protocol.md, 4). */
  readonly acceptable?: (hash: Hash32) => boolean
}

/** Headers from a tree of our own, which keeps what finality pruned of late; heads from the chain's fork choice. */
export class TreeChainView implements ChainView {
  readonly #options: TreeChainViewOptions
  readonly #headers: HeaderTree
  /** Headers of branches that finality has cut off, which no tree takes in any more, by hash. */
  readonly #beside = new Map<Hash32, HeaderRef>()

  constructor(options: TreeChainViewOptions) {
    this.#options = options
    const root = options.tree.finalized()
    this.#headers = new HeaderTree({ ...root, parentHash: options.tree.get(root.hash)?.parent ?? root.hash, slot: 0n })
  }

  /** Takes over a block of the tree, and what lies between it and the known ones. */
  learn(hash: Hash32): void {
    const path: { number: bigint; hash: Hash32; parentHash: Hash32; slot: bigint }[] = []
    for (let at = hash; this.#headers.header(at) === undefined;) {
      const node = this.#options.tree.get(at)
      if (node === undefined) return
      path.push({ number: node.number, hash: at, parentHash: node.parent, slot: 0n })
      at = node.parent
    }
    for (const header of path.reverse()) this.#headers.add(header)
  }

  /**
   * Takes a header of a branch that finality has cut off, whose parent is known: votes for it came before, or from nodes
   * that were behind, and they count. False where the parent is not known, or where the last final block stands below: that one
   * is not beside, and must be imported before anything is said of it.
   */
  learnBeside({ number, hash, parentHash }: HeaderRef): boolean {
    if (this.header(hash) !== undefined) return true
    if (this.header(parentHash)?.number !== number - 1n) return false
    if (isAncestorOrSelf(this, this.finalized(), parentHash)) return false
    this.#beside.set(hash, { number, hash, parentHash })
    const oldest = this.#beside.keys().next()
    if (this.#beside.size > MAX_HEADERS_BESIDE && !oldest.done) this.#beside.delete(oldest.value)
    return true
  }

  /** A block has become final in the tree. */
  finalize(block: BlockRef): void {
    this.#headers.finalize(block)
  }

  header(hash: Hash32): HeaderRef | undefined {
    return this.#headers.header(hash) ?? this.#beside.get(hash) ?? this.#options.storedHeader(hash)
  }

  finalized(): BlockRef {
    return this.#options.tree.finalized()
  }

  bestContaining(hash: Hash32): BlockRef | undefined {
    const { tree } = this.#options
    const inTree = tree.bestContaining(hash)
    if (inTree !== undefined) return inTree
    const header = this.header(hash)
    return header !== undefined && this.#headers.onFinalizedChain(header) ? tree.best() : undefined
  }

  voteLimit(): bigint | undefined {
    return this.#options.voteLimit?.()
  }

  acceptable(hash: Hash32): boolean {
    return this.#options.acceptable?.(hash) ?? true
  }
}
