import { EMPTY_STRING, headSize, stringSize, writeHead, writeString } from './rlp-items.ts'

/**
 * The RLP of Merkle-Patricia trie nodes (yellow paper, appendices C and D). Paths are nibbles, one for each byte. A child is given
 * as its parent names it: by its keccak256 (32 bytes), or, when its RLP is shorter than 32 bytes, by that RLP itself.
 */

const HASH_BYTES = 32

/** The RLP of a leaf. */
export function encodeLeafNode(path: Uint8Array, value: Uint8Array): Uint8Array {
  const node = new Uint8Array(leafNodeSize(path, value))
  writeLeafNode(node, path, value)
  return node
}

/** The bytes that the RLP of a leaf takes. */
export function leafNodeSize(path: Uint8Array, value: Uint8Array): number {
  const payload = pathSize(path) + stringSize(value)
  return headSize(payload) + payload
}

/** Writes a leaf to the front of a buffer that has room. */
export function writeLeafNode(node: Uint8Array, path: Uint8Array, value: Uint8Array): void {
  let at = writeHead(node, 0, 0xc0, pathSize(path) + stringSize(value))
  at = writePath(node, at, path, true)
  writeString(node, at, value)
}

/** The RLP of an extension: a path that all keys below share. */
export function encodeExtensionNode(path: Uint8Array, child: Uint8Array): Uint8Array {
  const payload = pathSize(path) + childSize(child)
  const node = new Uint8Array(headSize(payload) + payload)
  let at = writeHead(node, 0, 0xc0, payload)
  at = writePath(node, at, path, false)
  writeChild(node, at, child)
  return node
}

/** The RLP of a branch without a value: no key of these tries is a prefix of another. */
export function encodeBranchNode(children: readonly (Uint8Array | undefined)[]): Uint8Array {
  let payload = 1
  for (const child of children) payload += child ? childSize(child) : 1
  const node = new Uint8Array(headSize(payload) + payload)
  let at = writeHead(node, 0, 0xc0, payload)
  for (const child of children) {
    if (child) at = writeChild(node, at, child)
    else node[at++] = EMPTY_STRING
  }
  node[at] = EMPTY_STRING
  return node
}

function childSize(child: Uint8Array): number {
  return child.length === HASH_BYTES ? HASH_BYTES + 1 : child.length
}

function writeChild(node: Uint8Array, at: number, child: Uint8Array): number {
  if (child.length === HASH_BYTES) node[at++] = EMPTY_STRING + HASH_BYTES
  node.set(child, at)
  return at + child.length
}

/** A path's hex-prefix form is a string of (nibbles >> 1) + 1 bytes; a single one is below 0x80 and its own RLP. */
function pathSize(path: Uint8Array): number {
  const bytes = (path.length >> 1) + 1
  return bytes === 1 ? 1 : bytes + 1
}

function writePath(node: Uint8Array, at: number, path: Uint8Array, leaf: boolean): number {
  const bytes = (path.length >> 1) + 1
  if (bytes > 1) node[at++] = EMPTY_STRING + bytes
  const odd = path.length & 1
  node[at++] = (leaf ? 0x20 : 0) | (odd ? 0x10 | (path[0] ?? 0) : 0)
  for (let i = odd; i < path.length; i += 2) node[at++] = ((path[i] ?? 0) << 4) | (path[i + 1] ?? 0)
  return at
}
