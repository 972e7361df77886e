import { prefixed, newLink, referenceOf, type Link, type NodePointer, type TrieNode } from './trie-node.ts'
import { placeNodes } from './trie.ts'
import { buildRange, type TrieItem } from './trie-update.ts'

/** Leaves of a subtrie that is built in memory; a larger one is built from its sixteen parts. */
const MAX_LEAVES = 4_096

/** Up to `limit` leaves in key order, of those whose keys begin with a path. */
export type LeafReader = (path: readonly number[], limit: number) => Promise<readonly TrieItem[]>

/** Where nodes go. */
export interface NodeSink {
  place(node: TrieNode, stored: Uint8Array): NodePointer
  /** Called after each part that was built in memory, so that what was placed need not stay there. */
  flush(): Promise<void>
}

/** Builds a trie of any size from its leaves, placing nodes as it goes; the root is not placed yet. */
export async function buildTrie(
  read: LeafReader,
  sink: NodeSink,
  path: readonly number[] = [],
): Promise<Link | undefined> {
  const leaves = await read(path, MAX_LEAVES + 1)
  if (leaves.length === 0) return undefined
  if (leaves.length <= MAX_LEAVES) {
    const link = buildRange(leaves, 0, leaves.length, path.length)
    placeBelow(link, sink)
    await sink.flush()
    return link
  }
  const children: (Link | undefined)[] = []
  for (let nibble = 0; nibble < 16; nibble++) children.push(await buildTrie(read, sink, [...path, nibble]))
  const present = children.filter((child) => child !== undefined)
  const only = present.length === 1 ? children.findIndex((child) => child !== undefined) : -1
  if (only >= 0) {
    const child = children[only] as Link
    const node = child.node as TrieNode
    // A branch goes below an extension; a leaf or an extension takes the nibble up.
    if (node.kind === 'branch') placeOne(child, sink)
    return newLink(prefixed(Uint8Array.of(only), node, child))
  }
  for (const child of present) placeOne(child, sink)
  return newLink({ kind: 'branch', children })
}

/** Places what is below a node, not the node itself: what stands above it may change it still. */
function placeBelow(link: Link, sink: NodeSink): void {
  const node = link.node as TrieNode
  if (node.kind === 'extension') placeOne(node.child, sink)
  else if (node.kind === 'branch') for (const child of node.children) if (child) placeOne(child, sink)
}

/** A node that is shorter than its hash stands in its parent. */
function placeOne(link: Link, sink: NodeSink): void {
  if (referenceOf(link).length === 32) placeNodes(link, (node, stored) => sink.place(node, stored))
}
