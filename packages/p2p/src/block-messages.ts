import { RLP } from '@ethereumjs/rlp'
import type { Common } from '@ethereumjs/common'
import { decodeSealedBlock, type SealedBlock } from '@hawser/chain'
import {
  AppError,
  decodeRlp,
  fromHex,
  messageOf,
  readUintBE,
  toHex,
  uintBE,
  type Hash32,
  type RlpItem,
} from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { MAX_HASHES, MAX_RANGE_BLOCKS } from './limits.ts'

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
  const [from, count, ...rest] = decodeList(message, 3)
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
  const hashes = decodeList(message, 1 + MAX_HASHES)
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
  const entries = decodeList(message, 1 + 3 * limit)
  return entries.map((entry) => {
    const [block, justification, ...rest] = Array.isArray(entry) ? entry : []
    if (!(block instanceof Uint8Array) || !(justification instanceof Uint8Array) || rest.length > 0)
      throw malformed('not [block, justification]')
    return { sealed: decodeSealedBlock(block, common), justification, bytes: block.length + justification.length }
  })
}

function decodeList(message: Uint8Array, maxItems: number): RlpItem[] {
  let list: RlpItem
  try {
    list = decodeRlp(message, maxItems)
  } catch (error) {
    throw malformed(messageOf(error))
  }
  if (!Array.isArray(list)) throw malformed('not an RLP list')
  return list
}

function malformed(why: string): AppError<P2pError> {
  return new AppError<P2pError>({ code: 'MESSAGE_MALFORMED', fault: 'peer' }, `malformed message: ${why}`)
}
