import { RLP } from '@ethereumjs/rlp'
import { voteDigest } from '@hawser/consensus'
import { encodeHandovers, encodeJustification, type HandoverProof } from '@hawser/consensus/verify'
import { NEXT_SET_HASH_SLOT, systemContracts, validatorSetHash } from '@hawser/contracts'
import { devnetSpec } from '@hawser/genesis'
import { REQUEST_RATES } from '@hawser/p2p'
import {
  AppError,
  concatBytes,
  fromHex,
  keccak256,
  readUintBE,
  silentLogger,
  toHex,
  uintBE,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import { HastyClock } from '@hawser/primitives/testing'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { describe, expect, it } from 'vitest'
import { devValidatorKeys, validatorSpecOf } from './devnet/dev-keys.ts'
import { SetFollower } from './set-follower.ts'

const keys = [devValidatorKeys(0)]
const spec = { ...devnetSpec({ genesisTime: 1, validators: keys.map(validatorSpecOf) }), epochBlocks: 5 }
const genesisHash = toHex(keccak256(uintBE(0, 1))) as Hash32
const network = { chainId: BigInt(spec.chainId), genesisHash }
const session = (keys[0] as (typeof keys)[0]).session
const members = [{ id: publicKeyToAddress(secp256k1.publicKey(session, false)) as Address, weight: 1 }]

/** A tree of one leaf (Yellow Paper, appendix D). */
const leaf = (key: Uint8Array, value: Uint8Array) =>
  RLP.encode([concatBytes(Uint8Array.of(0x20), keccak256(key)), value])

/** Shows that the same validator is the next set, after an epoch of its own. */
function handoverTo(setId: bigint): HandoverProof {
  const none = new Uint8Array()
  const word = fromHex(validatorSetHash(setId, [members[0]?.id as Address], [1n]))
  const storage = leaf(uintBE(NEXT_SET_HASH_SLOT, 32), RLP.encode(word.subarray(word.findIndex((byte) => byte !== 0))))
  const account = leaf(
    fromHex(systemContracts.validators as Address),
    RLP.encode([none, none, keccak256(storage), keccak256(none)]),
  )
  const number = setId * BigInt(spec.epochBlocks)
  const fields = Array.from<Uint8Array>({ length: 15 }).fill(none)
  fields[0] = new Uint8Array(32)
  fields[3] = keccak256(account)
  fields[8] = Uint8Array.from(Buffer.from(number.toString(16).padStart(4, '0'), 'hex'))
  const header = RLP.encode(fields)
  const block = { number, hash: toHex(keccak256(header)) as Hash32 }
  const by = { setId: setId - 1n, round: 1n }
  const signature = secp256k1.sign(voteDigest(network, { ...by, kind: 'precommit', ...block }), session)
  const commit = { ...by, target: block, targets: [block], precommits: [{ target: 0, voter: 0, signature }] }
  const justification = encodeJustification({ commit, ancestry: [] })
  return { justification, header, accountProof: [account], storageProof: [storage], setId, voters: members }
}

/** Peers that know so many sets, tell of one with each page, and refuse what is beyond their rate. */
function world(known: Record<string, number>, last = Math.max(...Object.values(known))) {
  const clock = new HastyClock()
  const proofs = Array.from({ length: last }, (_, i) => handoverTo(BigInt(i + 1)))
  const { burst, perSecond } = REQUEST_RATES.handovers
  const asked: string[] = []
  const reports: string[] = []
  const left = new Map<string, { tokens: number; atMs: number }>()
  const transport = {
    peers: () => Object.keys(known).map((id) => ({ id, validator: undefined, score: 0 })),
    report: (peer: string, _: number, reason: string) => void reports.push(`${peer} ${reason}`),
    request: async (peer: string, _: string, message: Uint8Array) => {
      asked.push(peer)
      const { tokens, atMs } = left.get(peer) ?? { tokens: burst, atMs: 0 }
      const now = Math.min(burst, tokens + ((clock.nowMs() - atMs) / 1000) * perSecond)
      left.set(peer, { tokens: now - 1, atMs: clock.nowMs() })
      if (now < 1) throw new AppError({ code: 'PEER_REFUSED', fault: 'peer', retry: true }, 'too many requests')
      const from = Number(readUintBE(message))
      return encodeHandovers(proofs.slice(from, Math.min(from + 1, known[peer] ?? 0)))
    },
  }
  const follower = new SetFollower({ spec, genesisHash, transport, clock, logger: silentLogger })
  return { follower, asked, reports, clock, proofs }
}

describe('SetFollower', () => {
  it('follows more sets than a peer tells of at once, and is refused by none', async () => {
    const { follower, asked, reports, clock } = world({ a: 40 })
    await follower.follow()
    expect(follower.setId).toBe(40n)
    expect(asked).toHaveLength(41)
    expect(reports).toEqual([])
    // 2 a second are allowed: it waits, but not for ever.
    expect(clock.nowMs()).toBeGreaterThan(15_000)
    expect(clock.nowMs()).toBeLessThan(40_000)
  })

  it('takes pages of all peers in turn, and leaves those that have no more', async () => {
    const { follower, asked } = world({ a: 3, b: 7, c: 0 })
    await follower.follow()
    expect(follower.setId).toBe(7n)
    expect(asked).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'b', 'b', 'b', 'b'])
  })

  it('parts with who proves nothing, and goes on with others', async () => {
    const { follower, proofs, reports } = world({ liar: 1, a: 3 })
    const [first] = proofs as [HandoverProof]
    proofs[0] = { ...first, voters: [{ ...(members[0] as (typeof members)[0]), weight: 2 }] }
    await follower.follow()
    expect(follower.setId).toBe(0n)
    expect(reports).toEqual(['liar HANDOVER_INVALID', 'a HANDOVER_INVALID'])
    proofs[0] = first
    await follower.follow()
    expect(follower.setId).toBe(3n)
  })
})
