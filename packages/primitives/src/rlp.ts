/** RLP (yellow paper, appendix B): a string of bytes, or a list of items. */
export type RlpItem = Uint8Array | RlpItem[]

/** Lists within lists: a block with legacy transactions nests four deep, as does an access list. */
const MAX_DEPTH = 8

/** No transaction and no block has more items for its bytes: in an access list of addresses without keys three take 23. */
const mostItems = (bytes: Uint8Array) => 64 + bytes.length / 4

/**
 * Decodes RLP that others sent. Strict: what has two encodings passes in the shorter one alone. Work and memory follow the number
 * of bytes however they nest, and no more than `maxItems` items are made of them, lists included: a byte costs a hundred as an item.
 * @throws Error, which says what is wrong; whose fault it is, the caller knows
 */
export function decodeRlp(bytes: Uint8Array, maxItems = mostItems(bytes)): RlpItem {
  const reader = new RlpReader(bytes, maxItems)
  const item = reader.item(bytes.length, MAX_DEPTH)
  if (reader.at !== bytes.length) throw new Error('bytes are left behind the RLP')
  return item
}

class RlpReader {
  at = 0
  readonly #bytes: Uint8Array
  #left: number

  constructor(bytes: Uint8Array, maxItems: number) {
    this.#bytes = bytes
    this.#left = maxItems
  }

  /** The item that begins here and ends before `limit`; lists may nest `depth` more times. */
  item(limit: number, depth: number): RlpItem {
    if (this.#left-- <= 0) throw new Error('more items than such a message has')
    const first = this.#bytes[this.at]
    if (first === undefined || this.at >= limit) throw new Error('the RLP ends too early')
    if (first < 0x80) return this.#string(1)
    this.at++
    const isList = first >= 0xc0
    const length = this.#length(first - (isList ? 0xc0 : 0x80), limit)
    if (length > limit - this.at) throw new Error('an item is longer than what it is in')
    if (!isList) {
      if (length === 1 && (this.#bytes[this.at] ?? 0) < 0x80) throw new Error('a byte below 0x80 has a length')
      return this.#string(length)
    }
    if (depth === 0) throw new Error(`lists nest deeper than ${MAX_DEPTH}`)
    const end = this.at + length
    const items: RlpItem[] = []
    while (this.at < end) items.push(this.item(end, depth - 1))
    return items
  }

  /** A copy: what is kept must not keep the whole message. */
  #string(length: number): Uint8Array {
    const start = this.at
    this.at += length
    return new Uint8Array(this.#bytes.subarray(start, this.at))
  }

  /** The length that the first byte says, or that the bytes after it say. */
  #length(code: number, limit: number): number {
    if (code < 56) return code
    const end = this.at + code - 55
    if (end > limit) throw new Error('the RLP ends too early')
    if (this.#bytes[this.at] === 0) throw new Error('a length has leading zeros')
    let length = 0
    while (this.at < end) length = length * 256 + (this.#bytes[this.at++] ?? 0)
    if (length < 56) throw new Error('a short item has a long length')
    return length
  }
}
