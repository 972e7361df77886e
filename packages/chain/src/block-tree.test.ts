import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256, toHex, utf8, type Hash32 } from '@hawser/primitives'
import { BlockTree } from './block-tree.ts'

const hashOf = (name: string) => toHex(keccak256(utf8(name))) as Hash32
const root = { number: 0n, hash: hashOf('root'), parent: hashOf('before'), slot: 0n }
const newTree = () => new BlockTree(root, () => undefined)
const block = (name: string, parent: string, number: number, slot: number) => ({
  number: BigInt(number),
  hash: hashOf(name),
  parent: hashOf(parent),
  slot: BigInt(slot),
})

describe('BlockTree', () => {
  it('prefers the longer chain, then the smaller slot, then what came first', () => {
    const tree = newTree()
    tree.add(block('a', 'root', 1, 5))
    expect(tree.add(block('later slot', 'root', 1, 6))).toBeUndefined()
    expect(tree.add(block('earlier slot', 'root', 1, 4))?.head.hash).toBe(hashOf('earlier slot'))
    expect(tree.add(block('same slot', 'root', 1, 4))).toBeUndefined()
    expect(tree.add(block('longer', 'a', 2, 9))?.head.hash).toBe(hashOf('longer'))
  })

  it('does not let a block that came late undo its equal, whatever its slot, and follows it when it is longer', () => {
    const tree = newTree()
    tree.add(block('in time', 'root', 1, 5))
    expect(tree.add({ ...block('withheld', 'root', 1, 4), late: true })).toBeUndefined()
    expect(tree.add(block('earlier slot', 'root', 1, 3))?.head.hash).toBe(hashOf('earlier slot'))
    expect(tree.add({ ...block('longer', 'withheld', 2, 9), late: true })?.head.hash).toBe(hashOf('longer'))
  })

  it('says which blocks a reorganisation takes away and which it brings', () => {
    const tree = newTree()
    tree.add(block('a1', 'root', 1, 1))
    tree.add(block('a2', 'a1', 2, 2))
    tree.add(block('b1', 'root', 1, 3))
    tree.add(block('b2', 'b1', 2, 4))
    const change = tree.add(block('b3', 'b2', 3, 5))
    expect(change?.removed.map((ref) => ref.hash)).toEqual([hashOf('a1'), hashOf('a2')])
    expect(change?.added.map((ref) => ref.hash)).toEqual([hashOf('b1'), hashOf('b2'), hashOf('b3')])
  })

  it('drops what does not descend from the final block, even when that was the best chain', () => {
    const tree = newTree()
    tree.add(block('a1', 'root', 1, 1))
    tree.add(block('a2', 'a1', 2, 2))
    tree.add(block('b1', 'root', 1, 3))
    const { path, pruned, head } = tree.finalize(hashOf('b1'))
    expect(path.map((ref) => ref.hash)).toEqual([hashOf('b1')])
    expect(new Set(pruned.map((ref) => ref.hash))).toEqual(new Set([hashOf('a1'), hashOf('a2')]))
    expect(head?.head.hash).toBe(hashOf('b1'))
    expect(tree.best().hash).toBe(hashOf('b1'))
    expect(tree.has(hashOf('a2'))).toBe(false)
    expect(tree.finalized().hash).toBe(hashOf('b1'))
  })

  it('finds the best leaf over a block on any fork', () => {
    const tree = newTree()
    tree.add(block('a1', 'root', 1, 1))
    tree.add(block('a2', 'a1', 2, 2))
    tree.add(block('a3', 'a2', 3, 3))
    tree.add(block('b1', 'root', 1, 4))
    tree.add(block('b2', 'b1', 2, 5))
    expect(tree.bestContaining(hashOf('b1'))?.hash).toBe(hashOf('b2'))
    expect(tree.bestContaining(hashOf('unknown'))).toBeUndefined()
  })

  it('keeps its best block equal to what a search over everything finds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 1, max: 3 })), { maxLength: 40 }), (choices) => {
        const tree = newTree()
        const blocks = [root]
        for (const [i, [pick, gap]] of choices.entries()) {
          const parent = blocks[pick % blocks.length] ?? root
          const next = {
            number: parent.number + 1n,
            hash: hashOf(`n${i}`),
            parent: parent.hash,
            slot: parent.slot + BigInt(gap),
          }
          blocks.push(next)
          tree.add(next)
        }
        expect(tree.best().hash).toBe(tree.bestContaining(root.hash)?.hash)
        expect(tree.best().number).toBe(blocks.reduce((max, b) => (b.number > max ? b.number : max), 0n))
      }),
    )
  })
})
