import { decodeRlp, err, keccak256, ok, toHex, type Result, type RlpItem } from '@hawser/primitives'

/** Nodes of one path: 64 nibbles and the root. */
export const MAX_PROOF_NODES = 65
/** Bytes of one node: a branch of 16 hashes has 532, a leaf with an account about 120. */
const MAX_NODE_BYTES = 1024
/** keccak256(rlp('')): the root of a trie with nothing in it. */
const EMPTY_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421'

/** Why nodes prove nothing of a key. */
export type MerkleFault = 'path-too-long' | 'wrong-node' | 'path-incomplete' | 'nodes-left-over'

/**
 * The value at a key of a secure Merkle-Patricia trie (keys are hashed), proven by the nodes of its path from the root
 * (32 bytes) down, exactly those; undefined when they prove that there is none. @see EIP-1186
 */
export function readMerkleProof(
  root: Uint8Array,
  key: Uint8Array,
  nodes: readonly Uint8Array[],
): Result<Uint8Array | undefined, MerkleFault> {
  if (nodes.length > MAX_PROOF_NODES) return err('path-too-long')
  if (toHex(root) === EMPTY_ROOT) return nodes.length === 0 ? ok(undefined) : err('nodes-left-over')
  const path = nibblesOf(keccak256(key))
  let at = 0
  let used = 0
  let next: RlpItem = root
  for (;;) {
    let node: RlpItem
    if (next instanceof Uint8Array) {
      const bytes = nodes[used++]
      if (bytes === undefined) return err('path-incomplete')
      const decoded =
        bytes.length <= MAX_NODE_BYTES && toHex(keccak256(bytes)) === toHex(next) ? decode(bytes) : undefined
      if (decoded === undefined) return err('wrong-node')
      node = decoded
    } else node = next
    const step = follow(node, path, at)
    if (step === undefined) return err('wrong-node')
    if (step.kind === 'end') return used === nodes.length ? ok(step.value) : err('nodes-left-over')
    at = step.at
    next = step.next
  }
}

type Step =
  | { readonly kind: 'end'; readonly value: Uint8Array | undefined }
  | { readonly kind: 'child'; readonly next: RlpItem; readonly at: number }

/** One step down a path; undefined when the node is none. */
function follow(node: RlpItem, path: readonly number[], at: number): Step | undefined {
  if (!Array.isArray(node)) return undefined
  if (node.length === 17) {
    const nibble = path[at]
    return nibble === undefined ? undefined : childOf(node[nibble], at + 1)
  }
  const [prefix, rest] = node
  if (node.length !== 2 || !(prefix instanceof Uint8Array) || prefix.length === 0) return undefined
  const [flag, ...nibbles] = nibblesOf(prefix) as [number, ...number[]]
  const own = (flag & 1) === 1 ? nibbles : nibbles.slice(1)
  const matches = own.every((nibble, i) => nibble === path[at + i])
  if ((flag & 2) === 0) return matches ? childOf(rest, at + own.length) : { kind: 'end', value: undefined }
  if (!(rest instanceof Uint8Array)) return undefined
  return { kind: 'end', value: matches && at + own.length === path.length ? rest : undefined }
}

/** A child is named by its hash, or stands in its parent when it is shorter than that; an empty one is not there. */
function childOf(child: RlpItem | undefined, at: number): Step | undefined {
  if (child === undefined) return undefined
  if (child instanceof Uint8Array && child.length === 0) return { kind: 'end', value: undefined }
  return child instanceof Uint8Array && child.length !== 32 ? undefined : { kind: 'child', next: child, at }
}

function nibblesOf(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15])
}

function decode(bytes: Uint8Array): RlpItem | undefined {
  try {
    return decodeRlp(bytes)
  } catch {
    return undefined
  }
}
