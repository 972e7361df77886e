import { createAddressFromString, createWithdrawal } from '@ethereumjs/util'
import { effectiveTip } from '@hawser/chain'
import { concatBytes } from '@hawser/primitives'
import type { BlockBuilder } from '@hawser/rpc'
import type { ImportedChain } from './imported-chain.ts'

/** Builds blocks on an imported chain without importing them: what testing_buildBlockV1 asks for. */
export class PayloadBuilder implements BlockBuilder {
  readonly #chain: ImportedChain

  constructor(chain: ImportedChain) {
    this.#chain = chain
  }

  async build(request: Parameters<BlockBuilder['build']>[0]) {
    const { engine, pool } = this.#chain
    const { parent, withdrawals, transactions, ...attributes } = request
    const taken = transactions
      ? transactions.map((raw) => this.#chain.decodeTransaction(raw))
      : [...pool.ready(parent.calcNextBaseFee())]
    const { block, executed, requests } = await engine.buildPayload(
      parent,
      {
        ...attributes,
        withdrawals: withdrawals.map((item) =>
          createWithdrawal({ ...item, address: createAddressFromString(item.address) }),
        ),
      },
      taken,
    )
    const baseFee = block.header.baseFeePerGas ?? 0n
    let value = 0n
    executed.receipts.forEach(({ cumulativeGasUsed }, i) => {
      const tx = block.transactions[i]
      if (tx)
        value += effectiveTip(tx, baseFee) * (cumulativeGasUsed - (executed.receipts[i - 1]?.cumulativeGasUsed ?? 0n))
    })
    return { block, value, requests: requests.map(({ type, data }) => concatBytes(Uint8Array.of(type), data)) }
  }
}
