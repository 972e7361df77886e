import { RLP } from '@ethereumjs/rlp'
import {
  compareBytes,
  decodeRlp,
  equalBytes,
  err,
  keccak256,
  ok,
  toHex,
  type Hash32,
  type Result,
} from '@hawser/primitives'
import { EMPTY_ROOT } from './account.ts'
import { nibblesOf, referenceOf } from './trie-node.ts'
import { packNibbles } from './trie.ts'
import { buildRange, type TrieItem } from './trie-update.ts'

/** Nodes of a proof: two paths of a trie with 32-byte keys. */
export const MAX_PROOF_NODES = 2 * 65

/** The claim that a trie has these leaves, and no others, from one key to another. */
export interface RangeClaim {
  /** 32 bytes, trusted. */
  readonly root: Uint8Array
  /** First and last key that the claim is about, 32 bytes each; both included. */
  readonly origin: Uint8Array
  readonly end: Uint8Array
  /** In ascending order. */
  readonly leaves: readonly RangeLeaf[]
  /** RLP of the nodes on the paths to `origin` and `end`, in any order. */
  readonly proof: readonly Uint8Array[]
}

export interface RangeLeaf {
  /** 32 bytes */
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Why a claim proves nothing. */
export type RangeFault =
  /** Keys or values of the wrong length, not ascending, or outside of the range. */
  | 'malformed'
  /** A node on one of the edges is not in the proof. */
  | 'missing-node'
  /** A leaf is there that the trie does not have, one is missing, or one has another value. */
  | 'wrong-leaves'

/**
 * Checks a claim from the root down. A subtrie that lies within the range must be what its leaves hash to; one outside of it is of no
 * interest; only a node that reaches over an edge has to be shown, and its hash, known from above, says that it is the true one.
 * Gives whether the trie has leaves after the range.
 */
export function verifyRange(claim: RangeClaim): Result<{ readonly more: boolean }, RangeFault> {
  const { root, origin, end, leaves, proof } = claim
  if (origin.length !== 32 || end.length !== 32 || compareBytes(origin, end) > 0) return err('malformed')
  if (proof.length > MAX_PROOF_NODES) return err('malformed')
  for (const [index, { key, value }] of leaves.entries()) {
    if (key.length !== 32 || value.length === 0) return err('malformed')
    const before = leaves[index - 1]
    if (before ? compareBytes(before.key, key) >= 0 : compareBytes(origin, key) > 0) return err('malformed')
  }
  const last = leaves.at(-1)
  if (last && compareBytes(last.key, end) > 0) return err('malformed')
  const nodes = new Map<Hash32, Uint8Array>(proof.map((node) => [toHex(keccak256(node)) as Hash32, node]))
  const check = new RangeCheck(nibblesOf(origin), nibblesOf(end), leaves, nodes)
  const fault = equalBytes(root, EMPTY_ROOT) ? check.empty() : check.subtrie(root, [], 0, leaves.length)
  return fault ? err(fault) : ok({ more: check.more })
}

class RangeCheck {
  more = false
  readonly #origin: Uint8Array
  readonly #end: Uint8Array
  readonly #items: readonly TrieItem[]
  readonly #nodes: ReadonlyMap<Hash32, Uint8Array>

  constructor(
    origin: Uint8Array,
    end: Uint8Array,
    leaves: readonly RangeLeaf[],
    nodes: ReadonlyMap<Hash32, Uint8Array>,
  ) {
    this.#origin = origin
    this.#end = end
    this.#items = leaves
    this.#nodes = nodes
  }

  empty(): RangeFault | undefined {
    return this.#items.length === 0 ? undefined : 'wrong-leaves'
  }

