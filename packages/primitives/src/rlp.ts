import { RLP } from '@ethereumjs/rlp'
import { AppError } from './errors.ts'

/** A decoded RLP item (Ethereum Yellow Paper, appendix B). */
export type RlpItem = Uint8Array | RlpItem[]

/** Lists in lists: a block with a legacy transaction has four, a stored receipt's topics five. */
const MAX_DEPTH = 8
/** A length above this is beyond any message of ours. */
const MAX_LENGTH_BYTES = 4

/** The most items, lists included, that so many bytes of transactions or blocks hold: 23 bytes are three items in an access list. */
export function maxRlpItems(bytes: number): number {
  return 64 + (bytes >> 2)
}

/**
 * Decodes what comes from outside. The decoder copies the rest at every list level and makes an object of every item, so
 * depth and items are counted in one pass before it runs: `maxItems` (lists included) is the caller's bound.
 * @throws RLP_MALFORMED
 */
export function decodeRlp(bytes: Uint8Array, maxItems = maxRlpItems(bytes.length)): RlpItem {
  checkRlpShape(bytes, maxItems)
  try {
    return RLP.decode(bytes) as RlpItem
  } catch (cause) {
    throw malformed(cause instanceof Error ? cause.message : 'it cannot be decoded', cause)
  }
}

/**
 * Walks over the heads of all items without taking any: for bytes that a library is about to decode itself.
 * @throws RLP_MALFORMED
 */
export function checkRlpShape(bytes: Uint8Array, maxItems = maxRlpItems(bytes.length)): void {
  /** Where the lists that are open end. */
  const ends = [bytes.length]
  let items = 0
  for (let at = 0; at < bytes.length;) {
    while (ends.length > 1 && at === ends.at(-1)) ends.pop()
    if (++items > maxItems) throw malformed(`it has more than ${maxItems} items`)
    const head = bytes[at++] as number
    if (head < 0x80) continue
    const isList = head >= 0xc0
    let length = head - (isList ? 0xc0 : 0x80)
    if (length > 55) {
      const width = length - 55
      if (width > MAX_LENGTH_BYTES) throw malformed('an item is longer than the message')
      length = 0
      for (let i = 0; i < width; i++) length = length * 256 + (bytes[at++] ?? 0)
    }
    const end = at + length
    if (end > (ends.at(-1) as number)) throw malformed('an item is longer than what holds it')
    if (!isList) at = end
    else if (ends.push(end) > MAX_DEPTH + 1) throw malformed(`it has more than ${MAX_DEPTH} lists in one another`)
  }
}

function malformed(why: string, cause?: unknown): AppError {
  return new AppError({ code: 'RLP_MALFORMED', fault: 'peer' }, `malformed RLP: ${why}`, { cause })
}
