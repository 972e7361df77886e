import { fromHex, keccak256 } from '@hawser/primitives'
import { EMPTY_TRIE_ROOT } from '@hawser/chain'
import {
  decodeStoredNode,
  encodeStoredNode,
  nibblesOf,
  nodeRlp,
  referenceOf,
  type Link,
  type NodePointer,
  type TrieNode,
} from './trie-node.ts'

/** Where stored nodes come from. */
export interface NodeSource {
  /** @throws STATE_MISSING when the node is gone */
  node(pointer: NodePointer): TrieNode
}

/** The root hash of a trie; undefined is the empty one. */
export function trieRoot(root: Link | undefined): Uint8Array {
  if (!root) return fromHex(EMPTY_TRIE_ROOT)
  const reference = referenceOf(root)
  return reference.length === 32 ? reference : keccak256(reference)
}

/** The node behind a link, from memory, from its parent's bytes, or from the database. */
export function loadNode(source: NodeSource, link: Link): TrieNode {
  if (link.node) return link.node
  return link.pointer === 0 ? decodeStoredNode(link.reference as Uint8Array) : source.node(link.pointer)
}

/** The leaf at a key, or undefined. */
export function findLeaf(
  source: NodeSource,
  root: Link | undefined,
  key: Uint8Array,
): { readonly value: Uint8Array; readonly storage: Link | undefined } | undefined {
  const path = nibblesOf(key)
  let depth = 0
  for (let link = root; link;) {
    const node = loadNode(source, link)
    if (node.kind === 'branch') {
      link = node.children[path[depth++] ?? 0]
      continue
    }
    if (sharedLength(node.path, 0, path, depth) < node.path.length) return undefined
    if (node.kind === 'leaf') return node
    depth += node.path.length
    link = node.child
  }
  return undefined
}

/** The RLP of the nodes from the root to a key or to where it would be, as eth_getProof gives them (EIP-1186). */
export function proveKey(source: NodeSource, root: Link | undefined, key: Uint8Array): Uint8Array[] {
  const path = nibblesOf(key)
  const proof: Uint8Array[] = []
  let depth = 0
  for (let link = root; link;) {
    const node = loadNode(source, link)
    // What is embedded in its parent is in the parent's bytes already.
    if (link === root || referenceOf(link).length === 32) proof.push(nodeRlp(node))
    if (node.kind === 'leaf') break
    if (node.kind === 'branch') link = node.children[path[depth++] ?? 0]
    else {
      if (sharedLength(node.path, 0, path, depth) < node.path.length) break
      depth += node.path.length
      link = node.child
    }
  }
  return proof
}

/** Visits every stored node and every leaf below a link. */
export function walkTrie(
  source: NodeSource,
  root: Link | undefined,
  visit: {
    readonly node?: (pointer: NodePointer) => void
    readonly leaf?: (key: Uint8Array, leaf: { readonly value: Uint8Array; readonly storage: Link | undefined }) => void
  },
): void {
  const open: { readonly link: Link; readonly path: readonly number[] }[] = root ? [{ link: root, path: [] }] : []
  for (let at = open.pop(); at; at = open.pop()) {
    const { link, path } = at
    const node = loadNode(source, link)
    if (link.pointer !== 0) visit.node?.(link.pointer)
    if (node.kind === 'leaf') visit.leaf?.(packNibbles([...path, ...node.path]), node)
    else if (node.kind === 'extension') open.push({ link: node.child, path: [...path, ...node.path] })
    else
      node.children.forEach((child, nibble) => {
        if (child) open.push({ link: child, path: [...path, nibble] })
      })
  }
}

/** Gives every new node below a root its place in the database, children first. */
export function placeNodes(root: Link | undefined, place: (node: TrieNode, stored: Uint8Array) => NodePointer) {
  if (root?.node && root.pointer === 0) placeNode(root, true)

  function placeChild(link: Link): void {
    if (link.node && link.pointer === 0) placeNode(link, false)
  }

  function placeNode(link: Link, isRoot: boolean): void {
    const node = link.node as TrieNode
    if (node.kind === 'extension') placeChild(node.child)
    else if (node.kind === 'branch') for (const child of node.children) if (child) placeChild(child)
    referenceOf(link)
    const rlp = link.rlp as Uint8Array
    if (rlp.length >= 32 || isRoot) link.pointer = place(node, encodeStoredNode(node, rlp))
    link.node = undefined
    link.rlp = undefined
  }
}

function sharedLength(a: Uint8Array, fromA: number, b: Uint8Array, fromB: number): number {
  let i = 0
  while (fromA + i < a.length && a[fromA + i] === b[fromB + i]) i++
  return i
}

/** Bytes from nibbles, two for each. */
export function packNibbles(nibbles: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(nibbles.length >> 1)
  for (let i = 0; i < bytes.length; i++) bytes[i] = ((nibbles[2 * i] ?? 0) << 4) | (nibbles[2 * i + 1] ?? 0)
  return bytes
}
