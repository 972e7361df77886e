import { fromHex } from '@hawser/primitives'
import * as bitcoin from 'bitcoinjs-lib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressToScript, scriptToAddress } from './bitcoin-address.ts'
import type { BitcoinNetwork } from './networks.ts'
import {
  classifyScript,
  dustLimitSats,
  p2pkhScript,
  p2shScript,
  p2trScript,
  p2wpkhScript,
  p2wshScript,
  pushNumber,
} from './script.ts'

const peers: [BitcoinNetwork, bitcoin.Network][] = [
  ['mainnet', bitcoin.networks.bitcoin],
  ['testnet4', bitcoin.networks.testnet],
  ['signet', bitcoin.networks.testnet],
  ['regtest', bitcoin.networks.regtest],
]
const makers = [
  [20, p2pkhScript],
  [20, p2shScript],
  [20, p2wpkhScript],
  [32, p2wshScript],
] as const

describe('addresses', () => {
  it('agree with bitcoinjs-lib for random programs of every kind and network', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        for (const [network, theirs] of peers)
          for (const [length, make] of makers) {
            const script = make(bytes.slice(0, length))
            const address = scriptToAddress(script, network)
            expect(address).toBe(bitcoin.address.fromOutputScript(script, theirs))
            expect(addressToScript(address, network)).toEqual(script)
          }
      }),
      { numRuns: 20 },
    )
  })
  it('know the Taproot address of BIP350 and take it in upper case', () => {
    const script = fromHex('512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798')
    const address = 'bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0'
    expect(scriptToAddress(script, 'mainnet')).toBe(address)
    expect(addressToScript(address.toUpperCase(), 'mainnet')).toEqual(script)
  })
  it.each([
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'regtest', 'BTC_ADDRESS_WRONG_NETWORK'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2', 'regtest', 'BTC_ADDRESS_WRONG_NETWORK'],
    ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN3', 'mainnet', 'BTC_ADDRESS_INVALID'],
    ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5', 'mainnet', 'BTC_ADDRESS_INVALID'],
    ['bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd', 'mainnet', 'BTC_ADDRESS_INVALID'],
    ['bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y', 'mainnet', 'BTC_ADDRESS_INVALID'],
    ['', 'mainnet', 'BTC_ADDRESS_INVALID'],
    ['x'.repeat(100_000), 'mainnet', 'BTC_ADDRESS_INVALID'],
  ] as const)('%.30s on %s: %s', (address, network, code) => {
    expect(() => addressToScript(address, network)).toThrow(expect.objectContaining({ name: code }))
  })
})

describe('scripts', () => {
  it('are classified by their exact shape', () => {
    const h20 = new Uint8Array(20).fill(7)
    const h32 = new Uint8Array(32).fill(7)
    expect(classifyScript(p2pkhScript(h20))).toEqual({ type: 'p2pkh', program: h20 })
    expect(classifyScript(p2trScript(h32))).toEqual({ type: 'p2tr', program: h32 })
    expect(classifyScript(fromHex('6a00')).type).toBe('op_return')
    expect(classifyScript(p2pkhScript(h20).subarray(1)).type).toBe('other')
    expect(classifyScript(new Uint8Array(0)).type).toBe('other')
  })
  it('have the dust limits that bitcoind computes', () => {
    const h20 = new Uint8Array(20)
    const h32 = new Uint8Array(32)
    // bitcoind: three times the output's bytes plus what spending it takes (148, or 67 for segwit).
    const rule = (script: Uint8Array, segwit: boolean) => BigInt(3 * (9 + script.length + (segwit ? 67 : 148)))
    for (const s of [p2pkhScript(h20), p2shScript(h20)]) expect(dustLimitSats(s)).toBe(rule(s, false))
    for (const s of [p2wpkhScript(h20), p2wshScript(h32), p2trScript(h32)]) expect(dustLimitSats(s)).toBe(rule(s, true))
  })
  it('push numbers minimally', () => {
    expect([0, 1, 16, 17, 127, 128, 144, 1008, 52560].map((n) => Buffer.from(pushNumber(n)).toString('hex'))).toEqual([
      '00',
      '51',
      '60',
      '0111',
      '017f',
      '028000',
      '029000',
      '02f003',
      '0350cd00',
    ])
  })
})
