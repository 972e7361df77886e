import { crc32 } from 'node:zlib'
import { fromHex, toHex, uintBE, type Hash32, type Hex } from '@hawser/primitives'

/** EIP-6122's FORK_HASH, 4 bytes: of the genesis block's hash and the numbers, then times, at which rules changed so far. */
export function forkId(genesis: Hash32, changes: readonly bigint[]): Hex {
  let sum = crc32(fromHex(genesis))
  for (const change of changes) sum = crc32(uintBE(change, 8), sum)
  return toHex(uintBE(sum, 4))
}
