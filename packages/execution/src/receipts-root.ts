import { MerklePatriciaTrie } from '@ethereumjs/mpt'
import { RLP } from '@ethereumjs/rlp'
import { encodeReceipt, type Receipt } from '@hawser/chain'
import { toHex, type Hash32 } from '@hawser/primitives'

/** The root of the trie of receipts by RLP index. */
export async function encodeReceiptsRoot(receipts: readonly Receipt[]): Promise<Hash32> {
  const trie = new MerklePatriciaTrie()
  for (const [index, receipt] of receipts.entries()) await trie.put(RLP.encode(index), encodeReceipt(receipt))
  return toHex(trie.root()) as Hash32
}
