import { encodeBranchNode, encodeExtensionNode, encodeLeafNode } from '@hawser/chain'
import { concatBytes, invariant, keccak256 } from '@hawser/primitives'

/**
 * Where a node stands in the database: the running number of all nodes ever written, from 1. 0 is no place: the node is new, or
 * embedded in its parent. Safe as a number for 2^48 nodes, some thousand years of full blocks.
 */
export type NodePointer = number

/** How a parent holds a child. */
export interface Link {
  /** keccak256 of the child's RLP, or the RLP itself when that is shorter than 32 bytes; undefined until it is hashed. */
  reference: Uint8Array | undefined
  pointer: NodePointer
  /** The child itself while it is new. */
  node: TrieNode | undefined
  /** Its RLP once it is hashed, until it is written. */
  rlp?: Uint8Array
}

export interface Leaf {
  readonly kind: 'leaf'
  /** The rest of the key, one nibble for each byte. */
  readonly path: Uint8Array
  readonly value: Uint8Array
  /** In the trie of accounts: the root of the account's storage trie, where it has one. */
  readonly storage: Link | undefined
}

export interface Extension {
  readonly kind: 'extension'
  readonly path: Uint8Array
  readonly child: Link
}

export interface Branch {
  readonly kind: 'branch'
  /** 16 of them. */
  readonly children: readonly (Link | undefined)[]
}

export type TrieNode = Leaf | Extension | Branch

export const POINTER_BYTES = 6

/** A link to a node that is only in memory. */
export function newLink(node: TrieNode): Link {
  return { reference: undefined, pointer: 0, node, rlp: undefined }
}

/** How parents name a node, hashing what is new below it. */
export function referenceOf(link: Link): Uint8Array {
  if (link.reference) return link.reference
  invariant(link.node, 'a link without a reference has its node')
  const rlp = nodeRlp(link.node)
  link.rlp = rlp
  return (link.reference = rlp.length < 32 ? rlp : keccak256(rlp))
}

/** The RLP of a node (yellow paper, appendix D). */
export function nodeRlp(node: TrieNode): Uint8Array {
  switch (node.kind) {
    case 'leaf':
      return encodeLeafNode(node.path, node.value)
    case 'extension':
      return encodeExtensionNode(node.path, referenceOf(node.child))
    case 'branch':
      return encodeBranchNode(node.children.map((child) => child && referenceOf(child)))
  }
}

/** A node as the database holds it: its RLP, then the u48 pointers of the children that it names by hash, in order. */
export function encodeStoredNode(node: TrieNode, rlp: Uint8Array): Uint8Array {
  if (node.kind !== 'branch') {
    const pointer = (node.kind === 'leaf' ? node.storage : node.child)?.pointer ?? 0
    if (pointer === 0) return rlp
    const stored = extended(rlp, 1)
    writePointer(stored, rlp.length, pointer)
    return stored
  }
  let count = 0
  for (const child of node.children) if (child && child.pointer !== 0) count++
  if (count === 0) return rlp
  const stored = extended(rlp, count)
  let at = rlp.length
  for (const child of node.children)
    if (child && child.pointer !== 0) {
      writePointer(stored, at, child.pointer)
      at += POINTER_BYTES
    }
  return stored
}

function extended(rlp: Uint8Array, pointers: number): Uint8Array {
  const stored = new Uint8Array(rlp.length + POINTER_BYTES * pointers)
  stored.set(rlp)
  return stored
}

/** u48 */
export function writePointer(bytes: Uint8Array, at: number, pointer: NodePointer): void {
  let high = Math.floor(pointer / 2 ** 32)
  let low = pointer >>> 0
  for (let i = 5; i >= 2; i--, low >>>= 8) bytes[at + i] = low & 0xff
  for (let i = 1; i >= 0; i--, high >>>= 8) bytes[at + i] = high & 0xff
}

/** The inverse of `encodeStoredNode`, for embedded nodes too; the bytes are our own. */
export function decodeStoredNode(stored: Uint8Array): TrieNode {
  const { start, end } = item(stored, 0)
  const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength)
  let at = end
  const nextPointer = (): NodePointer => {
    if (at === stored.length) return 0
    const pointer = view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
    at += POINTER_BYTES
    return pointer
  }
  const child = (from: number, to: number): Link =>
    // A list is the child itself; a string is its hash.
    (stored[from] ?? 0) >= 0xc0
      ? { reference: stored.subarray(from, to), pointer: 0, node: undefined }
      : { reference: stored.subarray(from + 1, to), pointer: nextPointer(), node: undefined }

  const first = item(stored, start)
  const second = item(stored, first.end)
  if (second.end === end) {
    const { path, leaf } = decodePath(stored.subarray(first.start, first.end))
    if (!leaf) return { kind: 'extension', path, child: child(first.end, second.end) }
    const pointer = nextPointer()
    const storage = pointer === 0 ? undefined : { reference: undefined, pointer, node: undefined }
    return { kind: 'leaf', path, value: stored.subarray(second.start, second.end), storage }
  }
  const children: (Link | undefined)[] = []
  for (let from = start; children.length < 16;) {
    const to = item(stored, from).end
    children.push(stored[from] === 0x80 ? undefined : child(from, to))
    from = to
  }
  return { kind: 'branch', children }
}

/** Where the payload of the RLP item at `at` starts and where the item ends. */
function item(bytes: Uint8Array, at: number): { readonly start: number; readonly end: number } {
  const head = bytes[at] ?? 0
  if (head < 0x80) return { start: at, end: at + 1 }
  const offset = head < 0xc0 ? 0x80 : 0xc0
  const short = head - offset
  if (short < 56) return { start: at + 1, end: at + 1 + short }
  let length = 0
  const start = at + 1 + short - 55
  for (let i = at + 1; i < start; i++) length = length * 256 + (bytes[i] ?? 0)
  return { start, end: start + length }
}

function decodePath(encoded: Uint8Array): { readonly path: Uint8Array; readonly leaf: boolean } {
  const flags = (encoded[0] ?? 0) >> 4
  const nibbles = nibblesOf(encoded)
  return { path: nibbles.subarray(flags & 1 ? 1 : 2), leaf: (flags & 2) !== 0 }
}

/** The nibbles of bytes, one for each byte, high one first. */
export function nibblesOf(bytes: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(2 * bytes.length)
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0
    nibbles[2 * i] = byte >> 4
    nibbles[2 * i + 1] = byte & 15
  }
  return nibbles
}

/** A path in front of a node: what stands where a branch was left with one child, or an extension's child changed its form. */
export function prefixed(prefix: Uint8Array, node: TrieNode, link: Link): TrieNode {
  switch (node.kind) {
    case 'leaf':
      return { ...node, path: concatBytes(prefix, node.path) }
    case 'extension':
      return { ...node, path: concatBytes(prefix, node.path) }
    case 'branch':
      return prefix.length === 0 ? node : { kind: 'extension', path: prefix, child: link }
  }
}