  /** The subtrie with a reference (hash or embedded RLP) below a path; items[from, to) are those that begin with the path. */
  subtrie(reference: Uint8Array, path: readonly number[], from: number, to: number): RangeFault | undefined {
    switch (this.#place(path)) {
      case 'before':
        return from === to ? undefined : 'wrong-leaves'
      case 'after':
        this.more = true
        return from === to ? undefined : 'wrong-leaves'
      case 'within': {
        if (from === to) return 'wrong-leaves'
        const built = referenceOf(buildRange(this.#items, from, to, path.length))
        // The root is named by its hash, however short it is.
        const same = path.length === 0 && built.length < 32 ? keccak256(built) : built
        return equalBytes(same, reference) ? undefined : 'wrong-leaves'
      }
      case 'over-edge': {
        const rlp = reference.length === 32 ? this.#nodes.get(toHex(reference) as Hash32) : reference
        return rlp ? this.#node(rlp, path, from, to) : 'missing-node'
      }
    }
  }

  #node(rlp: Uint8Array, path: readonly number[], from: number, to: number): RangeFault | undefined {
    let fields: unknown
    try {
      fields = decodeRlp(rlp)
    } catch {
      return 'malformed'
    }
    if (!Array.isArray(fields)) return 'malformed'
    if (fields.length === 17) return this.#branch(fields as unknown[], path, from, to)
    const [encoded, content] = fields as unknown[]
    if (fields.length !== 2 || !(encoded instanceof Uint8Array) || encoded.length === 0) return 'malformed'
    const flags = (encoded[0] ?? 0) >> 4
    const below = [...path, ...nibblesOf(encoded).subarray(flags & 1 ? 1 : 2)]
    if (below.length > 64) return 'malformed'
    if ((flags & 2) === 0) {
      // Whatever begins with the path must go on as the extension does.
      if (this.#count(below, from, to) !== to - from) return 'wrong-leaves'
      const reference = referenceIn(content)
      return reference ? this.subtrie(reference, below, from, to) : 'malformed'
    }
    if (below.length !== 64 || !(content instanceof Uint8Array)) return 'malformed'
    const place = this.#place(below)
    if (place === 'after') this.more = true
    if (place !== 'within') return from === to ? undefined : 'wrong-leaves'
    const item = this.#items[from]
    const same = to - from === 1 && item?.value && equalBytes(item.key, packNibbles(below))
    return same && equalBytes(item.value as Uint8Array, content) ? undefined : 'wrong-leaves'
  }

  #branch(fields: readonly unknown[], path: readonly number[], from: number, to: number): RangeFault | undefined {
    let start = from
    for (let nibble = 0; nibble < 16; nibble++) {
      const below = [...path, nibble]
      const stop = start + this.#count(below, start, to)
      const child = fields[nibble]
      if (child instanceof Uint8Array && child.length === 0) {
        if (stop !== start) return 'wrong-leaves'
      } else {
        const reference = referenceIn(child)
        if (!reference) return 'malformed'
        const fault = this.subtrie(reference, below, start, stop)
        if (fault) return fault
      }
      start = stop
    }
    return undefined
  }

  /** How many of items[from, to), one after the other from the first, begin with a path. */
  #count(path: readonly number[], from: number, to: number): number {
    let at = from
    const begins = (key: Uint8Array) => {
      for (let i = 0; i < path.length; i++) {
        const byte = key[i >> 1] ?? 0
        if ((i & 1 ? byte & 15 : byte >> 4) !== path[i]) return false
      }
      return true
    }
    while (at < to && begins((this.#items[at] as TrieItem).key)) at++
    return at - from
  }

  /** Where all keys that begin with a path lie. */
  #place(path: readonly number[]): 'before' | 'after' | 'within' | 'over-edge' {
    const low = compareTo(this.#origin, path)
    const high = compareTo(this.#end, path)
    if (low < 0) return 'before'
    if (high > 0) return 'after'
    const fromOrigin = low > 0 || this.#origin.subarray(path.length).every((nibble) => nibble === 0)
    const toEnd = high < 0 || this.#end.subarray(path.length).every((nibble) => nibble === 15)
    return fromOrigin && toEnd ? 'within' : 'over-edge'
  }
}

/** How a path compares with the first nibbles of a key. */
function compareTo(key: Uint8Array, path: readonly number[]): number {
  for (let i = 0; i < path.length; i++) {
    const difference = (path[i] as number) - (key[i] as number)
    if (difference !== 0) return difference
  }
  return 0
}

/** How a node names a child: its hash, or the child's RLP. */
function referenceIn(field: unknown): Uint8Array | undefined {
  if (field instanceof Uint8Array) return field.length === 32 ? field : undefined
  return Array.isArray(field) ? RLP.encode(field as never) : undefined
}
