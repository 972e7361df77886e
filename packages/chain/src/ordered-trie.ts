import { keccak256, toHex, type Hash32 } from '@hawser/primitives'
import { EMPTY_TRIE_ROOT } from './header-rules.ts'
import {
  encodeBranchNode,
  encodeExtensionNode,
  encodeLeafNode,
  leafNodeSize,
  writeLeafNode,
} from './trie-node-encoding.ts'

const HASH_BYTES = 32
/** Where leaves are written to be hashed. */
const SCRATCH = new Uint8Array(1024)

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
  const items: Item[] = []
  const put = (index: number) => items.push({ path: keyPath(index), value: values[index] as Uint8Array })
  // In the order of their keys: RLP(0) is 0x80, which stands behind 0x01 to 0x7f and before 0x8180.
  for (let index = 1; index < values.length && index < 0x80; index++) put(index)
  put(0)
  for (let index = 0x80; index < values.length; index++) put(index)
  if (items.length === 1) return toHex(keccak256(encodeLeafNode(items[0]!.path, items[0]!.value))) as Hash32
  return toHex(keccak256(encodeFork(items, 0, items.length, 0))) as Hash32
}

/** The RLP of the node over items[from, to), two at least, whose paths agree in their first `depth` nibbles. */
function encodeFork(items: readonly Item[], from: number, to: number, depth: number): Uint8Array {
  const first = items[from] as Item
  const last = items[to - 1] as Item
  let fork = depth
  while (first.path[fork] === last.path[fork]) fork++
  const children = new Array<Uint8Array | undefined>(16).fill(undefined)
  for (let start = from; start < to;) {
    const item = items[start] as Item
    const nibble = item.path[fork] as number
    let end = start + 1
    while (end < to && items[end]?.path[fork] === nibble) end++
    children[nibble] = end === start + 1 ? nameLeaf(item, fork + 1) : named(encodeFork(items, start, end, fork + 1))
    start = end
  }
  const branch = encodeBranchNode(children)
  return fork === depth ? branch : encodeExtensionNode(first.path.subarray(depth, fork), named(branch))
}

/** As a parent names a node. */
function named(node: Uint8Array): Uint8Array {
  return node.length < HASH_BYTES ? node : keccak256(node)
}

/** As a parent names a leaf; most are hashed and not needed beyond that, so they need no bytes of their own. */
function nameLeaf({ path, value }: Item, depth: number): Uint8Array {
  const rest = path.subarray(depth)
  const size = leafNodeSize(rest, value)
  if (size < HASH_BYTES || size > SCRATCH.length) return named(encodeLeafNode(rest, value))
  writeLeafNode(SCRATCH, rest, value)
  return keccak256(SCRATCH.subarray(0, size))
}

/** RLP(index) as nibbles. */
function keyPath(index: number): Uint8Array {
  if (index === 0) return Uint8Array.of(8, 0)
  if (index < 0x80) return Uint8Array.of(index >> 4, index & 15)
  const bytes = index < 0x100 ? 1 : index < 0x10000 ? 2 : index < 0x1000000 ? 3 : 4
  const path = new Uint8Array(2 + 2 * bytes)
  path[0] = 8
  path[1] = bytes
  for (let at = path.length - 1, rest = index; at > 1; at--, rest >>>= 4) path[at] = rest & 15
  return path
}
