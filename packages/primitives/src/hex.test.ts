import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readUintBE, uintBE } from './bytes.ts'
import { fromHex, toHex } from './hex.ts'

describe('fromHex', () => {
  it('takes back what toHex gives, in either case, with or without 0x', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
        const text = toHex(bytes)
        expect(text).toBe(`0x${Buffer.from(bytes).toString('hex')}`)
        for (const form of [text, text.slice(2), text.slice(2).toUpperCase()]) expect(fromHex(form)).toEqual(bytes)
      }),
    )
  })

  it.each(['0', '0x1', '0x0g', '0xg0', '0x 1', '0x-1', '00x1', 'é0', '0é', '0X00', '\u0660\u0660'])(
    'refuses %j, which is no hex string of whole bytes',
    (text) => {
      expect(() => fromHex(text)).toThrow('not a hex string of whole bytes')
    },
  )
})

describe('readUintBE', () => {
  it('takes back what uintBE gives, of any width', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.nat(3), (value, more) => {
        const width = Math.ceil(value.toString(16).length / 2) + more
        expect(readUintBE(uintBE(value, width))).toBe(value)
      }),
    )
    expect(readUintBE(new Uint8Array())).toBe(0n)
  })
})
