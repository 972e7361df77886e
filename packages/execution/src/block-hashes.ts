import type { BlockHeader } from '@ethereumjs/block'
import type { StateView } from '@hawser/chain'
import { toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import type { BlockHashes } from './machine.ts'

/** The contract that keeps the hashes of earlier blocks, written before each block's transactions. @see EIP-2935 */
export const HISTORY_CONTRACT = '0x0000f90827f1c53a10cb7a02335b175320002935' as Address
/** How many it keeps. */
const HISTORY_SERVE_WINDOW = 8_191n

/** The hash of an earlier block as the state after block `at` has it; undefined for what the contract does not keep. @see EIP-2935 */
export function hashInState(state: Pick<StateView, 'storage'>, at: bigint, number: bigint): Hash32 | undefined {
  if (number < 0n || number >= at || number < at - HISTORY_SERVE_WINDOW) return undefined
  return toHex(state.storage(HISTORY_CONTRACT, uintBE(number % HISTORY_SERVE_WINDOW, 32))) as Hash32
}

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
