import { create1559FeeMarketTxFromBytesArray, createFeeMarket1559Tx } from '@ethereumjs/tx'
import { RLP } from '@ethereumjs/rlp'
import { concatBytes, fromHex, uintBE } from '@hawser/primitives'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCommon } from './common.ts'
import { decodePlainFeeMarket } from './fee-market-decoder.ts'
import { MAX_TRANSACTION_GAS } from './transaction.ts'

const CHAIN_ID = 18443
const common = createCommon(CHAIN_ID)
const KEY = fromHex('11'.repeat(32))

const decodeOurs = (bytes: Uint8Array) => decodePlainFeeMarket(bytes, common, MAX_TRANSACTION_GAS)

/** EthereumJS's verdict on the same bytes. */
function decodeTheirs(bytes: Uint8Array) {
  try {
    return create1559FeeMarketTxFromBytesArray(RLP.decode(bytes.subarray(1)) as never, { common, freeze: false })
  } catch {
    return undefined
  }
}

const uint = (bits: number) =>
  fc.integer({ min: 0, max: bits }).chain((size) => fc.bigInt(0n, (1n << BigInt(size)) - 1n))
const fields = fc.record({
  nonce: uint(40),
  gasLimit: uint(24),
  value: uint(256),
  data: fc.uint8Array({ maxLength: 300 }),
  fees: fc.tuple(uint(100), uint(100)).map(([a, b]) => (a < b ? [a, b] : [b, a]) as [bigint, bigint]),
  to: fc.uint8Array({ minLength: 20, maxLength: 20 }),
})
type Sample = typeof fields extends fc.Arbitrary<infer T> ? T : never

function signed({ nonce, gasLimit, value, data, fees, to }: Sample): Uint8Array {
  const plain = { chainId: CHAIN_ID, nonce, gasLimit, value, data, to: fcAddress(to) }
  return createFeeMarket1559Tx({ ...plain, maxPriorityFeePerGas: fees[0], maxFeePerGas: fees[1] }, { common })
    .sign(KEY)
    .serialize()
}

function fcAddress(bytes: Uint8Array): `0x${string}` {
  return `0x${Buffer.from(bytes).toString('hex')}`
}

describe('type 2 transactions, read straight from their bytes', () => {
  it('come out as EthereumJS makes them, with every field and method', () => {
    fc.assert(
      fc.property(fields, (sample) => {
        const bytes = signed(sample)
        const ours = decodeOurs(bytes)
        const theirs = decodeTheirs(bytes)
        expect(ours).toBeDefined()
        expect({ ...ours }).toEqual({ ...theirs })
        expect(ours?.serialize()).toEqual(bytes)
        expect(ours?.hash()).toEqual(theirs?.hash())
        expect(ours?.getSenderAddress().toString()).toBe(theirs?.getSenderAddress().toString())
        expect(ours?.getIntrinsicGas()).toBe(theirs?.getIntrinsicGas())
        expect(ours?.isValid()).toBe(theirs?.isValid())
      }),
      { numRuns: 300 },
    )
  })

  it('are taken only where EthereumJS takes the same bytes, whatever is changed in them', () => {
    fc.assert(
      fc.property(
        fields,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.constantFrom('set', 'cut', 'add'),
        (s, at, byte, how) => {
          const bytes = signed(s)
          const place = 1 + (at % (bytes.length - 1))
          const changed =
            how === 'set'
              ? bytes.with(place, byte)
              : how === 'cut'
                ? concatBytes(bytes.subarray(0, place), bytes.subarray(place + 1))
                : concatBytes(bytes.subarray(0, place), Uint8Array.of(byte), bytes.subarray(place))
          const ours = decodeOurs(changed)
          if (!ours) return
          const theirs = decodeTheirs(changed)
          expect({ ...ours }).toEqual({ ...theirs })
          // No second encoding of one transaction.
          expect(theirs?.serialize()).toEqual(changed)
        },
      ),
      { numRuns: 3_000 },
    )
  })

  const raw = () => {
    const sample = {
      nonce: 1n,
      gasLimit: 21_000n,
      value: 5n,
      data: new Uint8Array(),
      fees: [1n, 2n] as [bigint, bigint],
    }
    return RLP.decode(signed({ ...sample, to: new Uint8Array(20).fill(7) }).subarray(1)) as Uint8Array[]
  }
  const withField = (index: number, value: unknown) => {
    const list: unknown[] = raw()
    list[index] = value
    return concatBytes(Uint8Array.of(2), RLP.encode(list as never))
  }

  it.each([
    ['another chain', 0, uintBE(1, 1)],
    ['a chain id with leading zeros', 0, concatBytes(new Uint8Array(1), uintBE(CHAIN_ID, 2))],
    ['a nonce of 2^64 - 1 (EIP-2681)', 1, new Uint8Array(8).fill(255)],
    ['a nonce with leading zeros', 1, Uint8Array.of(0, 1)],
    ['a tip above the fee', 2, Uint8Array.of(3)],
    ['a fee of 2^128', 3, concatBytes(Uint8Array.of(1), new Uint8Array(16))],
    ['more gas than EIP-7825 allows', 4, uintBE(MAX_TRANSACTION_GAS + 1n, 4)],
    ['no receiver: a creation', 5, new Uint8Array()],
    ['a receiver of 19 bytes', 5, new Uint8Array(19).fill(1)],
    ['a value of 33 bytes', 6, new Uint8Array(33).fill(1)],
    ['an access list', 8, [[new Uint8Array(20), []]]],
    ['a parity of 2', 9, Uint8Array.of(2)],
    ['r of 0', 10, new Uint8Array()],
    ['s in the upper half (EIP-2)', 11, new Uint8Array(32).fill(0xf0)],
  ])('are left to EthereumJS with %s', (_, index, value) => {
    expect(decodeOurs(withField(index, raw()[index]))).toBeDefined()
    expect(decodeOurs(withField(index, value))).toBeUndefined()
  })
})
