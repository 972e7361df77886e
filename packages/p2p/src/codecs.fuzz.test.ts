import { RLP } from '@ethereumjs/rlp'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCommon, type Protocol } from '@hawser/chain'
import { fromHex, hash32, keccak256, utf8 } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { fuzzDecoder, type FuzzedDecoder } from '@hawser/primitives/testing'
import {
  decodeBlocks,
  decodeHashRequest,
  decodeRangeRequest,
  encodeBlocks,
  encodeHashRequest,
  encodeRangeRequest,
} from './block-messages.ts'
import { openResponse } from './framing.ts'
import { MAX_MESSAGE_BYTES, MAX_FETCHED, MAX_PUSHED, MAX_RANGE_BLOCKS } from './limits.ts'
import { decodeAddresses, encodeAddresses } from './peer-messages.ts'
import { decodeStateRange, decodeStateRequest, encodeStateRange, encodeStateRequest } from './state-messages.ts'
import { decodeStatus, encodeStatus, identityDigest } from './status-message.ts'
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
const key = new Uint8Array(32).fill(3)
const validator = {
  address: publicKeyToAddress(secp256k1.publicKey(key, false)),
  signature: secp256k1.sign(identityDigest(1n, HASH, peerId), key),
}

/** A block of no transactions that a node would take apart. */
function anyBlock(): Uint8Array {
  const zeros = (length: number) => new Uint8Array(length)
  const [parent, ommers, author] = [zeros(32), keccak256(RLP.encode([])), zeros(20)]
  const roots = [zeros(32), zeros(32), zeros(32)]
  const numbers = [zeros(0), Uint8Array.of(1), Uint8Array.of(1), zeros(0), Uint8Array.of(9), zeros(0)]
  const later = [Uint8Array.of(7), zeros(32), zeros(0), zeros(0), zeros(32), zeros(32)]
  const header = [parent, ommers, author, ...roots, zeros(256), ...numbers, zeros(32), zeros(8), ...later]
  return RLP.encode([[header, [], [], []], zeros(65)])
}

const request = (protocol: Protocol) => MAX_MESSAGE_BYTES[protocol].request
const response = (protocol: Protocol) => MAX_MESSAGE_BYTES[protocol].response

/** Every decoder of bytes from peers. */
const decoders: Record<string, FuzzedDecoder> = {
  status: {
    recode: (bytes) => encodeStatus(decodeStatus(bytes, peerId)),
    valid: encodeStatus(status),
    maxBytes: request('status'),
  },
  'status of a validator': {
    recode: (bytes) => encodeStatus(decodeStatus(bytes, peerId)),
    valid: encodeStatus({ ...status, validator }),
    maxBytes: response('status'),
  },
  'blocks-by-range': {
    recode: (bytes) => {
      const { from, count } = decodeRangeRequest(bytes)
      // More is cut to the most.
      return count === MAX_RANGE_BLOCKS ? undefined : encodeRangeRequest(from, count)
    },
    valid: encodeRangeRequest(5n, 63),
    maxBytes: request('blocks-by-range'),
  },
  'blocks-by-hash': {
    recode: (bytes) => encodeHashRequest(decodeHashRequest(bytes)),
    valid: encodeHashRequest([HASH, HASH]),
    maxBytes: request('blocks-by-hash'),
  },
  blocks: {
    recode: (bytes) => void decodeBlocks(bytes, common, MAX_RANGE_BLOCKS),
    valid: encodeBlocks([[anyBlock(), utf8('justification')]]),
    maxBytes: response('blocks-by-range'),
    codes: ['MESSAGE_MALFORMED', 'BLOCK_MALFORMED'],
  },
  peers: {
    recode: (bytes) => encodeAddresses(decodeAddresses(bytes)),
    valid: encodeAddresses(['/ip4/203.0.113.1/tcp/1/p2p/16Uiu2HAmAAAA']),
    maxBytes: response('peers'),
  },
  transactions: {
    recode: (bytes) => encodeTransactions(decodeTransactions(bytes, MAX_PUSHED)),
    valid: encodeTransactions([new Uint8Array(100).fill(2)]),
    maxBytes: request('transactions'),
  },
  'transaction-hashes': {
    recode: (bytes) => encodeAnnouncement(decodeAnnouncement(bytes)),
    valid: encodeAnnouncement([{ hash: HASH, type: 2, size: 100 }]),
    maxBytes: request('transaction-hashes'),
  },
  'pooled-transactions': {
    recode: (bytes) => encodeHashes(decodeHashes(bytes, MAX_FETCHED)),
    valid: encodeHashes([HASH]),
    maxBytes: request('pooled-transactions'),
  },
  'state-range': {
    recode: (bytes) => encodeStateRequest(decodeStateRequest(bytes)),
    valid: encodeStateRequest({
      block: status.head,
      account: fromHex(HASH),
      origin: peerId.slice(6),
      limit: peerId.slice(6),
    }),
    maxBytes: request('state-range'),
  },
  'a range of the state': {
    recode: (bytes) => encodeStateRange(decodeStateRange(bytes)),
    valid: encodeStateRange({
      leaves: [{ key: peerId.slice(6), value: utf8('v') }],
      end: peerId.slice(6),
      proof: [utf8('n')],
    }),
    maxBytes: response('state-range'),
  },
}

describe('decoders of what peers send', () => {
  it.each(Object.entries(decoders))('%s: takes its own, and refuses all else as its sender’s fault', (_, decoder) => {
    fuzzDecoder({ codes: ['MESSAGE_MALFORMED'], ...decoder })
  })

  it('a response: is an answer or a refusal, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        if (bytes[0] === 0) expect(openResponse(bytes)).toEqual(bytes.subarray(1))
        else
          expect(() => openResponse(bytes)).toThrow(
            expect.objectContaining({
              code: 'PEER_REFUSED',
              message: expect.stringMatching(/^[\x20-\x7e]*$/) as string,
            }),
          )
      }),
    )
  })

  it('blocks: refuses what has more of them than were asked for, before it looks into any', () => {
    const many = encodeBlocks(Array.from({ length: 65 }, () => [Uint8Array.of(1), new Uint8Array()]))
    expect(() => decodeBlocks(many, common, MAX_RANGE_BLOCKS)).toThrow('more items')
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
