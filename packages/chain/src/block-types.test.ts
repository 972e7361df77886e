import { createBlock } from '@ethereumjs/block'
import { createAccessList2930Tx, createFeeMarket1559Tx, createLegacyTx } from '@ethereumjs/tx'
import { keccak256, toHex, utf8 } from '@hawser/primitives'
import { expect, it } from 'vitest'
import { encodedBlock } from './block-types.ts'
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
