/**
 * BLAKE2b's compression function with a free number of rounds (RFC 7693, EIP-152) as a WebAssembly module, put together here: 64-bit
 * words are what JavaScript lacks, and no library offers the rounds.
 *
 * Memory: the message's 16 words at 0, the work vector's 16 words at 128, the offsets of the message words for the ten permutations
 * at 256, one byte each. `rounds(count)` works on the vector in place.
 */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
]
/** The vector's words that the eight mixings of a round take. */
const MIXINGS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const

export const VECTOR_AT = 128
export const SIGMA_AT = 256
export const SIGMA_OFFSETS = Uint8Array.from(SIGMA.flat(), (word) => 8 * word)

// Local variables: the count, the permutation's place, and the vector.
const COUNT = 0
const PLACE = 1
const V = 2

const I32 = 0x7f
const I64 = 0x7e
const localGet = (index: number) => [0x20, index]
const localSet = (index: number) => [0x21, index]
const localTee = (index: number) => [0x22, index]
const i32Const = (value: number) => [0x41, ...signedLeb(value)]
const i64Const = (value: number) => [0x42, ...signedLeb(value)]
const ADD64 = 0x7c
const XOR64 = 0x85
const ROTR64 = 0x8a

function mixing([a, b, c, d]: readonly [number, number, number, number], index: number): number[] {
  /** A message word, by the permutation's byte for it. */
  const word = (at: number) => [...localGet(PLACE), 0x2d, 0, ...unsignedLeb(SIGMA_AT + at), 0x29, 3, 0]
  const half = (at: number, first: number, second: number) => [
    ...localGet(V + a),
    ...localGet(V + b),
    ADD64,
    ...word(at),
    ADD64,
    ...localTee(V + a),
    ...localGet(V + d),
    XOR64,
    ...i64Const(first),
    ROTR64,
    ...localTee(V + d),
    ...localGet(V + c),
    ADD64,
    ...localTee(V + c),
    ...localGet(V + b),
    XOR64,
    ...i64Const(second),
    ROTR64,
    ...localSet(V + b),
  ]
  return [...half(2 * index, 32, 24), ...half(2 * index + 1, 16, 63)]
}

function body(): number[] {
  const words = Array.from({ length: 16 }, (_, i) => i)
  return [
    ...words.flatMap((i) => [...i32Const(VECTOR_AT), 0x29, 3, ...unsignedLeb(8 * i), ...localSet(V + i)]),
    0x02,
    0x40, // block
    0x03,
    0x40, // loop
    ...localGet(COUNT),
    0x45,
    0x0d,
    1, // no rounds left: out of the block
    ...MIXINGS.flatMap(mixing),
    ...localGet(COUNT),
    ...i32Const(1),
    0x6b,
    ...localSet(COUNT),
    // The next permutation, or the first one again.
    ...localGet(PLACE),
    ...i32Const(16),
    0x6a,
    ...localTee(PLACE),
    ...i32Const(160),
    0x46,
    0x04,
    0x40,
    ...i32Const(0),
    ...localSet(PLACE),
    0x0b,
    0x0c,
    0, // again
    0x0b,
    0x0b,
    ...words.flatMap((i) => [...i32Const(VECTOR_AT), ...localGet(V + i), 0x37, 3, ...unsignedLeb(8 * i)]),
    0x0b,
  ]
}

/** The module's bytes; it exports `memory` and `rounds(count: i32)`. */
export function blake2fModule(): Uint8Array {
  const locals = [2, 1, I32, 16, I64]
  const code = [...locals, ...body()]
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    1,
    0,
    0,
    0,
    ...section(1, [1, 0x60, 1, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('rounds'), 0, 0]),
    ...section(10, [1, ...unsignedLeb(code.length), ...code]),
  ])
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsignedLeb(content.length), ...content]
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)]
}

function unsignedLeb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ;) {
    const low = rest & 0x7f
    rest >>>= 7
    bytes.push(rest === 0 ? low : low | 0x80)
    if (rest === 0) return bytes
  }
}

function signedLeb(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ;) {
    const low = rest & 0x7f
    rest >>= 7
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)
    bytes.push(done ? low : low | 0x80)
    if (done) return bytes
  }
}
