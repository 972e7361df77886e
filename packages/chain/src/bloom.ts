import { fromHex, keccak256, type Hex } from '@hawser/primitives'

/** Items whose bits are remembered: at some 200 bytes each, 3 MB. */
const MAX_CACHED_ITEMS = 16_384

const recent = new Map<Hex, readonly number[]>()

/** Ethereum's 2,048-bit log filter: three bits for each address and topic. @see yellow paper, section 4.3.1 */
export class Bloom {
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array = new Uint8Array(256)) {
    this.bytes = bytes
  }

  add(item: Hex): void {
    for (const bit of bits(item)) this.bytes[255 - (bit >> 3)]! |= 1 << (bit & 7)
  }

  /** False: certainly not in; true: perhaps. */
  mayContain(item: Hex): boolean {
    return bits(item).every((bit) => (this.bytes[255 - (bit >> 3)]! & (1 << (bit & 7))) !== 0)
  }

  or(other: Uint8Array): void {
    for (let i = 0; i < 256; i++) this.bytes[i]! |= other[i] ?? 0
  }
}

/** The bits of an item, from the cache when it was asked lately: logs name few contracts and events, and each twice. */
function bits(item: Hex): readonly number[] {
  let known = recent.get(item)
  if (!known) {
    const hash = keccak256(fromHex(item))
    known = [0, 2, 4].map((i) => (((hash[i] ?? 0) << 8) | (hash[i + 1] ?? 0)) & 2047)
    if (recent.size >= MAX_CACHED_ITEMS) recent.clear()
    recent.set(item, known)
  }
  return known
}
