import { RLP } from '@ethereumjs/rlp'
import { encodeJustification, voteDigest, VoterSet } from '@hawser/consensus/verify'
import { hash32, keccak256, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { createClient, custom } from 'viem'
import { describe, expect, it } from 'vitest'
import type { TrustedChain } from './trusted-chain.ts'
import { verifyFinality } from './verify-finality.ts'
import { verifyReserves } from './verify-reserves.ts'

const key = uintBE(11, 32)
const voters = new VoterSet(0n, [{ id: publicKeyToAddress(secp256k1.publicKey(key, false)), weight: 1 }])
const genesisHash = hash32(`0x${'07'.repeat(32)}`)
const trust = { chainId: 18443n, epochBlocks: 20n, voters, genesisHash } as TrustedChain

/** What a node answers of block 5, as old as that. */
function proofOf(ageS: number) {
  const fields: Uint8Array[] = Array.from({ length: 21 }, () => new Uint8Array())
  fields[0] = new Uint8Array(32)
  fields[3] = new Uint8Array(32).fill(3)
  fields[8] = uintBE(5, 1)
  fields[11] = uintBE(BigInt(Math.floor(Date.now() / 1000) - ageS), 4)
  const header = RLP.encode(fields)
  const target = { number: 5n, hash: toHex(keccak256(header)) as Hash32 }
  const vote = { setId: 0n, round: 1n, kind: 'precommit' as const, ...target }
  const signature = secp256k1.sign(voteDigest({ chainId: 18443n, genesisHash }, vote), key)
  const commit = { setId: 0n, round: 1n, target, targets: [target], precommits: [{ target: 0, voter: 0, signature }] }
  return {
    justification: toHex(encodeJustification({ commit, ancestry: [] })),
    headers: [toHex(header)],
  }
}

const clientOf = (answer: unknown) =>
  createClient({
    transport: custom(
      {
        request: async ({ method }: { method: string }) => {
          if (method === 'finality_getProof') return answer
          // Set 0 is in office still.
          if (method === 'finality_getSetProofs') return { proofs: '0xc0', next: null }
          throw Object.assign(new Error('nothing else was to be asked'), { code: -32601 })
        },
      },
      { retryCount: 0 },
    ),
  })

describe('a finality proof', () => {
  it('is taken at any age unless the caller says how old it may be', async () => {
    const client = clientOf(proofOf(86_400))
    expect(await verifyFinality(client, { trust })).toMatchObject({ number: 5n, stateRoot: `0x${'03'.repeat(32)}` })
    await expect(verifyFinality(client, { trust, maxAgeS: 86_000 })).rejects.toMatchObject({ code: 'PROOF_TOO_OLD' })
  })

  it('of yesterday is no proof of the reserves of now, but of those of the block that was asked for', async () => {
    const client = clientOf(proofOf(86_400))
    await expect(verifyReserves(client, { trust })).rejects.toMatchObject({ code: 'PROOF_TOO_OLD' })
    // Both go on, to the state proof that this node does not give.
    for (const parameters of [{ blockNumber: 5n }, { maxAgeS: 90_000 }])
      await expect(verifyReserves(client, { trust, ...parameters })).rejects.not.toMatchObject({
        code: 'PROOF_TOO_OLD',
      })
  })

  it.each([
    ['nothing in it', {}],
    ['no headers', { ...proofOf(0), headers: [] }],
    ['too many headers', { ...proofOf(0), headers: Array.from({ length: 2_000 }, () => '0x00') }],
    ['a header that is no hex', { ...proofOf(0), headers: ['moored'] }],
    ['a header that is none', { ...proofOf(0), headers: ['0x00'] }],
    ['votes that are no hex', { ...proofOf(0), justification: 7 }],
    ['no votes', { ...proofOf(0), justification: '0x' }],
    ['votes for another header', { ...proofOf(0), justification: proofOf(60).justification }],
  ])('with %s is refused as forged', async (_, answer) => {
    await expect(verifyFinality(clientOf(answer), { trust })).rejects.toMatchObject({ code: 'JUSTIFICATION_INVALID' })
  })

  it('that the node does not have is to be asked for again', async () => {
    await expect(verifyFinality(clientOf(null), { trust, blockNumber: 9n })).rejects.toMatchObject({
      code: 'JUSTIFICATION_MISSING',
      info: { retry: true },
    })
  })
})
