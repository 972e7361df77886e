import { RLP } from '@ethereumjs/rlp'
import {
  createAccessList2930Tx,
  createEOACode7702Tx,
  createFeeMarket1559Tx,
  createLegacyTx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import { describe, expect, it } from 'vitest'
import { concatBytes, equalBytes, keccak256, toHex, utf8, type Address, type Hash32 } from '@hawser/primitives'
import { createCommon } from './common.ts'
import { SenderCache } from './sender-cache.ts'
import { recoverSenders } from './sender-recovery.ts'
import { signatureRecord } from './signature-record.ts'
import { decodeTransaction, knownSender, recoverable, senderOf } from './transaction.ts'

const common = createCommon(18443)
const key = keccak256(utf8('signer'))
const to = `0x${'aa'.repeat(20)}` as const
const fields = (nonce: bigint) => ({ nonce, gasLimit: 100_000n, to, value: 7n, data: new Uint8Array(80).fill(9) })

/** One of each type, with nonces that change the lengths of r and s. */
function* transactions(): Generator<TypedTransaction> {
  for (let nonce = 0n; nonce < 40n; nonce++) {
    const f = fields(nonce)
    yield createLegacyTx({ ...f, gasPrice: 5n }, { common }).sign(key)
    yield createAccessList2930Tx(
      { ...f, gasPrice: 5n, accessList: [{ address: to, storageKeys: [] }] },
      { common },
    ).sign(key)
    yield createFeeMarket1559Tx({ ...f, maxFeePerGas: 5n }, { common }).sign(key)
  }
  const authorization = [{ chainId: '0x480b', address: to, nonce: '0x', yParity: '0x', r: '0x1', s: '0x1' }] as never
  yield createEOACode7702Tx({ ...fields(1n), maxFeePerGas: 5n, authorizationList: authorization }, { common }).sign(key)
}

describe('signatureRecord', () => {
  it('cuts the digest that was signed, and the signature, out of every type of transaction', () => {
    for (const tx of transactions()) {
      const record = signatureRecord(tx, tx.serialize())
      const digest = tx.type === 0 ? keccak256(RLP.encode(tx.getMessageToSign() as never)) : tx.getHashedMessageToSign()
      expect(toHex(record.subarray(0, 32))).toBe(toHex(digest))
      expect(BigInt(toHex(record.subarray(32, 64)))).toBe(tx.r)
      expect(BigInt(toHex(record.subarray(64, 96)))).toBe(tx.s)
      expect(senderOf(tx)).toBe(tx.getSenderAddress().toString())
    }
  })

  it('reads signatures without a chain id, from before EIP-155', () => {
    const old = new Common({ chain: Mainnet, hardfork: Hardfork.Homestead })
    const tx = createLegacyTx({ ...fields(3n), gasPrice: 5n }, { common: old }).sign(key)
    expect([27n, 28n]).toContain(tx.v)
    expect(senderOf(decodeTransaction(tx.serialize(), common))).toBe(tx.getSenderAddress().toString())
  })
})

describe('recoverSenders', () => {
  it('finds in threads what the main thread finds, and passes over what has no sender', async () => {
    const all = [...transactions()]
    const wrong = decodeTransaction(withR(all[2] as TypedTransaction, new Uint8Array(32).fill(0xff)), common)
    await recoverSenders([...all, wrong])
    expect(all.map(knownSender)).toEqual(all.map((tx) => tx.getSenderAddress().toString()))
    expect(knownSender(wrong)).toBeUndefined()
    expect(() => senderOf(wrong)).toThrow('invalid sender')
  })

  it('knows the sender of a transaction that comes again as another object', async () => {
    const [first] = transactions() as Iterable<TypedTransaction>
    const again = decodeTransaction((first as TypedTransaction).serialize(), common)
    await recoverSenders([first as TypedTransaction])
    expect(knownSender(again)).toBe(senderOf(first as TypedTransaction))
  })
})

describe('decodeTransaction, on what has two encodings', () => {
  it('refuses a chain id with leading zeros: its hash would be another', () => {
    const tx = createFeeMarket1559Tx({ ...fields(0n), maxFeePerGas: 5n }, { common }).sign(key)
    const raw = tx.raw() as Uint8Array[]
    raw[0] = concatBytes(Uint8Array.of(0), raw[0] as Uint8Array)
    expect(() => decodeTransaction(concatBytes(Uint8Array.of(2), RLP.encode(raw)), common)).toThrow('leading zeros')
  })

  it('refuses a high s, which EIP-2 forbids', () => {
    const tx = createLegacyTx({ ...fields(0n), gasPrice: 5n }, { common }).sign(key)
    const raw = tx.raw() as Uint8Array[]
    raw[8] = new Uint8Array(32).fill(0xf0)
    expect(() => recoverable(decodeTransaction(RLP.encode(raw), common))).toThrow(/s-values|upper half/)
  })

  it('does not depend on the buffer that it was given', () => {
    const bytes = createLegacyTx({ ...fields(0n), gasPrice: 5n }, { common })
      .sign(key)
      .serialize()
    const tx = decodeTransaction(bytes, common)
    const before = Uint8Array.from(tx.data)
    bytes.fill(0)
    expect(equalBytes(tx.data, before)).toBe(true)
  })
})

describe('SenderCache', () => {
  it('forgets the older half when it is full, never more', () => {
    const cache = new SenderCache(4)
    const hash = (n: number) => `0x${n}` as Hash32
    for (let n = 0; n < 5; n++) cache.set(hash(n), `0xa${n}` as Address)
    expect([0, 1, 2, 3, 4].map((n) => cache.get(hash(n)))).toEqual(
      ['0xa0', '0xa1', '0xa2', '0xa3', '0xa4'].map((a, n) => (n < 2 ? undefined : a)),
    )
  })
})

function withR(tx: TypedTransaction, r: Uint8Array): Uint8Array {
  const raw = tx.raw() as Uint8Array[]
  raw[raw.length - 2] = r
  return concatBytes(Uint8Array.of(tx.type), RLP.encode(raw as never))
}
