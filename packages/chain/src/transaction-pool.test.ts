import { RLP } from '@ethereumjs/rlp'
import { createFeeMarket1559Tx, createLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import { describe, expect, it } from 'vitest'
import { keccak256, utf8, type Address } from '@hawser/primitives'
import { createCommon } from './common.ts'
import { decodeTransaction, senderOf, transactionHash } from './transaction.ts'
import { MAX_POOL_BYTES, MAX_SENDER_GAPPED, MAX_SENDER_TRANSACTIONS, TransactionPool } from './transaction-pool.ts'

const common = createCommon(18443)
const key = (name: string) => keccak256(utf8(name))
const MIN_FEE = 1_000_000n
const RICH = { nonce: 0n, balance: 10n ** 18n }
const GAS_LIMIT = 30_000_000n
const to = '0x00000000000000000000000000000000000000aa'

function transfer(from: string, nonce: bigint, fee = { max: 2_000_000n, tip: 100_000n }, value = 1n): TypedTransaction {
  return createFeeMarket1559Tx(
    { nonce, gasLimit: 21_000n, to, value, maxFeePerGas: fee.max, maxPriorityFeePerGas: fee.tip, chainId: 18443n },
    { common },
  ).sign(key(from))
}
const newPool = (sessionKeys: Address[] = []) => new TransactionPool({ sessionKeys, minFeePerGas: MIN_FEE })

describe('TransactionPool', () => {
  it('gives ready transactions by tip, each sender’s in order of nonce', () => {
    const pool = newPool()
    const a0 = transfer('a', 0n, { max: 5_000_000n, tip: 10n })
    const a1 = transfer('a', 1n, { max: 5_000_000n, tip: 900_000n })
    const b0 = transfer('b', 0n, { max: 5_000_000n, tip: 500_000n })
    for (const tx of [a1, a0, b0]) pool.add(tx, RICH, GAS_LIMIT)
    expect([...pool.ready(MIN_FEE)]).toEqual([b0, a0, a1])
  })

  it('refuses what a validator’s session key sends, of whichever set is in force', () => {
    const sender = senderOf(transfer('a', 0n))
    const pool = newPool([sender])
    expect(() => pool.add(transfer('a', 0n), RICH, GAS_LIMIT)).toThrow(/session key/)
    pool.setSessionKeys([senderOf(transfer('b', 0n))])
    pool.add(transfer('a', 0n), RICH, GAS_LIMIT)
    expect(() => pool.add(transfer('b', 0n), RICH, GAS_LIMIT)).toThrow(/session key/)
  })

  it('keeps back what comes after a gap until the gap is filled', () => {
    const pool = newPool()
    pool.add(transfer('a', 1n), RICH, GAS_LIMIT)
    expect([...pool.ready(MIN_FEE)]).toEqual([])
    pool.add(transfer('a', 0n), RICH, GAS_LIMIT)
    expect([...pool.ready(MIN_FEE)].map((tx) => tx.nonce)).toEqual([0n, 1n])
    expect(pool.nextNonce(senderOf(transfer('a', 0n)), 0n)).toBe(2n)
  })

  it('keeps back what cannot pay the base fee', () => {
    const pool = newPool()
    pool.add(transfer('a', 0n, { max: 1_500_000n, tip: 1n }), RICH, GAS_LIMIT)
    expect([...pool.ready(1_500_001n)]).toEqual([])
    expect([...pool.ready(1_500_000n)]).toHaveLength(1)
  })

  it('takes a replacement only for a tenth more, of fee and tip', () => {
    const pool = newPool()
    pool.add(transfer('a', 0n, { max: 2_000_000n, tip: 100_000n }), RICH, GAS_LIMIT)
    expect(() => pool.add(transfer('a', 0n, { max: 2_199_999n, tip: 200_000n }), RICH, GAS_LIMIT)).toThrow(
      'replacement transaction underpriced',
    )
    expect(() => pool.add(transfer('a', 0n, { max: 2_200_000n, tip: 109_999n }), RICH, GAS_LIMIT)).toThrow(
      'replacement transaction underpriced',
    )
    const better = transfer('a', 0n, { max: 2_200_000n, tip: 110_000n })
    pool.add(better, RICH, GAS_LIMIT)
    expect([...pool.ready(MIN_FEE)]).toEqual([better])
    expect(pool.size).toBe(1)
  })

  it('refuses with Geth’s words: known, low nonce, no funds, underpriced, too little gas, too much gas', () => {
    const pool = newPool()
    const tx = transfer('a', 0n)
    pool.add(tx, RICH, GAS_LIMIT)
    expect(() => pool.add(tx, RICH, GAS_LIMIT)).toThrow('already known')
    expect(() => pool.add(transfer('a', 3n), { ...RICH, nonce: 5n }, GAS_LIMIT)).toThrow(
      'nonce too low: next nonce 5, tx nonce 3',
    )
    expect(() => pool.add(transfer('b', 0n), { nonce: 0n, balance: 100n }, GAS_LIMIT)).toThrow(
      'insufficient funds for gas * price + value',
    )
    expect(() => pool.add(transfer('b', 0n, { max: MIN_FEE - 1n, tip: 0n }), RICH, GAS_LIMIT)).toThrow(
      'transaction underpriced',
    )
    expect(() => pool.add(transfer('b', 0n), RICH, 20_999n)).toThrow('exceeds block gas limit')
    const light = createLegacyTx({ nonce: 0n, gasLimit: 20_999n, to, gasPrice: MIN_FEE }, { common }).sign(key('b'))
    expect(() => pool.add(light, RICH, GAS_LIMIT)).toThrow('intrinsic gas too low')
    expect(pool.size).toBe(1)
  })

  it('refuses paid transactions of session keys and anything with gas price 0', () => {
    const tx = transfer('validator', 0n)
    expect(() => newPool([senderOf(tx)]).add(tx, RICH, GAS_LIMIT)).toThrow('session key')
    const free = createLegacyTx({ nonce: 0n, gasLimit: 21_000n, to, gasPrice: 0n }, { common }).sign(key('a'))
    expect(() => newPool().add(free, RICH, GAS_LIMIT)).toThrow('gas price 0 is for inherents alone')
  })

  it('lets go of what was included and of what the balance no longer pays for', () => {
    const pool = newPool()
    for (const nonce of [0n, 1n, 2n]) pool.add(transfer('a', nonce), RICH, GAS_LIMIT)
    const sender = senderOf(transfer('a', 0n))
    pool.update(sender, { nonce: 2n, balance: RICH.balance })
    expect(pool.size).toBe(1)
    pool.update(sender, { nonce: 2n, balance: 0n })
    expect(pool.size).toBe(0)
    expect(pool.follows(sender)).toBe(false)
  })

  it('holds a bounded number of one sender’s transactions', () => {
    const pool = newPool()
    const rich = { nonce: 0n, balance: 10n ** 30n }
    for (let nonce = 0; nonce < MAX_SENDER_TRANSACTIONS; nonce++)
      pool.add(transfer('a', BigInt(nonce)), rich, GAS_LIMIT)
    expect(() => pool.add(transfer('a', BigInt(MAX_SENDER_TRANSACTIONS)), rich, GAS_LIMIT)).toThrow('txpool is full')
  })
})

describe('a pool under attack', () => {
  const COST = 21_000n * 2_000_000n + 1n

  it('does not take more from a sender than its balance covers together', () => {
    const pool = newPool()
    const account = { nonce: 0n, balance: 2n * COST }
    pool.add(transfer('a', 0n), account, GAS_LIMIT)
    pool.add(transfer('a', 1n), account, GAS_LIMIT)
    expect(() => pool.add(transfer('a', 2n), account, GAS_LIMIT)).toThrow('with its transactions in the pool')
    pool.update(senderOf(transfer('a', 0n)), { nonce: 1n, balance: 2n * COST })
    pool.add(transfer('a', 2n), { nonce: 1n, balance: 2n * COST }, GAS_LIMIT)
    expect(pool.size).toBe(2)
  })

  it('keeps few of a sender’s transactions behind a gap', () => {
    const pool = newPool()
    for (let nonce = 1; nonce <= MAX_SENDER_GAPPED; nonce++) pool.add(transfer('a', BigInt(nonce)), RICH, GAS_LIMIT)
    expect(() => pool.add(transfer('a', 500n), RICH, GAS_LIMIT)).toThrow('wait for nonce 0 already')
    pool.add(transfer('a', 0n), RICH, GAS_LIMIT)
    expect([...pool.ready(MIN_FEE)]).toHaveLength(MAX_SENDER_GAPPED + 1)
  })

  it('gives the place of what waits behind a gap, and of what pays less, to what pays more', () => {
    const pool = newPool()
    const large = (from: string, nonce: bigint, max: bigint) =>
      createFeeMarket1559Tx(
        { nonce, gasLimit: 6_000_000n, to, data: new Uint8Array(120_000), maxFeePerGas: max, chainId: 18443n },
        { common },
      ).sign(key(from))
    const fits = Math.floor(MAX_POOL_BYTES / large('a', 0n, 2_000_000n).serialize().length)
    pool.add(large('gapped', 5n, 9_000_000n), RICH, GAS_LIMIT)
    for (let i = 1; i < fits; i++)
      pool.add(large(`s${i % 8}`, BigInt(Math.floor((i - 1) / 8)), 3_000_000n), RICH, GAS_LIMIT)
    const gapped = transactionHash(large('gapped', 5n, 9_000_000n))
    expect(pool.has(gapped)).toBe(true)
    pool.add(large('fresh', 0n, 3_000_000n), RICH, GAS_LIMIT)
    expect(pool.has(gapped)).toBe(false)
    expect(() => pool.add(large('poor', 0n, 3_000_000n), RICH, GAS_LIMIT)).toThrow('txpool is full')
    pool.add(large('better', 0n, 3_000_001n), RICH, GAS_LIMIT)
    expect(pool.size).toBe(fits)
  })
})

describe('decodeTransaction', () => {
  it('gives back what was signed', () => {
    const tx = transfer('a', 7n)
    const decoded = decodeTransaction(tx.serialize(), common)
    expect(decoded.nonce).toBe(7n)
    expect(senderOf(decoded)).toBe(senderOf(tx))
  })

  it('names what is wrong: empty, oversized, blob, another chain, garbage', () => {
    expect(() => decodeTransaction(new Uint8Array(), common)).toThrow('empty')
    expect(() => decodeTransaction(new Uint8Array(128 * 1024 + 1), common)).toThrow('oversized')
    expect(() => decodeTransaction(Uint8Array.of(3, 0xc0), common)).toThrow('blob')
    const foreign = createLegacyTx(
      { nonce: 0n, gasLimit: 21_000n, to, gasPrice: 1n },
      { common: createCommon(1) },
    ).sign(key('a'))
    expect(() => decodeTransaction(foreign.serialize(), common)).toThrow(
      'invalid chain id for signer: have 1 want 18443',
    )
    expect(() => decodeTransaction(Uint8Array.of(0xde, 0xad, 0xbe, 0xef), common)).toThrow('malformed')
  })

  it('refuses more gas than EIP-7825 allows', () => {
    const raw = createFeeMarket1559Tx(
      { nonce: 0n, gasLimit: 21_000n, to, maxFeePerGas: 1n, chainId: 18443n },
      { common },
    )
      .sign(key('a'))
      .raw()
    raw[4] = Uint8Array.of(1, 0, 0, 1)
    expect(() => decodeTransaction(rlpTyped(2, raw), common)).toThrow('EIP-7825')
  })
})

function rlpTyped(type: number, fields: unknown): Uint8Array {
  const body = RLP.encode(fields as never)
  const bytes = new Uint8Array(1 + body.length)
  bytes[0] = type
  bytes.set(body, 1)
  return bytes
}
