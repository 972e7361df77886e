import type { Block } from '@ethereumjs/block'
import { blockHash, effectiveTip } from '@hawser/chain'
import type { Hex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { MAX_FEE_HISTORY } from './limits.ts'
import type { Methods } from './method.ts'
import { quantity, readList, readQuantity, required, type Params } from './params.ts'
import { Turns } from './turns.ts'

const MAX_PERCENTILES = 100

/** The methods that tell what transactions cost. */
export function ethFeeMethods(backend: RpcBackend, reader: BlockReader): Methods {
  const { chain } = backend
  const head = () => reader.header('latest')
  return {
    eth_gasPrice: () => quantity((chain.nextBaseFee(head()) ?? 0n) + chain.suggestedTip(head())),
    eth_baseFee: () => {
      const fee = chain.nextBaseFee(head())
      return fee === undefined ? null : quantity(fee)
    },
    eth_maxPriorityFeePerGas: () => quantity(chain.suggestedTip(head())),
    eth_blobBaseFee: () => {
      const fee = chain.nextBlobBaseFee(head())
      return fee === undefined ? null : quantity(fee)
    },
    eth_feeHistory: (params) => feeHistory(backend, reader, params),
  }
}

function readPercentiles(value: unknown): number[] {
  const percentiles = readList(value, 'rewardPercentiles', MAX_PERCENTILES)
  percentiles.forEach((item, i) => {
    if (typeof item !== 'number' || !(item >= 0 && item <= 100))
      throw invalidParams(`invalid reward percentile: ${String(item).slice(0, 40)}`)
    if (i > 0 && item < (percentiles[i - 1] as number)) throw invalidParams('invalid reward percentile: not ascending')
  })
  return percentiles as number[]
}

async function feeHistory(backend: RpcBackend, reader: BlockReader, params: Params) {
  const { chain, store } = backend
  const wanted = readQuantity(required(params, 0), 'blockCount')
  const newest = reader.number(params[1] ?? 'latest')
  const percentiles = readPercentiles(params[2])
  const head = store.pointers().head.number
  if (newest > head) throw new RpcError(RpcCode.server, `request beyond head block: requested ${newest}, head ${head}`)
  const count = Number([wanted, BigInt(MAX_FEE_HISTORY), newest + 1n].reduce((a, b) => (a < b ? a : b)))
  if (count === 0) return { oldestBlock: '0x0', gasUsedRatio: [] }
  const oldest = newest - BigInt(count) + 1n
  const baseFeePerGas: Hex[] = []
  const baseFeePerBlobGas: Hex[] = []
  const gasUsedRatio: number[] = []
  const blobGasUsedRatio: number[] = []
  const reward: Hex[][] = []
  const turns = new Turns()
  for (let number = oldest; number <= newest; number++) {
    await turns.next()
    const { block } = reader.find(quantity(number)) ?? {}
    if (!block) throw new RpcError(RpcCode.server, 'block not found')
    const { header } = block
    const blobs = header.excessBlobGas !== undefined
    baseFeePerGas.push(quantity(header.baseFeePerGas ?? 0n))
    baseFeePerBlobGas.push(quantity(blobs ? header.getBlobGasPrice() : 0n))
    gasUsedRatio.push(Number(header.gasUsed) / Number(header.gasLimit))
    blobGasUsedRatio.push(
      blobs ? Number(header.blobGasUsed ?? 0n) / Number(header.common.param('maxBlobGasPerBlock')) : 0,
    )
    if (percentiles.length > 0) reward.push(rewards(backend, block, percentiles))
    if (number < newest) continue
    baseFeePerGas.push(quantity(chain.nextBaseFee(header) ?? 0n))
    baseFeePerBlobGas.push(quantity(chain.nextBlobBaseFee(header) ?? 0n))
  }
  return {
    oldestBlock: quantity(oldest),
    baseFeePerGas,
    gasUsedRatio,
    baseFeePerBlobGas,
    blobGasUsedRatio,
    ...(percentiles.length > 0 ? { reward } : {}),
  }
}

/** Tips at percentiles of the gas that a block used. */
function rewards(backend: RpcBackend, block: Block, percentiles: readonly number[]): Hex[] {
  const receipts = backend.store.receipts(blockHash(block)) ?? []
  const baseFee = block.header.baseFeePerGas ?? 0n
  const items = block.transactions
    .map((tx, i) => {
      const tip = effectiveTip(tx, baseFee)
      return {
        tip: tip > 0n ? tip : 0n,
        gas: (receipts[i]?.cumulativeGasUsed ?? 0n) - (i > 0 ? (receipts[i - 1]?.cumulativeGasUsed ?? 0n) : 0n),
      }
    })
    .sort((a, b) => (a.tip < b.tip ? -1 : a.tip > b.tip ? 1 : 0))
  return percentiles.map((percentile) => {
    // In floating point, as Geth does it.
    const threshold = BigInt(Math.floor((Number(block.header.gasUsed) * percentile) / 100))
    let sum = 0n
    for (const item of items) {
      sum += item.gas
      if (sum >= threshold) return quantity(item.tip)
    }
    return '0x0'
  })
}
