import { describe, expect, it } from 'vitest'
import { ExitCode, exitCodeOf } from './exit-code.ts'
import {
  readAccount,
  readAmount,
  readCount,
  readId,
  readL1,
  readPrivateKey,
  readReceiver,
  readRefundKey,
  readSats,
  readSeconds,
  readTxid,
  readUrl,
} from './parse-arguments.ts'

/** The message of what a reader throws, which must lead to exit code 2. */
function refusal(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    expect(exitCodeOf(error)).toBe(ExitCode.usage)
    return (error as Error).message
  }
  throw new Error('it was not refused')
}

describe('an amount on the command line', () => {
  it('is exact to the satoshi', () => {
    expect(readAmount('0.1')).toBe(10_000_000n)
    expect(readAmount('12.00000001')).toBe(1_200_000_001n)
    expect(readAmount('0.00000546')).toBe(546n)
  })
  it('is refused as a fraction of a satoshi, as nothing, as negative, and as no number', () => {
    expect(refusal(() => readAmount('0.000000001'))).toMatch(/fraction of a satoshi/)
    expect(refusal(() => readAmount('0'))).toMatch(/0 BTC moves nothing/)
    expect(refusal(() => readAmount('-1'))).toMatch(/negative/)
    for (const text of ['', 'abc', '1e3', '0x10', '1,5', '.5', '1.', 'NaN'])
      expect(refusal(() => readAmount(text))).toMatch(/not an amount of BTC/)
    expect(refusal(() => readAmount('21000001'))).toMatch(/21 million/)
  })
})

describe('an EVM address on the command line', () => {
  const checksummed = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
  it('may be in lower case or carry its checksum', () => {
    expect(readAccount(checksummed)).toBe(checksummed)
    expect(readAccount(checksummed.toLowerCase())).toBe(checksummed)
  })
  it('is refused with one mistyped letter case, and when it is too short', () => {
    expect(refusal(() => readAccount(checksummed.replace('Fd6e', 'fd6e')))).toMatch(/wrong checksum/)
    expect(refusal(() => readAccount('0x12'))).toMatch(/40 hex digits/)
  })
})

describe('a Bitcoin receiver on the command line', () => {
  it('may be an address of any network, which the chain checks later, or a standard script', () => {
    for (const text of [
      'bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080',
      'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4',
      '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
      `0x5120${'ab'.repeat(32)}`,
    ])
      expect(readReceiver(text)).toBe(text)
  })
  it('is refused with a wrong checksum, and as a script that is not standard', () => {
    expect(refusal(() => readReceiver('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081'))).toMatch(/checksum/)
    expect(refusal(() => readReceiver('0x51'))).toMatch(/not standard/)
    expect(refusal(() => readReceiver('0x5'))).toMatch(/hex/)
  })
})

describe('other arguments', () => {
  it('are read with their bounds', () => {
    expect(readCount('--n', 1, 5)('5')).toBe(5)
    expect(readSeconds('--t', 0.2, 10)('0.25')).toBe(250)
    expect(readSats('1560')).toBe(1560n)
    expect(readId('7')).toBe(7n)
    expect(readTxid('AB'.repeat(32))).toBe('ab'.repeat(32))
    expect(readRefundKey('ab'.repeat(32))).toBe(`0x${'ab'.repeat(32)}`)
    expect(readL1('bitcoind')).toBe('bitcoind')
    expect(readL1('http://u:p@127.0.0.1:18443')).toBe('http://u:p@127.0.0.1:18443')
  })
  it('are refused outside them', () => {
    for (const text of ['0', '6', '1.5', '-1', 'x'])
      expect(refusal(() => readCount('--n', 1, 5)(text))).toMatch(/from 1 to 5/)
    expect(refusal(() => readSeconds('--t', 0.2, 10)('0.1'))).toMatch(/from 0.2 to 10 seconds/)
    expect(refusal(() => readSats('1.5'))).toMatch(/whole number of satoshis/)
    expect(refusal(() => readId('0'))).toMatch(/number of a withdrawal/)
    expect(refusal(() => readTxid('12'))).toMatch(/64 hex digits/)
    expect(refusal(() => readRefundKey(`02${'ab'.repeat(32)}`))).toMatch(/x-only/)
    expect(refusal(() => readL1('bitcoin'))).toMatch(/embedded, bitcoind or a URL/)
    expect(refusal(() => readUrl('--rpc', 'ws://127.0.0.1:8545'))).toMatch(/http/)
  })
  it('never repeat a private key that is refused', () => {
    expect(refusal(() => readPrivateKey('0xsecret'))).not.toMatch(/secret/)
  })
})
