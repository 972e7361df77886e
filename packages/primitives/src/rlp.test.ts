import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from './bytes.ts'
import { fromHex } from './hex.ts'
import { decodeRlp, type RlpItem } from './rlp.ts'
import { anyMessage } from './testing/index.ts'

const MANY = 1_000
const attempt = (decode: () => unknown): unknown => {
  try {
    return decode()
  } catch {
    return 'refused'
  }
}
/** A list around something, many times. */
const nest = (depth: number, core: RlpItem = []): RlpItem => (depth === 0 ? core : [nest(depth - 1, core)])

describe('decodeRlp', () => {
  it('takes what EthereumJS takes, and as that', () => {
    const valid = RLP.encode([
      new Uint8Array(60).fill(7),
      [Uint8Array.of(1), new Uint8Array(), ['dog', [Uint8Array.of(200)]]],
    ])
    fc.assert(
      fc.property(anyMessage(valid), (bytes) => {
        const ours = attempt(() => decodeRlp(bytes, MANY))
        const depthOf = (item: unknown): number => (Array.isArray(item) ? 1 + Math.max(0, ...item.map(depthOf)) : 0)
        // EthereumJS takes no bytes at all for the empty string, and whatever nests.
        const theirs = bytes.length === 0 ? 'refused' : attempt(() => RLP.decode(bytes))
        expect(ours).toEqual(depthOf(theirs) > 8 ? 'refused' : theirs)
      }),
      { numRuns: 5_000 },
    )
  })

  it.each([
    ['nothing', '0x'],
    ['a byte with a length', '0x8101'],
    ['a length with leading zeros', `0xb90038${'00'.repeat(56)}`],
    ['a long length for a short string', `0xb837${'00'.repeat(55)}`],
    ['a long length for a short list', '0xf803010101'],
    ['a string that ends too early', '0x8201'],
    ['a list that ends too early', '0xc201'],
    ['a length that ends too early', '0xbb0101'],
    ['a length beyond all bytes', `0xbf${'ff'.repeat(8)}01`],
    ['an item that is longer than its list', '0xc18101'],
    ['bytes behind the end', '0xc000'],
  ] as const)('refuses %s', (_, hex) => {
    expect(attempt(() => decodeRlp(fromHex(hex), MANY))).toBe('refused')
  })

  it('makes no more items than it may', () => {
    expect(decodeRlp(RLP.encode(Array<number>(9).fill(1)), 10)).toHaveLength(9)
    expect(() => decodeRlp(RLP.encode(Array<number>(10).fill(1)), 10)).toThrow('more items')
    expect(() => decodeRlp(RLP.encode(Array.from({ length: 10 }, () => [])), 10)).toThrow('more items')
  })

  it('takes lists that nest eight deep, and no deeper', () => {
    expect(decodeRlp(RLP.encode(nest(7) as never), MANY)).toEqual(nest(7))
    expect(() => decodeRlp(RLP.encode(nest(8) as never), MANY)).toThrow('nest deeper than 8')
  })

  it('gives copies, which keep nothing of the message', () => {
    const message = concatBytes(Uint8Array.of(0xc3, 0x82), Uint8Array.of(200, 201))
    for (const bytes of [message, Buffer.from(message)]) {
      const [item] = decodeRlp(bytes, MANY) as [Uint8Array]
      bytes.fill(0)
      expect([...item]).toEqual([200, 201])
      expect(item.buffer.byteLength).toBe(2)
    }
  })
})
