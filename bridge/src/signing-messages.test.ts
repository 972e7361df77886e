import { randomBytes } from 'node:crypto'
import { isAppError, toHex, type Hex } from '@hawser/primitives'
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

/** Numbers that can be played again: xorshift32. */
function seeded(seed: number): () => number {
  let x = seed | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

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

  it('never fail otherwise than with a named error of the peer', () => {
    const seed = randomBytes(4).readUInt32BE()
    const next = seeded(seed)
    const samples = [...requests.map(encodeRequest), ...answers.map(encodeAnswer)].filter((m) => m.length < 1000)
    for (let i = 0; i < 5_000; i++) {
      const message = Uint8Array.from(samples[next() % samples.length] as Uint8Array)
      for (let flips = next() % 4; flips >= 0; flips--) message[next() % message.length] = next() & 255
      const cut = message.subarray(0, next() % 3 === 0 ? next() % (message.length + 1) : message.length)
      for (const decode of [decodeRequest, decodeAnswer])
        try {
          decode(cut)
        } catch (error) {
          expect(isAppError(error, 'SIGNING_MALFORMED'), `seed ${seed}, round ${i}: ${String(error)}`).toBe(true)
        }
    }
  })
})
