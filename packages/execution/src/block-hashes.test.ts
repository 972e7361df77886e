import type { BlockHeader } from '@ethereumjs/block'
import { toHex, uintBE, type Hash32 } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { blockHashes, hashInState } from './block-hashes.ts'

const hashAt = (number: bigint) => toHex(uintBE(number + 1_000n, 32)) as Hash32
const headerAt = (number: bigint) => ({ number, parentHash: uintBE(number + 999n, 32) }) as unknown as BlockHeader

describe('hashes of earlier blocks', () => {
  it('come from each header once, however often they are asked for', () => {
    const asked: Hash32[] = []
    const hashOf = blockHashes({ number: 300n, hash: hashAt(300n), header: headerAt(300n) }, (hash) => {
      asked.push(hash)
      return headerAt(BigInt(hash) - 1_000n)
    })
    for (let round = 0; round < 3; round++)
      for (let number = 300n; number >= 45n; number--) expect(hashOf(number)).toBe(hashAt(number))
    expect(asked.length).toBe(255)
    expect(new Set(asked).size).toBe(255)
  })

  it('end at the first block, at a header that is not here, and at the last block', () => {
    const short = blockHashes({ number: 1n, hash: hashAt(1n), header: headerAt(1n) }, () => headerAt(0n))
    expect([short(2n), short(0n), short(-1n)]).toEqual([undefined, hashAt(0n), undefined])
    const torn = blockHashes({ number: 9n, hash: hashAt(9n), header: headerAt(9n) }, () => undefined)
    expect([torn(8n), torn(7n)]).toEqual([hashAt(8n), undefined])
  })
})

describe('the hash of an earlier block in the state', () => {
  it('is there for the last 8,191 blocks, and for no other', () => {
    // The contract's ring as blocks 1 to 20,000 leave it, each with its parent's hash.
    const at = 20_000n
    const ring = new Map<string, Uint8Array>()
    for (let number = 0n; number < at; number++)
      ring.set(toHex(uintBE(number % 8_191n, 32)), uintBE(number + 1_000n, 32))
    const state = {
      storage: (address: string, key: Uint8Array) => {
        expect(address).toBe('0x0000f90827f1c53a10cb7a02335b175320002935')
        return ring.get(toHex(key)) as Uint8Array
      },
    }
    for (const number of [at - 1n, at - 4_096n, at - 8_191n])
      expect(hashInState(state, at, number)).toBe(hashAt(number))
    for (const number of [at + 1n, at, at - 8_192n, 5n]) expect(hashInState(state, at, number)).toBeUndefined()
    expect(hashInState(state, 3n, -1n)).toBeUndefined()
  })
})
