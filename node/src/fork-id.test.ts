import type { Hash32 } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { forkId } from './fork-id.ts'

const MAINNET = '0xd4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3' as Hash32

describe('forkId', () => {
  // EIP-2124, test cases.
  it.each([
    ['Frontier', [], '0xfc64ec04'],
    ['Homestead', [1_150_000n], '0x97c2c34c'],
    ['the DAO fork', [1_150_000n, 1_920_000n], '0x91d1f948'],
    ['Tangerine Whistle', [1_150_000n, 1_920_000n, 2_463_000n], '0x7a64da13'],
  ] as const)('of mainnet at %s', (_name, changes, expected) => {
    expect(forkId(MAINNET, changes)).toBe(expected)
  })
})
