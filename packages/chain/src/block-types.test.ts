import { createBlock } from '@ethereumjs/block'
import { createAccessList2930Tx, createFeeMarket1559Tx, createLegacyTx } from '@ethereumjs/tx'
import { RLP, type Input as RlpInput } from '@ethereumjs/rlp'
import { concatBytes, keccak256, toHex, utf8 } from '@hawser/primitives'
import { crumbs, fuzzDecoder, nestedBomb } from '@hawser/primitives/testing'
import { expect, it } from 'vitest'
import {
  decodeSealedBlock,
  decodeSealedHeader,
  encodedBlock,
  encodeSealedBlock,
  MAX_BLOCK_BYTES,
} from './block-types.ts'
import { createCommon } from './common.ts'
import { decodeTransaction, MAX_TRANSACTION_BYTES } from './transaction.ts'

it('encodes a block as EthereumJS does, whatever types its transactions have', () => {
  const common = createCommon(18443)
  const key = keccak256(utf8('key'))
  const long = { gasLimit: 100_000n, data: new Uint8Array(300).fill(7) }
  const transactions = [
    createLegacyTx({ ...long, gasPrice: 7n }, { common }).sign(key),
    createAccessList2930Tx({ gasLimit: 21_000n, gasPrice: 7n, nonce: 1n, chainId: 18443n }, { common }).sign(key),
    createFeeMarket1559Tx({ ...long, maxFeePerGas: 9n, nonce: 2n, chainId: 18443n }, { common }).sign(key),
  ]
  for (const list of [[], transactions.slice(0, 1), transactions]) {
    const block = createBlock(
      { header: { number: 1n }, transactions: list, withdrawals: [] },
      { common, setHardfork: false },
    )
    expect(toHex(encodedBlock(block))).toBe(toHex(block.serialize()))
  }
})

it('decodes what it encodes, whatever types the transactions have, and refuses what is no block', () => {
  const common = createCommon(18443)
  const key = keccak256(utf8('key'))
  const base = { gasLimit: 30_000n, maxFeePerGas: 9n, chainId: 18443n }
  const transactions = [
    createFeeMarket1559Tx({ ...base, to: `0x${'11'.repeat(20)}`, value: 5n }, { common }).sign(key),
    createFeeMarket1559Tx({ ...base, gasLimit: 90_000n, nonce: 1n, data: '0x6001' }, { common }).sign(key),
    createLegacyTx({ gasLimit: 21_000n, gasPrice: 7n, nonce: 2n }, { common }).sign(key),
  ]
  const block = createBlock({ header: { number: 1n }, transactions, withdrawals: [] }, { common, setHardfork: false })
  const seal = new Uint8Array(65).fill(3)
  const bytes = encodeSealedBlock({ block, seal })
  const decoded = decodeSealedBlock(bytes, common)
  expect(toHex(decoded.block.serialize())).toBe(toHex(block.serialize()))
  expect(toHex(encodedBlock(decoded.block))).toBe(toHex(block.serialize()))
  expect(decoded.seal).toEqual(seal)
  const [header, txs, ommers, withdrawals] = RLP.decode(block.serialize()) as unknown as [[], [], [], []]
  const refused: [string, RlpInput][] = [
    ['no list of transactions', [header, new Uint8Array(1), ommers, withdrawals]],
    ['a transaction that is none', [header, [Uint8Array.of(2, 0xc0)], ommers, withdrawals]],
    ['an unknown type', [header, [Uint8Array.of(9, 0xc0)], ommers, withdrawals]],
    ['no withdrawals', [header, txs, ommers]],
    ['a part too many', [header, txs, ommers, withdrawals, [], []]],
    ['an ommer', [header, txs, [header], withdrawals]],
  ]
  for (const [what, body] of refused)
    expect(() => decodeSealedBlock(RLP.encode([body, seal]), common), what).toThrow('malformed block')
})

it('takes the block with the most items for its bytes, and none that is made to cost more', () => {
  const common = createCommon(18443)
  const key = keccak256(utf8('key'))
  const smallest = createLegacyTx({ gasLimit: 53_000n, gasPrice: 7n, data: Uint8Array.of(1) }, { common }).sign(key)
  const options = { common, setHardfork: false } as const
  const transactions = Array<typeof smallest>(2_000).fill(smallest)
  const block = createBlock({ header: { number: 1n }, transactions, withdrawals: [] }, options)
  const seal = new Uint8Array(65)
  expect(decodeSealedBlock(encodeSealedBlock({ block, seal }), common).block.transactions).toHaveLength(2_000)

  const [header, , ommers, withdrawals] = RLP.decode(block.serialize()) as unknown as [[], [], [], []]
  const withBody = (item: RlpInput) => RLP.encode([[header, [item], ommers, withdrawals], seal])
  // A typed transaction is bytes in a block, which are looked into on their own.
  for (const type of [1, 2, 4])
    for (const [made, why] of [
      [nestedBomb(1_000_000), 'nest deeper'],
      [crumbs(1_000_000), 'more items'],
    ] as const)
      expect(() => decodeSealedBlock(withBody(concatBytes(Uint8Array.of(type), made)), common), why).toThrow(why)
  fuzzDecoder({
    recode: (bytes) => void decodeSealedBlock(bytes, common),
    valid: withBody(smallest.raw() as never),
    maxBytes: MAX_BLOCK_BYTES,
    codes: ['BLOCK_MALFORMED'],
    numRuns: 500,
  })
})

it('takes the transaction with the most items for its bytes, and none that is made to cost more', () => {
  const common = createCommon(18443)
  const accessList = Array.from({ length: 5_500 }, () => ({
    address: `0x${'11'.repeat(20)}` as const,
    storageKeys: [],
  }))
  const densest = createAccessList2930Tx(
    { gasLimit: 16_000_000n, gasPrice: 7n, chainId: 18443n, accessList },
    { common },
  )
  const bytes = densest.sign(keccak256(utf8('key'))).serialize()
  expect(decodeTransaction(bytes, common).type).toBe(1)
  for (const type of [[], [1], [2], [4]])
    for (const [made, why] of [
      [nestedBomb(MAX_TRANSACTION_BYTES - 8), 'nest deeper'],
      [crumbs(MAX_TRANSACTION_BYTES - 8), 'more items'],
    ] as const)
      expect(() => decodeTransaction(concatBytes(Uint8Array.from(type), made), common), why).toThrow(why)
})

it('reads the header of a stored block without its body', () => {
  const common = createCommon(18443)
  const tx = createLegacyTx({ gasLimit: 100_000n, gasPrice: 7n, data: new Uint8Array(300) }, { common })
  // Bodies whose heads have one, two and three bytes.
  for (const count of [0, 1, 10, 300]) {
    const transactions = new Array(count).fill(tx.sign(keccak256(utf8('key'))))
    const block = createBlock(
      {
        header: { number: 7n, timestamp: 3_000n, extraData: new Uint8Array(count > 0 ? 32 : 0) },
        transactions,
        withdrawals: [],
      },
      { common, setHardfork: false },
    )
    const header = decodeSealedHeader(encodeSealedBlock({ block, seal: new Uint8Array(65).fill(1) }), common)
    expect(toHex(header.hash()), `${count} transactions`).toBe(toHex(block.hash()))
    expect(header.number).toBe(7n)
  }
})
