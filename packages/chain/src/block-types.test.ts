import { createBlock } from '@ethereumjs/block'
import { createAccessList2930Tx, createFeeMarket1559Tx, createLegacyTx } from '@ethereumjs/tx'
import { RLP, type Input as RlpInput } from '@ethereumjs/rlp'
import { keccak256, toHex, utf8 } from '@hawser/primitives'
import { expect, it } from 'vitest'
import { decodeSealedBlock, decodeSealedHeader, encodedBlock, encodeSealedBlock } from './block-types.ts'
import { createCommon } from './common.ts'

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

it('refuses lists in lists before anything is decoded, in the block and within its transactions', () => {
  const common = createCommon(18443)
  const block = createBlock({ header: { number: 1n }, withdrawals: [] }, { common, setHardfork: false })
  const [header, , ommers, withdrawals] = RLP.decode(block.serialize()) as unknown as [[], [], [], []]
  const sealed = (transactions: RlpInput) =>
    RLP.encode([[header, transactions, ommers, withdrawals], new Uint8Array(65)])
  let deep: RlpInput = []
  for (let level = 0; level < 8; level++) deep = [deep]
  const why = 'more than 8 lists in one another'
  expect(() => decodeSealedBlock(sealed([deep]), common)).toThrow(why)
  for (const type of [1, 2, 4])
    expect(() => decodeSealedBlock(sealed([Uint8Array.of(type, ...RLP.encode(deep))]), common)).toThrow(why)
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
