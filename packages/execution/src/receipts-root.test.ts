import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { toHex } from '@hawser/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orderedTrieRoot } from '@hawser/chain'

async function reference(values: readonly Uint8Array[]): Promise<string> {
  const trie = new MerklePatriciaTrie()
  for (const [index, value] of values.entries()) await trie.put(RLP.encode(index), value)
  return toHex(trie.root())
}

describe('orderedTrieRoot', () => {
  it('is the root that EthereumJS builds one item after the other, whatever the items are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 80 }), { maxLength: 300, size: 'max' }),
        async (values) => {
          expect(orderedTrieRoot(values)).toBe(await reference(values))
        },
      ),
      { numRuns: 15 },
    )
  })

  it('holds where the form of the keys changes: at 1, 128 and 256 items, with items that are embedded', async () => {
    for (const count of [0, 1, 2, 16, 127, 128, 129, 256, 257]) {
      const short = Array.from({ length: count }, (_, i) => Uint8Array.of(1 + (i % 100)))
      expect(orderedTrieRoot(short), `${count} items`).toBe(await reference(short))
    }
  })
})
