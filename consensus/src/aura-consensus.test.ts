import { createBlockHeader, type BlockHeader } from '@ethereumjs/block'
import { isAppError, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'
import { describe, expect, it } from 'vitest'
import { AuraConsensus } from './aura-consensus.ts'
import type { SealEquivocation } from './aura.ts'
import { sealDigest } from './digests.ts'

const keys = [1, 2, 3].map((n) => uintBE(n, 32))
const addressOf = (key: Uint8Array) => publicKeyToAddress(secp256k1.publicKey(key, false))
const authorities = keys.map(addressOf).sort()
const keyOf = (slot: bigint) => keys.find((key) => addressOf(key) === authorities[Number(slot % 3n)]) as Uint8Array

const parent = createBlockHeader({ number: 1n, timestamp: 300n, gasLimit: 5000n })
const header = (timestamp: bigint, gasLimit = 5000n) =>
  createBlockHeader({ number: 2n, timestamp, gasLimit, parentHash: parent.hash() })
const seal = (of: BlockHeader, key: Uint8Array, chainId = 7n) =>
  secp256k1.sign(sealDigest(chainId, toHex(of.hash()) as Hash32), key)

describe('Aura as the node sees it', () => {
  const seen: SealEquivocation[] = []
  const aura = new AuraConsensus({
    chainId: 7n,
    slotSeconds: 3,
    authorities: () => authorities,
    onEquivocation: (evidence) => seen.push(evidence),
  })
  const outcome = (block: BlockHeader, sealed: Uint8Array) => {
    try {
      aura.verifySeal({ header: block, seal: sealed }, parent, 310_000)
    } catch (error) {
      return isAppError(error) ? error.code : String(error)
    }
    return 'ok'
  }

  it("takes the slot author's seal and no other", () => {
    const block = header(303n)
    expect(outcome(block, seal(block, keyOf(101n)))).toBe('ok')
    expect(outcome(block, seal(block, keyOf(102n)))).toBe('BLOCK_BAD_SEAL')
    expect(outcome(block, seal(block, keyOf(101n), 8n))).toBe('BLOCK_BAD_SEAL')
    expect(outcome(block, new Uint8Array(65))).toBe('BLOCK_BAD_SEAL')
    expect(outcome(block, new Uint8Array())).toBe('BLOCK_BAD_SEAL')
  })

  it('refuses wrong slots before it looks at the seal', () => {
    expect(outcome(header(300n), new Uint8Array())).toBe('BLOCK_BAD_SLOT')
    expect(outcome(header(304n), new Uint8Array())).toBe('BLOCK_BAD_SLOT')
    expect(outcome(header(315n), new Uint8Array())).toBe('BLOCK_TOO_EARLY')
  })

  it('tells of the second block of a slot, imports a third, and says that it is surplus', () => {
    const blocks = [1n, 2n, 3n].map((salt) => header(306n, 5000n + salt))
    for (const block of blocks) expect(outcome(block, seal(block, keyOf(102n)))).toBe('ok')
    expect(seen).toHaveLength(1)
    const hashes = blocks.map((block) => toHex(block.hash()) as Hash32)
    expect([seen[0]?.first.hash, seen[0]?.second.hash]).toEqual(hashes.slice(0, 2))
    const author = aura.author(102n, { number: 1n, hash: hashes[0] as Hash32 })
    expect(hashes.map((hash) => aura.isSurplus(102n, author, hash))).toEqual([false, false, true])
  })
})
