import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareBytes, keccak256, uintBE } from '@hawser/primitives'
import { verifyRange, type RangeClaim, type RangeLeaf } from './range-proof.ts'
import { readRange } from './range-reader.ts'
import { TrieUpdate } from './trie-update.ts'
import { trieRoot } from './trie.ts'

const NO_NODES = {
  node: () => {
    throw new Error('all is in memory')
  },
}
const FIRST = new Uint8Array(32)
const LAST = new Uint8Array(32).fill(0xff)

/** A trie of leaves with random keys; some share long prefixes, some values are short enough to be embedded in their parents. */
function trieOf(count: number, seed: number) {
  const leaves = Array.from({ length: count }, (_, i): RangeLeaf => {
    const key = Uint8Array.from(keccak256(uintBE(BigInt(seed * 100_000 + i), 8)))
    // Every third is a neighbour of another.
    if (i % 3 === 1) {
      key.set(keccak256(uintBE(BigInt(seed * 100_000 + i - 1), 8)))
      key[31] = (key[31] as number) ^ (1 + (i % 100))
    }
    return { key, value: i % 4 === 0 ? Uint8Array.of(1 + (i % 100)) : keccak256(key).subarray(0, 1 + (i % 32)) }
  }).sort((a, b) => compareBytes(a.key, b.key))
  const root = new TrieUpdate(NO_NODES).update(undefined, leaves)
  return { leaves, root, hash: trieRoot(root) }
}

function claimOf(trie: ReturnType<typeof trieOf>, origin: Uint8Array, limit: Uint8Array, maxBytes: number): RangeClaim {
  return { root: trie.hash, origin, ...readRange(NO_NODES, trie.root, origin, limit, maxBytes) }
}

const tries = [0, 1, 2, 3, 17, 200].map((count) => trieOf(count, count + 1))
const anyTrie = fc.constantFrom(...tries)
const anyKey = (trie: ReturnType<typeof trieOf>) => {
  const random = fc.uint8Array({ minLength: 32, maxLength: 32 })
  if (trie.leaves.length === 0) return random
  const one = fc.constantFrom(...trie.leaves.map(({ key }) => key))
  return fc.oneof(random, one, one.map(next), fc.constant(FIRST), fc.constant(LAST))
}

/** The key after a key. */
function next(key: Uint8Array): Uint8Array {
  const after = Uint8Array.from(key)
  for (let i = 31; i >= 0; i--) if ((after[i] = ((after[i] as number) + 1) & 0xff) !== 0) break
  return after
}

const anyClaim = anyTrie
  .chain((trie) => fc.tuple(fc.constant(trie), anyKey(trie), anyKey(trie), fc.integer({ min: 1, max: 20_000 })))
  .map(([trie, a, b, maxBytes]) => {
    const [origin, limit] = compareBytes(a, b) <= 0 ? [a, b] : [b, a]
    return { trie, claim: claimOf(trie, origin, limit, maxBytes) }
  })

const isTrue = (claim: RangeClaim) => verifyRange(claim).ok

