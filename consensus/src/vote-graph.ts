import type { Hash32 } from '@hawser/primitives'
import { MAX_ANCESTRY_STEPS, type ChainView } from './chain-view.ts'
import type { BlockRef, HeaderRef, Phase } from './types.ts'

/** A block that votes reach, with one bit for every voter whose vote of a phase is for it or a descendant. */
export interface GraphNode {
  readonly block: BlockRef
  readonly parent: GraphNode | undefined
  readonly children: GraphNode[]
  readonly prevotes: Uint32Array
  readonly precommits: Uint32Array
}

/** What became of a vote's target: in the graph, not at or above the base, or linked to it by unknown headers. */
export type GraphInsert = 'inserted' | 'outside' | 'unknown'

/**
 * The blocks between a round's base and its votes' targets. Every block of a path is a node, so a merge point is a node
 * with two children; the finality lag bounds the paths. Bits are cumulative and merged by OR, never summed, so a voter
 * counts once on a block however often its votes arrive (consensus.md, 2.2).
 */
export class VoteGraph {
  readonly base: GraphNode
  readonly #nodes = new Map<Hash32, GraphNode>()
  readonly #words: number

  constructor(base: BlockRef, voters: number) {
    this.#words = Math.ceil(voters / 32)
    this.base = this.#add(base, undefined)
  }

  node(hash: Hash32): GraphNode | undefined {
    return this.#nodes.get(hash)
  }

  /** Counts a voter's vote of a phase for the target and all its ancestors down to the base. */
  insert(chain: Pick<ChainView, 'header'>, target: BlockRef, phase: Phase, voter: number): GraphInsert {
    const path: HeaderRef[] = []
    let hash = target.hash
    let node = this.#nodes.get(hash)
    while (node === undefined) {
      const header = chain.header(hash)
      if (header === undefined || path.length >= MAX_ANCESTRY_STEPS) return 'unknown'
      if (header.number <= this.base.block.number) return 'outside'
      path.push(header)
      hash = header.parentHash
      node = this.#nodes.get(hash)
    }
    for (const header of path.reverse()) node = this.#add({ number: header.number, hash: header.hash }, node)
    const word = voter >>> 5
    const bit = 1 << (voter & 31)
    for (let at: GraphNode | undefined = node; at !== undefined; at = at.parent) {
      const bits = phase === 'prevote' ? at.prevotes : at.precommits
      // Bits are cumulative: where this voter is counted, it is counted on every ancestor too.
      if (((bits[word] ?? 0) & bit) !== 0) break
      bits[word] = (bits[word] ?? 0) | bit
    }
    return 'inserted'
  }

  #add(block: BlockRef, parent: GraphNode | undefined): GraphNode {
    const node: GraphNode = {
      block,
      parent,
      children: [],
      prevotes: new Uint32Array(this.#words),
      precommits: new Uint32Array(this.#words),
    }
    parent?.children.push(node)
    this.#nodes.set(block.hash, node)
    return node
  }
}
