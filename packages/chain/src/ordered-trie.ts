import { RLP } from '@ethereumjs/rlp'
import { compareBytes, keccak256, toHex, type Hash32 } from '@hawser/primitives'
import { EMPTY_TRIE_ROOT } from './header-rules.ts'
import { encodeBranchNode, encodeExtensionNode, encodeLeafNode } from './trie-node-encoding.ts'

interface Item {
  /** RLP of the index, as nibbles: no such key is a prefix of another. */
  readonly path: Uint8Array
  readonly value: Uint8Array
}

/**
 * The root of the trie that maps RLP(index) to each item: how a header commits to its transactions, receipts and withdrawals.
 * Built from the leaves up, each node hashed once.
 */
export function orderedTrieRoot(values: readonly Uint8Array[]): Hash32 {
  if (values.length === 0) return EMPTY_TRIE_ROOT
  const items = values.map((value, index): Item => ({ path: nibblesOf(RLP.encode(index)), value }))
  items.sort((a, b) => compareBytes(a.path, b.path))
  return toHex(keccak256(encodeSubtrie(items, 0, items.length, 0))) as Hash32
}

/** The RLP of the node over items[from, to), whose paths agree in their first `depth` nibbles. */
function encodeSubtrie(items: readonly Item[], from: number, to: number, depth: number): Uint8Array {
  const first = items[from] as Item
  if (to - from === 1) return encodeLeafNode(first.path.subarray(depth), first.value)
  const last = items[to - 1] as Item
  let fork = depth
  while (first.path[fork] === last.path[fork]) fork++
  const children = new Array<Uint8Array | undefined>(16).fill(undefined)
  for (let start = from; start < to;) {
    const nibble = items[start]?.path[fork] as number
    let end = start + 1
    while (end < to && items[end]?.path[fork] === nibble) end++
    children[nibble] = named(encodeSubtrie(items, start, end, fork + 1))
    start = end
  }
  const branch = encodeBranchNode(children)
  return fork === depth ? branch : encodeExtensionNode(first.path.subarray(depth, fork), named(branch))
}

/** As a parent names a node. */
function named(node: Uint8Array): Uint8Array {
  return node.length < 32 ? node : keccak256(node)
}

function nibblesOf(key: Uint8Array): Uint8Array {
  const nibbles = new Uint8Array(2 * key.length)
  for (const [index, byte] of key.entries()) {
    nibbles[2 * index] = byte >> 4
    nibbles[2 * index + 1] = byte & 15
  }
  return nibbles
}
