import { RLP } from '@ethereumjs/rlp'
import type { Common } from '@ethereumjs/common'
import { decodeSealedBlock, type SealedBlock } from '@hawser/chain'
import { fromHex, readUintBE, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { MAX_HASHES, MAX_RANGE_BLOCKS } from './limits.ts'
import { listIn, malformed } from './rlp.ts'

/** A block of an answer, with the justification that makes it final; empty where none is stored. */
export interface RangeEntry {
  readonly sealed: SealedBlock
  readonly justification: Uint8Array
  /** What the entry takes on the wire, about. */
  readonly bytes: number
}

export function encodeRangeRequest(from: bigint, count: number): Uint8Array {
  return RLP.encode([uintBE(from, 8), uintBE(count, 2)])
}

/** A count above the limit is cut to it. @throws MESSAGE_MALFORMED */
export function decodeRangeRequest(message: Uint8Array): { readonly from: bigint; readonly count: number } {
  const [from, count, ...rest] = listIn(message, 3)
  if (
    !(from instanceof Uint8Array) ||
    from.length !== 8 ||
    !(count instanceof Uint8Array) ||
    count.length !== 2 ||
    rest.length > 0
  )
    throw malformed('not [from, count]')
  return { from: readUintBE(from), count: Math.min(Number(readUintBE(count)), MAX_RANGE_BLOCKS) }
}

export function encodeHashRequest(hashes: readonly Hash32[]): Uint8Array {
  return RLP.encode(hashes.map((hash) => fromHex(hash)))
}

/** @throws MESSAGE_MALFORMED */
export function decodeHashRequest(message: Uint8Array): Hash32[] {
  const hashes = listIn(message, 1 + MAX_HASHES)
  return hashes.map((hash) => {
    if (!(hash instanceof Uint8Array) || hash.length !== 32) throw malformed('a hash is not 32 bytes')
    return toHex(hash) as Hash32
  })
}

/** [[sealed block, justification or empty]...] */
export function encodeBlocks(
  entries: readonly (readonly [sealed: Uint8Array, justification: Uint8Array])[],
): Uint8Array {
  return RLP.encode(entries.map(([sealed, justification]) => [sealed, justification]))
}

/** At most `limit` blocks. @throws MESSAGE_MALFORMED, BLOCK_MALFORMED */
export function decodeBlocks(message: Uint8Array, common: Common, limit: number): RangeEntry[] {
  const entries = listIn(message, 1 + 3 * limit)
  if (entries.length > limit) throw malformed(`more than ${limit} blocks`)
  return entries.map((entry) => {
    const [block, justification, ...rest] = Array.isArray(entry) ? entry : []
    if (!(block instanceof Uint8Array) || !(justification instanceof Uint8Array) || rest.length > 0)
      throw malformed('not [block, justification]')
    return { sealed: decodeSealedBlock(block, common), justification, bytes: block.length + justification.length }
  })
}
