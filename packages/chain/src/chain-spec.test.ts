import fc from 'fast-check'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { canonicalJson, chainSpecSchema, parseChainSpec } from './chain-spec.ts'
import { nextBaseFee } from './header-rules.ts'
import type { ChainSpec } from './chain-spec.ts'

describe('canonicalJson', () => {
  it('does not depend on the order of keys or on white space', () => {
    expect(canonicalJson({ b: [1, { z: null, a: 'x' }], a: true })).toBe('{"a":true,"b":[1,{"a":"x","z":null}]}')
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).reverse())
        expect(canonicalJson(shuffled)).toBe(canonicalJson(value))
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})

describe('parseChainSpec', () => {
  it('names the field that is wrong', () => {
    expect(() => parseChainSpec('{')).toThrow('not JSON')
    expect(() => parseChainSpec('{"version":2}')).toThrow('version')
    expect(() => parseChainSpec(' '.repeat(300 * 1024))).toThrow('longer than')
  })

  it('takes no epoch so long that the contract could not learn the hash of block 0 at its end', () => {
    const takes = (epochBlocks: number) => v.safeParse(chainSpecSchema.entries.epochBlocks, epochBlocks).success
    // EIP-2935: HISTORY_SERVE_WINDOW is 8191, and block 0 is asked for in the epoch's last block.
    expect([0, 1, 8_191, 8_192].filter(takes)).toEqual([1, 8_191])
  })
})

describe('nextBaseFee (EIP-1559)', () => {
  const spec = { minBaseFeeWei: 1_000_000 } as ChainSpec
  const parent = (gasUsed: bigint, baseFeePerGas: bigint) => ({ gasUsed, gasLimit: 30_000_000n, baseFeePerGas })

  it('stays at the target, grows by an eighth at twice the target, falls by an eighth when empty', () => {
    expect(nextBaseFee(spec, parent(15_000_000n, 8_000_000n))).toBe(8_000_000n)
    expect(nextBaseFee(spec, parent(30_000_000n, 8_000_000n))).toBe(9_000_000n)
    expect(nextBaseFee(spec, parent(0n, 8_000_000n))).toBe(7_000_000n)
  })

  it('never falls below the floor, and grows by at least one wei', () => {
    expect(nextBaseFee(spec, parent(0n, 1_000_000n))).toBe(1_000_000n)
    expect(nextBaseFee({ minBaseFeeWei: 1 } as ChainSpec, parent(15_000_001n, 7n))).toBe(8n)
  })
})
