import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCommon } from '@hawser/chain'
import { hash32, isAppError, utf8 } from '@hawser/primitives'
import {
  decodeBlocks,
  decodeHashRequest,
  decodeRangeRequest,
  encodeBlocks,
  encodeHashRequest,
  encodeRangeRequest,
} from './block-messages.ts'
import { openResponse } from './framing.ts'
import { MAX_RANGE_BLOCKS } from './limits.ts'
import { decodeAddresses, encodeAddresses } from './peer-messages.ts'
import { decodeStateRange, decodeStateRequest, encodeStateRange, encodeStateRequest } from './state-messages.ts'
import { decodeStatus, encodeStatus } from './status-message.ts'
import {
  decodeAnnouncement,
  decodeHashes,
  decodeTransactions,
  encodeAnnouncement,
  encodeHashes,
  encodeTransactions,
} from './transaction-messages.ts'
import { readVoteStream } from './validator-streams.ts'

const HASH = hash32(`0x${'ab'.repeat(32)}`)
const common = createCommon(18443)
const peerId = new Uint8Array(38).fill(1)
const status = {
  chainId: 1n,
  genesisHash: HASH,
  head: { number: 7n, hash: HASH },
  finalized: { number: 5n, hash: HASH },
  first: 1n,
  timeMs: 1_700_000_000_000n,
}

/** Every decoder of bytes from peers, and a message that it takes. */
const codecs: [string, (bytes: Uint8Array) => unknown, Uint8Array][] = [
  ['status', (bytes) => decodeStatus(bytes, peerId), encodeStatus(status)],
  ['blocks-by-range', decodeRangeRequest, encodeRangeRequest(5n, 64)],
  ['blocks-by-hash', decodeHashRequest, encodeHashRequest([HASH, HASH])],
  ['blocks', (bytes) => decodeBlocks(bytes, common, MAX_RANGE_BLOCKS), encodeBlocks([])],
  ['peers', decodeAddresses, encodeAddresses(['/ip4/203.0.113.1/tcp/1/p2p/16Uiu2HAmAAAA'])],
  ['transactions', (bytes) => decodeTransactions(bytes, 16), encodeTransactions([new Uint8Array(100).fill(2)])],
  ['transaction-hashes', decodeAnnouncement, encodeAnnouncement([{ hash: HASH, type: 2, size: 100 }])],
  ['pooled-transactions', (bytes) => decodeHashes(bytes, 16), encodeHashes([HASH])],
  [
    'state-range',
    decodeStateRequest,
    encodeStateRequest({ block: status.head, account: undefined, origin: peerId.slice(6), limit: peerId.slice(6) }),
  ],
  [
    'a range of the state',
    decodeStateRange,
    encodeStateRange({
      leaves: [{ key: peerId.slice(6), value: utf8('v') }],
      end: peerId.slice(6),
      proof: [utf8('n')],
    }),
  ],
  ['a response', openResponse, Uint8Array.of(0, 1, 2)],
]

/** A true message with some of it changed, cut off, repeated or put in; or something of RLP's shape; or anything. */
const anyMessage = (valid: Uint8Array) => {
  const item: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    item: fc.oneof({ maxDepth: 4 }, fc.uint8Array({ maxLength: 80 }), fc.array(tie('item'), { maxLength: 8 })),
  })).item
  return fc.oneof(
    fc.uint8Array({ maxLength: 400 }),
    item.map((value) => RLP.encode(value as never)),
    fc
      .tuple(fc.nat(valid.length), fc.nat(valid.length), fc.uint8Array({ maxLength: 40 }))
      .map(([from, to, put]) => Uint8Array.of(...valid.subarray(0, from), ...put, ...valid.subarray(to))),
  )
}

describe('decoders of what peers send', () => {
  it.each(codecs)('%s: takes its own, and refuses all else as its sender’s fault', (_, decode, valid) => {
    decode(valid)
    fc.assert(
      fc.property(anyMessage(valid), (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          expect(isAppError(error) && error.info.fault === 'peer', `${String(error)}`).toBe(true)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('blocks: refuses what has more of them than were asked for, before it looks into any', () => {
    const many = encodeBlocks(Array.from({ length: 65 }, () => [Uint8Array.of(1), new Uint8Array()]))
    expect(() => decodeBlocks(many, common, MAX_RANGE_BLOCKS)).toThrow('more than 193 items')
  })

  it('vote streams: give whole votes however they are cut, and hold no more than one back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 512 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 50 }),
        async (votes, cuts) => {
          const bytes = Uint8Array.from(votes.flatMap((vote) => [vote.length >> 8, vote.length & 255, ...vote]))
          async function* chunks() {
            for (let at = 0, i = 0; at < bytes.length; i++) {
              const length = cuts[i % cuts.length] as number
              yield { subarray: () => bytes.slice(at, at + length) }
              at += length
            }
          }
          const heard: Uint8Array[] = []
          await readVoteStream(chunks() as never, (vote) => heard.push(vote))
          expect(heard).toEqual(votes)
        },
      ),
      { numRuns: 200 },
    )
    for (const length of [0, 513, 65_535]) {
      const stream = (async function* () {
        yield { subarray: () => Uint8Array.of(length >> 8, length & 255, ...utf8('x'.repeat(10))) }
      })()
      await expect(readVoteStream(stream as never, () => undefined)).rejects.toMatchObject({ info: { fault: 'peer' } })
    }
  })
})
