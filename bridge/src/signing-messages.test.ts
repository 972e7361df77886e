import { toHex, type Hex } from '@hawser/primitives'
import { fuzzDecoder } from '@hawser/primitives/testing'
import { describe, expect, it } from 'vitest'
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  MAX_SESSION_MESSAGE_BYTES,
  MAX_SIGNED_MESSAGE_BYTES,
  MAX_SIGNING_ITEMS,
  type SigningAnswer,
  type SigningRequest,
} from './signing-messages.ts'

const session: Hex = toHex(new Uint8Array(32).fill(7))
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
const requests: SigningRequest[] = [
  { kind: 'nonces', batchId: 2n ** 64n - 1n, attempt: 4_000_000_000, session, rungs: 8 },
  { kind: 'partials', session, members: [], aggregateNonces: [bytes(66, 2)] },
  { kind: 'partials', session, members: [0, 3, 14], aggregateNonces: Array(MAX_SIGNING_ITEMS).fill(bytes(66, 2)) },
  { kind: 'signed', batchId: 0n, transactions: Array(8).fill(bytes(40_000, 1)) },
  { kind: 'status', batchId: 1n },
]
const answers: SigningAnswer[] = [
  { kind: 'nonces', nonces: Array(MAX_SIGNING_ITEMS).fill(bytes(66, 3)) },
  { kind: 'partials', partials: [bytes(32, 0), bytes(32, 255)] },
  { kind: 'signed', transactions: [bytes(200, 9)] },
  { kind: 'refused', reason: 'the bridge is paused' },
  { kind: 'ok' },
]

describe('signing messages', () => {
  it('come back from the wire as they were, up to their limits', () => {
    for (const request of requests) expect(decodeRequest(encodeRequest(request))).toEqual(request)
    for (const answer of answers) expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer)
  })

  it('are refused beyond their sizes before they are parsed', () => {
    const malformed = expect.objectContaining({ code: 'SIGNING_MALFORMED' })
    expect(() => decodeRequest(bytes(MAX_SIGNED_MESSAGE_BYTES + 1, 0xc0))).toThrow(malformed)
    const many = Array(MAX_SIGNING_ITEMS + 1).fill(bytes(66, 2))
    expect(() =>
      decodeRequest(encodeRequest({ kind: 'partials', session, members: [], aggregateNonces: many })),
    ).toThrow(malformed)
    const long = { kind: 'partials', session, members: [], aggregateNonces: Array(600).fill(bytes(66, 2)) } as const
    expect(encodeRequest(long).length).toBeGreaterThan(MAX_SESSION_MESSAGE_BYTES)
    expect(() => decodeRequest(encodeRequest(long))).toThrow(malformed)
    const nine = { kind: 'signed', batchId: 1n, transactions: Array(9).fill(bytes(10, 1)) } as const
    expect(() => decodeRequest(encodeRequest(nine))).toThrow(malformed)
    for (const rungs of [0, 9])
      expect(() => decodeRequest(encodeRequest({ kind: 'nonces', batchId: 1n, attempt: 0, session, rungs }))).toThrow(
        malformed,
      )
  })

  it('want members in ascending order, each once', () => {
    for (const members of [
      [1, 0],
      [1, 1],
    ])
      expect(() =>
        decodeRequest(encodeRequest({ kind: 'partials', session, members, aggregateNonces: [bytes(66, 2)] })),
      ).toThrow(expect.objectContaining({ code: 'SIGNING_MALFORMED' }))
  })

  it('carry no control characters of a peer into logs', () => {
    const answer = decodeAnswer(encodeAnswer({ kind: 'refused', reason: 'a\u001b[31m\nb' }))
    expect(answer).toEqual({ kind: 'refused', reason: 'a?[31m?b' })
  })

  it.each(requests)('as a request of $kind have one encoding, and all else is a named error of the peer', (request) => {
    fuzz(encodeRequest(request), (bytes) => encodeRequest(decodeRequest(bytes)))
  })

  it.each(answers)('as an answer of $kind have one encoding, and all else is a named error of the peer', (answer) => {
    fuzz(encodeAnswer(answer), (bytes) => {
      const decoded = decodeAnswer(bytes)
      // Of a reason only what can be shown is kept.
      return decoded.kind === 'refused' ? undefined : encodeAnswer(decoded)
    })
  })
})

function fuzz(valid: Uint8Array, recode: (bytes: Uint8Array) => Uint8Array | undefined): void {
  const numRuns = valid.length > 1_000 ? 100 : 2_000
  fuzzDecoder({ recode, valid, maxBytes: MAX_SIGNED_MESSAGE_BYTES, codes: ['SIGNING_MALFORMED'], numRuns })
}