describe('range proofs', () => {
  it('prove exactly the leaves from one key to another, and whether there are more', () => {
    fc.assert(
      fc.property(anyClaim, ({ trie, claim }) => {
        const result = verifyRange(claim)
        const expected = trie.leaves.filter(
          ({ key }) => compareBytes(key, claim.origin) >= 0 && compareBytes(key, claim.end) <= 0,
        )
        expect(claim.leaves).toEqual(expected)
        const more = trie.leaves.some(({ key }) => compareBytes(key, claim.end) > 0)
        expect(result).toEqual({ ok: true, value: { more } })
      }),
      { numRuns: 1_000 },
    )
  })

  it('reach over a whole trie, part by part', () => {
    const trie = trieOf(500, 9)
    const got: RangeLeaf[] = []
    for (let origin: Uint8Array = FIRST, parts = 0; ; parts++) {
      const claim = claimOf(trie, origin, LAST, 1_000)
      const result = verifyRange(claim)
      expect(result.ok).toBe(true)
      got.push(...claim.leaves)
      if (result.ok && !result.value.more) {
        expect(parts).toBeGreaterThan(10)
        break
      }
      origin = next(claim.end)
    }
    expect(got).toEqual(trie.leaves)
  })

  it('refuse a missing leaf, wherever it is, the tail too', () => {
    fc.assert(
      fc.property(anyClaim, fc.nat(), ({ claim }, at) => {
        fc.pre(claim.leaves.length > 0)
        const leaves = claim.leaves.filter((_, i) => i !== at % claim.leaves.length)
        expect(isTrue({ ...claim, leaves })).toBe(false)
        expect(isTrue({ ...claim, leaves: claim.leaves.slice(0, at % claim.leaves.length) })).toBe(false)
        expect(isTrue({ ...claim, leaves: [] })).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuse a leaf too many, wherever it is', () => {
    fc.assert(
      fc.property(anyClaim, fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(), ({ claim }, random, at) => {
        const near = claim.leaves[at % Math.max(1, claim.leaves.length)]
        for (const key of [random, ...(near ? [next(near.key)] : []), claim.origin, claim.end]) {
          if (claim.leaves.some((leaf) => compareBytes(leaf.key, key) === 0)) continue
          const leaves = [...claim.leaves, { key, value: Uint8Array.of(7) }].sort((a, b) => compareBytes(a.key, b.key))
          expect(isTrue({ ...claim, leaves })).toBe(false)
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuse another value, another key and another order', () => {
    fc.assert(
      fc.property(anyClaim, fc.nat(), fc.integer({ min: 1, max: 255 }), fc.nat(31), ({ claim }, at, flip, byte) => {
        fc.pre(claim.leaves.length > 0)
        const index = at % claim.leaves.length
        const change = (how: (leaf: RangeLeaf) => RangeLeaf) =>
          claim.leaves.map((leaf, i) => (i === index ? how(leaf) : leaf))
        const flipped = (bytes: Uint8Array, i: number) => bytes.map((b, j) => (j === i ? b ^ flip : b))
        expect(isTrue({ ...claim, leaves: change(({ key, value }) => ({ key, value: flipped(value, 0) })) })).toBe(
          false,
        )
        expect(isTrue({ ...claim, leaves: change(({ key, value }) => ({ key: flipped(key, byte), value })) })).toBe(
          false,
        )
        expect(
          isTrue({ ...claim, leaves: change(({ key, value }) => ({ key, value: Uint8Array.of(...value, 0) })) }),
        ).toBe(false)
        expect(isTrue({ ...claim, leaves: change(({ key }) => ({ key, value: new Uint8Array() })) })).toBe(false)
        if (claim.leaves.length > 1) expect(isTrue({ ...claim, leaves: [...claim.leaves].reverse() })).toBe(false)
        expect(isTrue({ ...claim, leaves: claim.leaves.flatMap((leaf) => [leaf, leaf]) })).toBe(false)
      }),
      { numRuns: 1_000 },
    )
  })

  it('refuse edges other than those that are proven, when leaves lie between', () => {
    fc.assert(
      fc.property(anyClaim, ({ trie, claim }) => {
        // Said to reach further than it does: false when there is a leaf between the two ends.
        const wider = { ...claim, origin: FIRST, end: LAST }
        if (trie.leaves.length !== claim.leaves.length) expect(isTrue(wider)).toBe(false)
        const other = trieOf(40, 77)
        if (claim.leaves.length > 0) expect(isTrue({ ...claim, root: other.hash })).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('refuse a proof without a node that it needs, and nodes that are changed', () => {
    const trie = trieOf(200, 5)
    const [a, b] = [trie.leaves[50] as RangeLeaf, trie.leaves[120] as RangeLeaf]
    const claim = claimOf(trie, next(a.key), b.key, 1e6)
    expect(isTrue(claim)).toBe(true)
    let needed = 0
    for (let i = 0; i < claim.proof.length; i++) {
      if (!isTrue({ ...claim, proof: claim.proof.filter((_, j) => j !== i) })) needed++
      const changed = claim.proof.map((node, j) =>
        j === i ? node.map((byte, k) => (k === 5 ? byte ^ 1 : byte)) : node,
      )
      expect(isTrue({ ...claim, proof: changed })).toBe(
        isTrue({ ...claim, proof: claim.proof.filter((_, j) => j !== i) }),
      )
    }
    expect(needed).toBeGreaterThanOrEqual(3)
    const padded = { ...claim, proof: Array.from({ length: 200 }, () => claim.proof[0] as Uint8Array) }
    expect(verifyRange(padded)).toEqual({ ok: false, error: 'malformed' })
  })

  it('proves that an empty trie has nothing anywhere', () => {
    const [empty] = tries as [ReturnType<typeof trieOf>]
    const claim = claimOf(empty, FIRST, LAST, 1_000)
    expect(verifyRange(claim)).toEqual({ ok: true, value: { more: false } })
    expect(isTrue({ ...claim, leaves: [{ key: FIRST, value: Uint8Array.of(1) }] })).toBe(false)
  })
})
