import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keccak256 } from './keccak.ts'
import { fromHex, toHex } from './hex.ts'
import { nobleBackend, recoverAddress, secp256k1 } from './secp256k1.ts'
import { readUintBE, uintBE, utf8 } from './bytes.ts'

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('secp256k1', () => {
  it('recovers the first account of the public development mnemonic from its signature', () => {
    const key = fromHex('ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')
    const digest = keccak256(utf8('hawser'))
    expect(recoverAddress(digest, secp256k1.sign(digest, key))).toBe('0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266')
  })

  it('gives the same bytes from the native library and from noble', () => {
    const noble = nobleBackend()
    fc.assert(
      fc.property(bytes32, bytes32, (digest, secret) => {
        const key = keccak256(secret)
        const signature = secp256k1.sign(digest, key)
        expect(toHex(noble.sign(digest, key))).toBe(toHex(signature))
        expect(toHex(noble.recover(digest, signature))).toBe(toHex(secp256k1.recover(digest, signature)))
        expect(toHex(noble.publicKey(key))).toBe(toHex(secp256k1.publicKey(key)))
      }),
      { numRuns: 50 },
    )
  })

  it('ecrecover takes a high s as the precompile does', () => {
    const key = keccak256(utf8('key'))
    const digest = keccak256(utf8('message'))
    const signature = secp256k1.sign(digest, key)
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
    const highS = uintBE(order - readUintBE(signature.subarray(32, 64)), 32)
    const parity = (signature[64] ?? 0) ^ 1
    expect(secp256k1.ecrecover(digest, signature.subarray(0, 32), highS, parity)).toEqual(
      secp256k1.publicKey(key, false),
    )
  })

  it('refuses a high s and a v above 1', () => {
    const digest = keccak256(utf8('x'))
    const signature = secp256k1.sign(digest, keccak256(utf8('key')))
    const wrongV = Uint8Array.from(signature)
    wrongV[64] = 27
    expect(() => secp256k1.recover(digest, wrongV)).toThrow('v 0 or 1')
    const high = Uint8Array.from(signature)
    high[32] = 0xff
    expect(() => secp256k1.recover(digest, high)).toThrow('upper half')
    // (n - 1) / 2 is the highest that is low (EIP-2).
    const half = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n
    const withS = (s: bigint) => Uint8Array.from([...signature.subarray(0, 32), ...uintBE(s, 32), 0])
    for (const s of [half, half - 1n]) expect(() => secp256k1.recover(digest, withS(s))).not.toThrow('upper half')
    for (const s of [half + 1n, half + (1n << 8n), half + (1n << 200n)])
      expect(() => secp256k1.recover(digest, withS(s))).toThrow('upper half')
  })
})
