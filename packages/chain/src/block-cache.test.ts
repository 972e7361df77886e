import type { BlockHeader } from '@ethereumjs/block'
import { toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { BlockCache } from './block-cache.ts'
import type { SealedBlock } from './block-types.ts'

const hashOf = (n: number) => toHex(uintBE(n, 32)) as Hash32
const blockOf = (n: number, transactions: number) =>
  ({
    block: { header: { number: BigInt(n) } as BlockHeader, transactions: new Array(transactions).fill(undefined) },
    seal: new Uint8Array(65),
  }) as unknown as SealedBlock

/** How many of the blocks 0 to n - 1 are there. */
function kept(cache: BlockCache, n: number): number[] {
  return Array.from({ length: n }, (_, i) => i).filter((i) => cache.block(hashOf(i)) !== undefined)
}

describe('the cache of decoded blocks', () => {
  it('keeps the last 512 small ones', () => {
    const cache = new BlockCache()
    for (let i = 0; i < 600; i++) cache.addBlock(hashOf(i), blockOf(i, 3))
    expect(kept(cache, 600)).toEqual(Array.from({ length: 512 }, (_, i) => 88 + i))
  })

  it('keeps 16,384 transactions, however few blocks these are', () => {
    const cache = new BlockCache()
    for (let i = 0; i < 100; i++) cache.addBlock(hashOf(i), blockOf(i, 5_000))
    expect(kept(cache, 100)).toEqual([97, 98, 99])
    // Asked for again and again, a block counts once.
    for (let i = 0; i < 10; i++) cache.addBlock(hashOf(99), blockOf(99, 5_000))
    expect(kept(cache, 100)).toEqual([97, 98, 99])
  })

  it('keeps one block that is larger than all of that', () => {
    const cache = new BlockCache()
    cache.addBlock(hashOf(0), blockOf(0, 10))
    cache.addBlock(hashOf(1), blockOf(1, 20_000))
    expect(kept(cache, 2)).toEqual([1])
    cache.addBlock(hashOf(2), blockOf(2, 10))
    expect(kept(cache, 3)).toEqual([2])
  })

  it('keeps 2,048 headers, of blocks that are gone from it too', () => {
    const cache = new BlockCache()
    for (let i = 0; i < 3_000; i++) cache.addBlock(hashOf(i), blockOf(i, 100))
    expect(cache.header(hashOf(951))).toBeUndefined()
    expect(cache.header(hashOf(952))?.number).toBe(952n)
    expect(cache.block(hashOf(952))).toBeUndefined()
  })

  it('forgets a block that was deleted, and its transactions with it', () => {
    const cache = new BlockCache()
    for (let i = 0; i < 3; i++) cache.addBlock(hashOf(i), blockOf(i, 5_000))
    cache.delete(hashOf(1))
    expect(cache.header(hashOf(1))).toBeUndefined()
    expect(kept(cache, 3)).toEqual([0, 2])
    cache.addBlock(hashOf(3), blockOf(3, 5_000))
    expect(kept(cache, 4)).toEqual([0, 2, 3])
  })
})
