import { words } from './gas-costs.ts'

const FIRST_BYTES = 1024
/** Shared by all that have not grown yet: nothing is ever written to it. */
const NO_MEMORY = new Uint8Array()
const NO_VIEW = new DataView(NO_MEMORY.buffer)

/** A frame's memory: grows in words of 32 bytes and is paid for before it does. */
export class Memory {
  bytes = NO_MEMORY
  view = NO_VIEW
  /** Bytes in use, a multiple of 32. */
  size = 0
  #paid = 0

  /** The gas for reaching to an end that the memory may not have yet; Infinity where no gas suffices. Nothing grows yet. */
  expansion(offset: number, length: number): number {
    if (length === 0) return 0
    const end = offset + length
    if (end <= this.size) return 0
    const count = words(end)
    return 3 * count + Math.floor((count * count) / 512) - this.#paid
  }

  /** Grows to what was paid for. */
  grow(offset: number, length: number): void {
    if (length === 0 || offset + length <= this.size) return
    const count = words(offset + length)
    this.#paid = 3 * count + Math.floor((count * count) / 512)
    this.size = 32 * count
    if (this.size <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(this.size, 2 * this.bytes.length, FIRST_BYTES))
    larger.set(this.bytes)
    this.bytes = larger
    this.view = new DataView(larger.buffer)
  }

  /** A copy that later changes do not reach. */
  slice(offset: number, length: number): Uint8Array {
    return length === 0 ? new Uint8Array() : this.bytes.slice(offset, offset + length)
  }

  /** Copies from a source whose bytes beyond its end are zero. */
  copyFrom(source: Uint8Array, from: number, to: number, length: number): void {
    if (length === 0) return
    const available = from >= source.length ? 0 : Math.min(length, source.length - from)
    if (available > 0) this.bytes.set(source.subarray(from, from + available), to)
    if (available < length) this.bytes.fill(0, to + available, to + length)
  }

  load(offset: number): bigint {
    return readWord(this.view, offset)
  }

  store(offset: number, word: bigint): void {
    const { view } = this
    // DataView takes the lowest 64 bits.
    view.setBigUint64(offset, word >> 192n)
    view.setBigUint64(offset + 8, word >> 128n)
    view.setBigUint64(offset + 16, word >> 64n)
    view.setBigUint64(offset + 24, word)
  }
}

/** 32 bytes, big endian. */
export function readWord(view: DataView, offset: number): bigint {
  const low = view.getBigUint64(offset + 24)
  const third = view.getBigUint64(offset + 16)
  const second = view.getBigUint64(offset + 8)
  const high = view.getBigUint64(offset)
  if (high === 0n && second === 0n) return third === 0n ? low : (third << 64n) | low
  return (((high << 64n) | second) << 128n) | (third << 64n) | low
}
