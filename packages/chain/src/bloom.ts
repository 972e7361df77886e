import { fromHex, keccak256, type Hex } from '@hawser/primitives'

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

function bits(item: Hex): number[] {
  const hash = keccak256(fromHex(item))
  return [0, 2, 4].map((i) => (((hash[i] ?? 0) << 8) | (hash[i + 1] ?? 0)) & 2047)
}
