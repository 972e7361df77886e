import { MerklePatriciaTrie, verifyMerkleProof } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { compareBytes, keccak256, toHex } from '@hawser/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeStoredNode, type Link, type TrieNode } from './trie-node.ts'
import { findLeaf, placeNodes, proveKey, trieRoot, walkTrie, type NodeSource } from './trie.ts'
import { TrieUpdate } from './trie-update.ts'

/** Nodes by pointer, as bytes: what is not encoded right does not come back right. */
class Nodes implements NodeSource {
  readonly stored = new Map<number, Uint8Array>()
  #next = 1

  node(pointer: number): TrieNode {
    const bytes = this.stored.get(pointer)
    if (!bytes) throw new Error(`no node ${pointer}`)
    return decodeStoredNode(bytes)
  }

  /** A block's worth of changes; what died is deleted at once, so that whoever still needed it fails. */
  batch(root: Link | undefined, changes: ReadonlyMap<string, Uint8Array | undefined>): Link | undefined {
    const items = [...changes]
      .map(([key, value]) => ({ key: Uint8Array.from(Buffer.from(key, 'hex')), value }))
      .sort((a, b) => compareBytes(a.key, b.key))
    const update = new TrieUpdate(this)
    const next = update.update(root, items)
    placeNodes(next, (_node, stored) => {
      this.stored.set(this.#next, stored)
      return this.#next++
    })
    for (const pointer of update.deaths) expect(this.stored.delete(pointer), `node ${pointer} dies once`).toBe(true)
    return next && { reference: undefined, pointer: next.pointer, node: undefined }
  }
}

/** Half of the keys are hashes; the others share 30 bytes, so that leaves and branches are short enough to be embedded. */
const keyOf = (n: number) =>
  n < 200 ? Buffer.from(keccak256(Uint8Array.of(n))).toString('hex') : (n * 37).toString(16).padStart(64, '0')
const change = fc.tuple(fc.integer({ min: 0, max: 400 }), fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 })))

describe('TrieUpdate', () => {
  it('gives the root of EthereumJS after every batch, keeps what is alive, and forgets what is not', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, { maxLength: 120, size: 'max' }), { maxLength: 6 }),
        async (batches) => {
          const nodes = new Nodes()
          const reference = new MerklePatriciaTrie()
          const content = new Map<string, Uint8Array>()
          let root: Link | undefined
          for (const batch of batches) {
            const changes = new Map(batch.map(([n, value]) => [keyOf(n), value ?? undefined] as const))
            root = nodes.batch(root, changes)
            for (const [key, value] of changes) {
              const bytes = Uint8Array.from(Buffer.from(key, 'hex'))
              if (value) {
                await reference.put(bytes, value)
                content.set(key, value)
              } else {
                await reference.del(bytes)
                content.delete(key)
              }
            }
            const hash = root ? trieRoot({ ...root, node: nodes.node(root.pointer) }) : trieRoot(undefined)
            expect(toHex(hash)).toBe(toHex(reference.root()))
            const alive = new Set<number>()
            const found = new Map<string, Uint8Array>()
            walkTrie(nodes, root, {
              node: (pointer) => alive.add(pointer),
              leaf: (key, { value }) => found.set(Buffer.from(key).toString('hex'), value),
            })
            expect(alive).toEqual(new Set(nodes.stored.keys()))
            expect(new Map([...found].sort())).toEqual(new Map([...content].sort()))
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  it('leaves a trie alone when the changes change nothing', () => {
    const nodes = new Nodes()
    const value = Uint8Array.of(7, 7, 7)
    const root = nodes.batch(undefined, new Map([1, 2, 3, 4, 5].map((n) => [keyOf(n), value])))
    const before = [...nodes.stored.keys()]
    const same = nodes.batch(root, new Map([[keyOf(3), value] as const, [keyOf(99), undefined] as const]))
    expect(same?.pointer).toBe(root?.pointer)
    expect([...nodes.stored.keys()]).toEqual(before)
  })

  it('joins what a deletion leaves alone: a branch with one child, the extension above it, the leaf below', () => {
    const key = (text: string) => text.padEnd(64, '0')
    const leaf = Uint8Array.of(1)
    for (const [keep, others] of [
      [['a1'], ['a2']],
      [
        ['aa11', 'aa12'],
        ['aa2', 'ab'],
      ],
      [['ab11', 'ab12'], ['c']],
    ] as const) {
      const nodes = new Nodes()
      const full = nodes.batch(undefined, new Map([...keep, ...others].map((text) => [key(text), leaf])))
      const left = nodes.batch(full, new Map(others.map((text) => [key(text), undefined])))
      const fresh = new Nodes().batch(undefined, new Map(keep.map((text) => [key(text), leaf])))
      expect(left && trieRoot({ ...left, node: nodes.node(left.pointer) })).toBeDefined()
      expect(nodes.stored.size).toBe(fresh?.pointer)
    }
  })
})

describe('proveKey', () => {
  it('proves what is there and what is not, so that EthereumJS is convinced', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 400 }),
        async (all, n) => {
          const nodes = new Nodes()
          const changes = new Map(all.map(([k, value]) => [keyOf(k), value ?? undefined] as const))
          const root = nodes.batch(undefined, changes)
          if (!root) return
          const hash = trieRoot({ ...root, node: nodes.node(root.pointer) })
          const key = Uint8Array.from(Buffer.from(keyOf(n), 'hex'))
          const proof = proveKey(nodes, root, key)
          const proven = await verifyMerkleProof(key, proof, { root: hash })
          expect(proven ?? undefined).toEqual(changes.get(keyOf(n)))
          expect(findLeaf(nodes, root, key)?.value).toEqual(changes.get(keyOf(n)))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('encodes nodes as RLP does', () => {
    const nodes = new Nodes()
    const root = nodes.batch(undefined, new Map([[keyOf(1), new Uint8Array(300).fill(9)]]))
    const [node] = proveKey(nodes, root, Uint8Array.from(Buffer.from(keyOf(1), 'hex')))
    expect(RLP.encode(RLP.decode(node as Uint8Array))).toEqual(node)
  })
})
