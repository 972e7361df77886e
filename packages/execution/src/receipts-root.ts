import { encodeReceipt, orderedTrieRoot, type Receipt } from '@hawser/chain'
import type { Hash32 } from '@hawser/primitives'

/** The root of the trie of receipts by RLP index. */
export function receiptsRoot(receipts: readonly Receipt[]): Hash32 {
  return orderedTrieRoot(receipts.map(encodeReceipt))
}
