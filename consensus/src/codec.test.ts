import { concatBytes, fromHex, hash32, keccak256, toHex, uintBE, utf8, isAppError } from '@hawser/primitives'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeCatchUpRequest,
  decodeCatchUpResponse,
  decodeCommit,
  decodeJustification,
  decodeNeighbour,
  decodeVote,
  encodeCatchUpRequest,
  encodeCatchUpResponse,
  encodeCommit,
  encodeJustification,
  encodeNeighbour,
  encodeVote,
} from './codec.ts'
import { sealDigest, voteDigest } from './digests.ts'
import type { SignedVote } from './types.ts'

const hashArb = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => hash32(toHex(bytes)))
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const refArb = fc.record({ number: u64, hash: hashArb })
const signature = fc.uint8Array({ minLength: 65, maxLength: 65 })
const voteArb: fc.Arbitrary<SignedVote> = fc.record({
  setId: u64,
  round: u64,
  kind: fc.constantFrom('prevote' as const, 'precommit' as const, 'primary' as const),
  number: u64,
  hash: hashArb,
  voter: fc.integer({ min: 0, max: 1023 }),
  signature,
})
const indexed = fc.array(
  fc.record({ target: fc.integer({ min: 0, max: 1 }), voter: fc.integer({ min: 0, max: 1023 }), signature }),
  {
    maxLength: 6,
  },
)
const targets = fc.uniqueArray(refArb, { minLength: 2, maxLength: 4, selector: (t) => t.hash })
const commitArb = fc.record({ setId: u64, round: u64, target: refArb, targets, precommits: indexed })
/** A property body must not return what `expect` returns. */
function same(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected)
}
const malformed = (decode: () => unknown) => {
  try {
    decode()
  } catch (error) {
    return isAppError(error, 'CONSENSUS_MALFORMED')
  }
  return false
}

describe('consensus messages', () => {
  it('come back from their bytes as they were', () => {
    fc.assert(fc.property(voteArb, (vote) => same(decodeVote(encodeVote(vote)), vote)))
    fc.assert(fc.property(commitArb, (commit) => same(decodeCommit(encodeCommit(commit)), commit)))
    fc.assert(
      fc.property(commitArb, fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 3 }), (commit, ancestry) =>
        same(decodeJustification(encodeJustification({ commit, ancestry })), { commit, ancestry }),
      ),
    )
    const inventory = fc.record({
      round: u64,
      prevotes: fc.uint8Array({ maxLength: 8 }),
      precommits: fc.uint8Array({ maxLength: 8 }),
    })
    const neighbour = fc.record({
      setId: u64,
      round: u64,
      finalizedNumber: u64,
      stuck: fc.boolean(),
      have: fc.array(inventory, { maxLength: 4 }),
    })
    fc.assert(fc.property(neighbour, (packet) => same(decodeNeighbour(encodeNeighbour(packet)), packet)))
    const request = fc.record({ setId: u64, round: u64 })
    fc.assert(fc.property(request, (r) => same(decodeCatchUpRequest(encodeCatchUpRequest(r)), r)))
    const response = fc.record({
      setId: u64,
      round: u64,
      base: refArb,
      targets,
      prevotes: indexed,
      precommits: indexed,
    })
    fc.assert(fc.property(response, (r) => same(decodeCatchUpResponse(encodeCatchUpResponse(r)), r)))
  })

  it('have one encoding: a padded integer is refused', () => {
    const [vote] = fc.sample(voteArb, { numRuns: 1, seed: 1 })
    const bytes = encodeVote({ ...(vote as SignedVote), setId: 5n })
    const padded = concatBytes(bytes.subarray(0, 2), Uint8Array.of(0x82, 0, 5), bytes.subarray(3))
    padded[1] = (padded[1] as number) + 2
    expect(malformed(() => decodeVote(padded))).toBe(true)
  })
})

describe('digests', () => {
  const genesisHash = hash32(`0x${'11'.repeat(32)}`)
  const hash = hash32(`0x${'22'.repeat(32)}`)

  it('of a vote are keccak256 over the 105 fixed-width bytes of consensus.md, 2.0', () => {
    const preimage = fromHex(
      `0x${toHex(utf8('HWGV')).slice(2)}${'000000000000480b'}${'11'.repeat(32)}${'0000000000000003'}${'0000000000000007'}01${'0000000000000100'}${'22'.repeat(32)}`,
    )
    expect(preimage.length).toBe(4 + 8 + 32 + 8 + 8 + 1 + 8 + 32)
    const vote = { setId: 3n, round: 7n, kind: 'precommit' as const, number: 256n, hash }
    expect(voteDigest({ chainId: 18443n, genesisHash }, vote)).toEqual(keccak256(preimage))
  })

  it('of a seal bind the chain id and the block hash', () => {
    expect(sealDigest(18443n, hash)).toEqual(keccak256(concatBytes(utf8('HWAS'), uintBE(18443n, 8), fromHex(hash))))
  })
})
