import { invariant, type Hash32 } from '@hawser/primitives'
import type { BlockRef, BlockTreeView } from './ports.ts'

interface TreeNode extends BlockRef {
  readonly parent: Hash32
  readonly slot: bigint
  /** It came long after its slot: perhaps its author withheld it to undo another's block. */
  readonly late: boolean
  /** The order of arrival decides between equals: unlike the hash, it cannot be ground. */
  readonly arrival: number
  readonly children: Set<Hash32>
}

/** How the best block moved: from the common ancestor, what was taken away and what came. Both ascend. */
export interface HeadChange {
  readonly head: BlockRef
  readonly removed: readonly BlockRef[]
  readonly added: readonly BlockRef[]
}

/**
 * The blocks above the last final one, and the fork choice among them (consensus.md section 3): the highest leaf; of
 * two, the one that came in time; of two, the one with the smaller slot; of two, the one seen first.
 */
export class BlockTree implements BlockTreeView {
  readonly #nodes = new Map<Hash32, TreeNode>()
  readonly #headerRlp: (hash: Hash32) => Uint8Array | undefined
  #root: TreeNode
  #best: TreeNode
  #arrivals = 0

  constructor(
    root: BlockRef & { readonly parent: Hash32; readonly slot: bigint },
    headerRlp: (hash: Hash32) => Uint8Array | undefined,
  ) {
    this.#root = { ...root, late: false, arrival: 0, children: new Set() }
    this.#nodes.set(root.hash, this.#root)
    this.#best = this.#root
    this.#headerRlp = headerRlp
  }

  get size(): number {
    return this.#nodes.size
  }

  has(hash: Hash32): boolean {
    return this.#nodes.has(hash)
  }

  finalized(): BlockRef {
    return ref(this.#root)
  }

  best(): BlockRef {
    return ref(this.#best)
  }

  get(hash: Hash32): { readonly number: bigint; readonly parent: Hash32 } | undefined {
    return this.#nodes.get(hash)
  }

  headerRlp(hash: Hash32): Uint8Array | undefined {
    return this.#headerRlp(hash)
  }

  /** Adds a block whose parent is in the tree; says how the head moves, if it does. */
  add(
    block: BlockRef & { readonly parent: Hash32; readonly slot: bigint; readonly late?: boolean },
  ): HeadChange | undefined {
    const parent = this.#nodes.get(block.parent)
    invariant(parent, 'a block is added below its parent')
    invariant(block.number === parent.number + 1n, 'numbers follow one another')
    if (this.#nodes.has(block.hash)) return undefined
    const node: TreeNode = { ...block, late: block.late ?? false, arrival: ++this.#arrivals, children: new Set() }
    this.#nodes.set(node.hash, node)
    parent.children.add(node.hash)
    return better(node, this.#best) ? this.#moveTo(node) : undefined
  }

  bestContaining(hash: Hash32): BlockRef | undefined {
    const start = this.#nodes.get(hash)
    if (!start) return undefined
    let best = start
    const open = [start]
    for (let node = open.pop(); node; node = open.pop()) {
      if (better(node, best)) best = node
      for (const child of node.children) open.push(this.#node(child))
    }
    return ref(best)
  }

  /** Makes a block of the tree final: everything not below it goes. Says what was pruned and how the head moved. */
  finalize(hash: Hash32): {
    readonly path: readonly BlockRef[]
    readonly pruned: readonly BlockRef[]
    readonly head?: HeadChange
  } {
    const target = this.#nodes.get(hash)
    invariant(target, 'a final block is in the tree')
    const path: BlockRef[] = []
    for (let node = target; node !== this.#root; node = this.#node(node.parent)) path.unshift(ref(node))
    const keep = new Set<Hash32>()
    const open = [target]
    for (let node = open.pop(); node; node = open.pop()) {
      keep.add(node.hash)
      for (const child of node.children) open.push(this.#node(child))
    }
    const best = this.bestContaining(hash)
    invariant(best, 'the final block has a best leaf')
    const head = keep.has(this.#best.hash) ? undefined : this.#moveTo(this.#node(best.hash))
    const onPath = new Set(path.map((block) => block.hash)).add(this.#root.hash)
    const pruned = [...this.#nodes.values()].filter((node) => !keep.has(node.hash) && !onPath.has(node.hash)).map(ref)
    for (const node of [...this.#nodes.values()]) if (!keep.has(node.hash)) this.#nodes.delete(node.hash)
    this.#root = target
    return { path, pruned, head }
  }

  #moveTo(to: TreeNode): HeadChange {
    const removed: BlockRef[] = []
    const added: BlockRef[] = []
    let a = this.#best
    let b = to
    while (a !== b) {
      if (a.number >= b.number) {
        removed.unshift(ref(a))
        a = this.#node(a.parent)
      } else {
        added.unshift(ref(b))
        b = this.#node(b.parent)
      }
    }
    this.#best = to
    return { head: ref(to), removed, added }
  }

  #node(hash: Hash32): TreeNode {
    const node = this.#nodes.get(hash)
    invariant(node, 'links of the tree lead to nodes')
    return node
  }
}

function better(a: TreeNode, b: TreeNode): boolean {
  if (a.number !== b.number) return a.number > b.number
  if (a.late !== b.late) return b.late
  if (a.slot !== b.slot) return a.slot < b.slot
  return a.arrival < b.arrival
}

function ref({ number, hash }: BlockRef): BlockRef {
  return { number, hash }
}
