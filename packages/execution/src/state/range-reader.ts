import { compareBytes } from '@hawser/primitives'
import type { RangeLeaf } from './range-proof.ts'
import type { Link } from './trie-node.ts'
import { nibblesOf } from './trie-node.ts'
import { loadNode, packNibbles, proveKey, type NodeSource } from './trie.ts'

/** Leaves of a trie from one key on, in order, with what proves that there are no others. */
export interface TrieRange {
  readonly leaves: readonly RangeLeaf[]
  /** The last key that the answer is about: that of the last leaf, or the limit that was asked for. */
  readonly end: Uint8Array
  readonly proof: readonly Uint8Array[]
}

/** What a leaf takes on the wire beside its value. */
const LEAF_BYTES = 36

/** Reads a range up to about `maxBytes` of leaves, but at least one. @throws STATE_MISSING */
export function readRange(
  source: NodeSource,
  root: Link | undefined,
  origin: Uint8Array,
  limit: Uint8Array,
  maxBytes: number,
): TrieRange {
  const leaves: RangeLeaf[] = []
  let bytes = 0
  let end = limit
  for (const leaf of leavesFrom(source, root, nibblesOf(origin))) {
    if (compareBytes(leaf.key, limit) > 0) break
    if (leaves.length > 0 && bytes + leaf.value.length + LEAF_BYTES > maxBytes) {
      end = (leaves[leaves.length - 1] as RangeLeaf).key
      break
    }
    bytes += leaf.value.length + LEAF_BYTES
    leaves.push(leaf)
  }
  const proof = new Map<string, Uint8Array>()
  for (const key of [origin, end])
    for (const node of proveKey(source, root, key)) proof.set(Buffer.from(node).toString('latin1'), node)
  return { leaves, end, proof: [...proof.values()] }
}

/** The leaves of a trie in order, from the first one at or after a key. */
function* leavesFrom(source: NodeSource, root: Link | undefined, origin: Uint8Array): Generator<RangeLeaf> {
  const open: { readonly link: Link; readonly path: readonly number[] }[] = root ? [{ link: root, path: [] }] : []
  for (let at = open.pop(); at; at = open.pop()) {
    const node = loadNode(source, at.link)
    const path = node.kind === 'branch' ? at.path : [...at.path, ...node.path]
    if (isBefore(path, origin)) continue
    if (node.kind === 'leaf') yield { key: packNibbles(path), value: node.value }
    else if (node.kind === 'extension') open.push({ link: node.child, path })
    else
      for (let nibble = 15; nibble >= 0; nibble--) {
        const child = node.children[nibble]
        const below = [...path, nibble]
        if (child && !isBefore(below, origin)) open.push({ link: child, path: below })
      }
  }
}

/** Whether all keys that begin with a path lie before a key. */
function isBefore(path: readonly number[], key: Uint8Array): boolean {
  for (let i = 0; i < path.length; i++) {
    const difference = (path[i] as number) - (key[i] as number)
    if (difference !== 0) return difference < 0
  }
  return false
}
