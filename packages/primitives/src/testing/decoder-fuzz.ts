import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { concatBytes, uintBE } from '../bytes.ts'
import { isAppError, messageOf } from '../errors.ts'
import { toHex } from '../hex.ts'

/** Something of RLP's shape. */
const rlpShape = fc
  .letrec((tie) => ({
    item: fc.oneof({ maxDepth: 5 }, fc.uint8Array({ maxLength: 80 }), fc.array(tie('item'), { maxLength: 8 })),
  }))
  .item.map((value) => RLP.encode(value as never))

/** Lists within lists, around a string. */
const nested = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.uint8Array({ maxLength: 60 })).map(([depth, core]) => {
  let message = RLP.encode(core)
  for (let i = 0; i < depth; i++) message = RLP.encode([message])
  return message
})

/** A true message with some of it changed, cut off, repeated or put in; or something of RLP's shape; or anything. */
export function anyMessage(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(Math.max(0, valid.length - 1))
  const flips = fc.array(fc.tuple(place, fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 })
  return fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    rlpShape,
    nested,
    // Cut off, or with more behind it.
    place.map((end) => valid.slice(0, end)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => concatBytes(valid, more)),
    // A part of it left out, repeated or replaced.
    fc
      .tuple(place, place, fc.uint8Array({ maxLength: 40 }))
      .map(([from, to, put]) => concatBytes(valid.subarray(0, from), put, valid.subarray(to))),
    flips.map((changes) => {
      const bytes = Uint8Array.from(valid)
      for (const [at, xor] of changes) bytes[at] = (bytes[at] ?? 0) ^ xor
      return bytes
    }),
    // RLP's lengths lie near the front and in front of each item: one more, one less, the most that there is.
    fc.tuple(place, fc.constantFrom(-1, 1, 0xb7, 0xb8, 0xbf, 0xf7, 0xf8, 0xff)).map(([at, lie]) => {
      const bytes = Uint8Array.from(valid)
      bytes[at] = lie === 1 || lie === -1 ? (bytes[at] ?? 0) + lie : lie
      return bytes
    }),
  )
}

/** A list in a list in a list, around a string: what copies each of them needs a thousand times its bytes. */
export function nestedBomb(bytes: number): Uint8Array {
  const depth = Math.min(2_000, Math.floor(bytes / 8))
  const heads: Uint8Array[] = []
  let length = Math.max(1, bytes - 5 * depth - 5)
  const core = RLP.encode(new Uint8Array(length).fill(0xff))
  length = core.length
  for (let i = 0; i < depth; i++) {
    const head = listHead(length)
    heads.push(head)
    length += head.length
  }
  return concatBytes(...heads.reverse(), core)
}

/** A list of single bytes: each of them costs a hundred when it is decoded. */
export function crumbs(bytes: number): Uint8Array {
  const length = Math.max(1, bytes - 5)
  return concatBytes(listHead(length), new Uint8Array(length).fill(1))
}

function listHead(length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(0xc0 + length)
  const wide = uintBE(length, 4)
  const start = wide.findIndex((byte) => byte !== 0)
  return concatBytes(Uint8Array.of(0xf7 + 4 - start), wide.subarray(start))
}

/** So long a message is refused for what it is made of, not for what it is not. */
const LONG_BYTES = 128 * 1024

export interface FuzzedDecoder {
  /** Decodes, and encodes what came out; undefined where there is nothing to encode. */
  readonly recode: (bytes: Uint8Array) => Uint8Array | undefined
  /** A message that it takes. */
  readonly valid: Uint8Array
  /** The longest message that comes to it. */
  readonly maxBytes: number
  /** The codes of the errors that it may throw; of peers' faults all of them, unless told. */
  readonly codes?: readonly string[]
  readonly numRuns?: number
}

/**
 * Gives a decoder thousands of messages: each is refused as its sender's fault, or is the one encoding of what comes out of it. What
 * is made to cost more than its bytes is refused for that.
 * @throws Error with the message that does neither, and the seed that finds it again
 */
export function fuzzDecoder({ recode, valid, maxBytes, codes, numRuns = 2_000 }: FuzzedDecoder): void {
  const isRefusal = (error: unknown) =>
    isAppError(error) && error.info.fault === 'peer' && (codes === undefined || codes.includes(error.code))
  const check = (bytes: Uint8Array) => {
    let again: Uint8Array | undefined
    try {
      again = recode(bytes)
    } catch (error) {
      if (isRefusal(error)) return
      throw new Error(`not the sender's fault: ${messageOf(error)}`, { cause: error })
    }
    if (again !== undefined && toHex(again) !== toHex(bytes)) throw new Error(`has another encoding: ${toHex(again)}`)
  }
  const own = recode(valid)
  if (own !== undefined && toHex(own) !== toHex(valid)) throw new Error('the valid message has another encoding')
  fc.assert(fc.property(anyMessage(valid), check), { numRuns })
  for (const bomb of [nestedBomb(maxBytes), crumbs(maxBytes)]) {
    let refused: unknown
    try {
      recode(bomb)
    } catch (error) {
      refused = error
    }
    const why = messageOf(refused)
    if (!isRefusal(refused) || (bomb.length >= LONG_BYTES && !/nest deeper|more items/.test(why)))
      throw new Error(`a message of ${bomb.length} bytes is not refused for what it would cost: ${why}`)
  }
}
