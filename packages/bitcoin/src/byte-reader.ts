import { readUintLE } from '@hawser/primitives'

/** Reads Bitcoin's wire format front to back; every read past the end throws what `fail` makes. */
export class ByteReader {
  readonly #bytes: Uint8Array
  readonly #fail: (why: string) => Error
  #offset = 0

  constructor(bytes: Uint8Array, fail: (why: string) => Error) {
    this.#bytes = bytes
    this.#fail = fail
  }

  get offset(): number {
    return this.#offset
  }

  get left(): number {
    return this.#bytes.length - this.#offset
  }

  /** The next bytes, as a copy. */
  take(length: number): Uint8Array {
    if (length > this.left) throw this.#fail(`${length} bytes wanted at ${this.#offset}, ${this.left} left`)
    this.#offset += length
    return this.#bytes.slice(this.#offset - length, this.#offset)
  }

  uint(width: number): number {
    return Number(readUintLE(this.take(width)))
  }

  uint64(): bigint {
    return readUintLE(this.take(8))
  }

  peek(ahead = 0): number | undefined {
    return this.#bytes[this.#offset + ahead]
  }

  /** A CompactSize of at most `max`, minimally encoded as bitcoind demands it. */
  compactSize(max: number, what: string): number {
    const first = this.uint(1)
    if (first < 0xfd) return this.#bounded(first, max, what)
    const width = first === 0xfd ? 2 : first === 0xfe ? 4 : 8
    const value = readUintLE(this.take(width))
    const least = width === 2 ? 0xfdn : width === 4 ? 0x1_0000n : 0x1_0000_0000n
    if (value < least) throw this.#fail(`${what}: a length that is not minimally encoded`)
    return this.#bounded(Number(value), max, what)
  }

  end(): void {
    if (this.left !== 0) throw this.#fail(`${this.left} bytes left over`)
  }

  #bounded(value: number, max: number, what: string): number {
    if (value > max) throw this.#fail(`${what}: ${value} is above the limit of ${max}`)
    return value
  }
}
