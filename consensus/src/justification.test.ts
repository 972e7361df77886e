import { RLP } from '@ethereumjs/rlp'
import { fromHex, keccak256, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, recoverAddress, secp256k1 } from '@hawser/primitives/node'
import { describe, expect, it } from 'vitest'
import { encodeJustification } from './codec.ts'
import { indexVotes } from './commit.ts'
import { voteDigest } from './digests.ts'
import { testHash } from './testing/fixtures.ts'
import type { BlockRef, Justification, SignedVote } from './types.ts'
import { readHeader, recoverAddressPure, verifyJustification } from './justification.ts'
import { VoterSet } from './voter-set.ts'

const keys = [11, 12, 13, 14].map((n) => uintBE(n, 32))
const network = { chainId: 18443n, genesisHash: testHash(7) }
const voters = new VoterSet(
  3n,
  keys.map((key) => ({ id: publicKeyToAddress(secp256k1.publicKey(key, false)), weight: 1 })),
)
const keyOf = (voter: number) =>
  keys.find((key) => publicKeyToAddress(secp256k1.publicKey(key, false)) === voters.at(voter)?.id) as Uint8Array

/** A header with a parent and a number in their places; the rest does not matter to finality. */
function header(parent: Hash32, number: number, salt = 0): { rlp: Uint8Array; ref: BlockRef } {
  const fields: Uint8Array[] = Array.from({ length: 21 }, () => new Uint8Array())
  fields[0] = fromHex(parent)
  fields[8] = uintBE(number, 1)
  fields[12] = uintBE(salt, 4)
  const rlp = RLP.encode(fields)
  return { rlp, ref: { number: BigInt(number), hash: toHex(keccak256(rlp)) as Hash32 } }
}

const a = header(testHash(1), 1)
const b = header(a.ref.hash, 2)
const c = header(b.ref.hash, 3)
const d = header(b.ref.hash, 3, 1)
const side = header(testHash(1), 1, 9)

function sign(voter: number, { number, hash }: BlockRef, round = 5n): SignedVote {
  const vote = { setId: 3n, round, kind: 'precommit' as const, number, hash }
  return { ...vote, voter, signature: secp256k1.sign(voteDigest(network, vote), keyOf(voter)) }
}

function justification(target: BlockRef, votes: SignedVote[], ancestry: Uint8Array[]): Justification {
  const targets: BlockRef[] = []
  const precommits = indexVotes(votes, targets)
  return { commit: { setId: 3n, round: 5n, target, targets, precommits }, ancestry }
}

const check = (proof: Justification | Uint8Array, block?: BlockRef) => {
  const native = verifyJustification({ justification: proof, voters, network, block, recover: recoverAddress })
  expect(verifyJustification({ justification: proof, voters, network, block })).toEqual(native)
  return native.ok ? native.value : native.error
}

describe('a justification', () => {
  const direct = justification(b.ref, [sign(0, b.ref), sign(1, b.ref), sign(2, b.ref)], [])
  const spread = justification(b.ref, [sign(0, b.ref), sign(1, c.ref), sign(3, d.ref)], [c.rlp, d.rlp])

  it('proves its block with q of n votes for it, and with votes for descendants whose headers it brings', () => {
    expect(check(direct)).toEqual(b.ref)
    expect(check(spread, b.ref)).toEqual(b.ref)
    expect(check(encodeJustification(spread))).toEqual(b.ref)
  })

  it('counts a voter with two different votes for every block, without ancestry', () => {
    expect(
      check(justification(b.ref, [sign(0, b.ref), sign(1, b.ref), sign(2, side.ref), sign(2, a.ref)], [])),
    ).toEqual(b.ref)
  })

  it('is refused for another block', () => {
    expect(check(direct, a.ref)).toBe('other-block')
  })

  it('is refused below the threshold, with strangers, repeated or foreign votes', () => {
    const [x, y] = [sign(0, b.ref), sign(1, b.ref)]
    expect(check(justification(b.ref, [x, y], []))).toBe('weight-too-low')
    expect(check(justification(b.ref, [x, y, y], []))).toBe('repeated-vote')
    expect(check(justification(b.ref, [x, y, { ...sign(2, b.ref), voter: 4 }], []))).toBe('unknown-voter')
    expect(check(justification(b.ref, [x, y, sign(2, side.ref)], [side.rlp]))).toBe('vote-beside-target')
    expect(check(justification(b.ref, [x, y, sign(2, a.ref)], [a.rlp]))).toBe('vote-beside-target')
  })

  it('is refused with a wrong signature, another round, set, chain or genesis', () => {
    const [x, y, z] = [sign(0, b.ref), sign(1, b.ref), sign(2, b.ref)]
    expect(check(justification(b.ref, [x, y, { ...z, voter: 3 }], []))).toBe('bad-signature')
    expect(check(justification(b.ref, [x, y, sign(2, b.ref, 6n)], []))).toBe('bad-signature')
    expect(check({ ...direct, commit: { ...direct.commit, setId: 4n } })).toBe('wrong-set')
    for (const other of [
      { ...network, chainId: 1n },
      { ...network, genesisHash: testHash(8) },
    ])
      expect(verifyJustification({ justification: direct, voters, network: other }).ok).toBe(false)
  })

  it('brings exactly the headers that its votes need', () => {
    expect(check({ ...spread, ancestry: [c.rlp] })).toBe('unknown-block')
    expect(check({ ...direct, ancestry: [c.rlp] })).toBe('padded-ancestry')
    expect(check({ ...spread, ancestry: [c.rlp, d.rlp, d.rlp] })).toBe('padded-ancestry')
    expect(check({ ...spread, ancestry: [c.rlp, Uint8Array.of(1, 2)] })).toBe('bad-header')
  })

  it('names the highest block that its votes prove, not an ancestor', () => {
    const votes = [sign(0, c.ref), sign(1, c.ref), sign(2, c.ref)]
    expect(check(justification(b.ref, votes, [c.rlp]))).toBe('not-the-ghost')
  })

  it('names no target that no vote is for', () => {
    const padded = { ...direct, commit: { ...direct.commit, targets: [...direct.commit.targets, c.ref] } }
    expect(check(padded)).toBe('unused-target')
  })
})

describe('recovery in pure JavaScript', () => {
  it('agrees with the native library and refuses a high s', () => {
    const digest = keccak256(Uint8Array.of(1))
    const signature = secp256k1.sign(digest, keyOf(0))
    expect(recoverAddressPure(digest, signature)).toBe(recoverAddress(digest, signature))
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const high = Uint8Array.from(signature)
    high.set(uintBE(order - BigInt(toHex(signature.subarray(32, 64))), 32), 32)
    high[64] = 1 - (signature[64] as number)
    expect(() => recoverAddressPure(digest, high)).toThrow()
  })
})

describe('a header', () => {
  it('is read by number, parent and the hash of its bytes', () => {
    expect(readHeader(c.rlp)).toEqual({ ...c.ref, parentHash: b.ref.hash })
  })
})
