import type { BlockHeader } from '@ethereumjs/block'
import { toHex, type Hash32 } from '@hawser/primitives'
import type { BlockHashes } from './machine.ts'

/**
 * The hashes of a block and of those before it, for BLOCKHASH. Each header is asked for once: the opcode costs far too little for
 * walking back 256 blocks each time.
 */
export function blockHashes(
  last: { readonly number: bigint; readonly hash: Hash32; readonly header: BlockHeader },
  headerOf: (hash: Hash32) => BlockHeader | undefined,
): BlockHashes {
  /** From the last block backwards. */
  const hashes = [last.hash]
  let oldest: BlockHeader | undefined = last.header
  return (number) => {
    const back = Number(last.number - number)
    while (hashes.length <= back && oldest && oldest.number > 0n) {
      const hash = toHex(oldest.parentHash) as Hash32
      hashes.push(hash)
      oldest = headerOf(hash)
    }
    return hashes[back]
  }
}
