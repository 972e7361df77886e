import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from './bytes.ts'
import { decodeRlp, maxRlpItems, type RlpItem } from './rlp.ts'

/** Lists in one another, with an empty one in the middle. */
function nested(depth: number): Uint8Array {
  let bytes: Uint8Array = Uint8Array.of(0xc0)
  for (let level = 1; level < depth; level++) bytes = wrap(bytes)
  return bytes
}

/** A list whose content is given encoded. */
function wrap(content: Uint8Array): Uint8Array {
  const { length } = content
  if (length < 56) return concatBytes(Uint8Array.of(0xc0 + length), content)
  const width = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
  const size = Array.from({ length: width }, (_, i) => (length >> (8 * (width - 1 - i))) & 0xff)
  return concatBytes(Uint8Array.of(0xf7 + width, ...size), content)
}

const itemOf = fc.letrec<{ item: RlpItem; list: RlpItem[] }>((tie) => ({
  item: fc.oneof({ maxDepth: 5 }, fc.uint8Array({ maxLength: 80 }), tie('list')),
  list: fc.array(tie('item'), { maxLength: 6 }),
})).item

describe('RLP from outside', () => {
  it('is what the library makes of it, as long as it is not too deep or too much', () => {
    fc.assert(
      fc.property(itemOf, (item) => {
        const bytes = RLP.encode(item)
        expect(decodeRlp(bytes, Infinity)).toEqual(item)
      }),
      { numRuns: 500 },
    )
  })

  it('is refused where the library refuses it, and only there', () => {
    const mutated = fc.tuple(itemOf, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
    fc.assert(
      fc.property(mutated, ([item, place, byte, cut]) => {
        const bytes = RLP.encode(item)
        const at = place % bytes.length
        const changed = cut ? bytes.slice(0, at) : Uint8Array.from(bytes, (old, i) => (i === at ? byte : old))
        let expected: unknown
        try {
          expected = RLP.decode(changed)
        } catch {
          expect(() => decodeRlp(changed, Infinity)).toThrow(expect.objectContaining({ code: 'RLP_MALFORMED' }))
          return
        }
        // Another byte may have made lists of strings.
        if (depthOf(expected as RlpItem) <= 8) expect(decodeRlp(changed, Infinity)).toEqual(expected)
      }),
      { numRuns: 2_000 },
    )
  })

  it('has eight lists in one another at most', () => {
    expect(decodeRlp(nested(8))).toEqual([[[[[[[[]]]]]]]])
    expect(() => decodeRlp(nested(9))).toThrow('more than 8 lists in one another')
    expect(() => decodeRlp(nested(20_000))).toThrow('more than 8 lists in one another')
  })

  it('has as many items as its reader wants at most, lists counted', () => {
    expect(decodeRlp(RLP.encode([1, [2, 3]]), 5)).toHaveLength(2)
    expect(() => decodeRlp(RLP.encode([1, [2, 3]]), 4)).toThrow('more than 4 items')
    expect(() => decodeRlp(RLP.encode(new Array(400).fill(1)))).toThrow(`more than ${maxRlpItems(403)} items`)
  })

  it('has the items of an access list without keys, the densest thing that is sent', () => {
    const accessList = Array.from({ length: 1_000 }, () => [new Uint8Array(20).fill(0x80), []])
    expect(decodeRlp(RLP.encode(accessList))).toHaveLength(1_000)
  })
})

function depthOf(item: RlpItem): number {
  return Array.isArray(item) ? 1 + Math.max(0, ...item.map(depthOf)) : 0
}
