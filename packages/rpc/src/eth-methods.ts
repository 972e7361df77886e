import {
  blockHash,
  decodeTransaction,
  effectiveTip,
  nextBaseFee,
  type CallOutcome,
  type CallRequest,
} from '@hawser/chain'
import { toHex, type Address, type Hex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, reverted, RpcCode, RpcError } from './errors.ts'
import { formatBlock, formatReceipt, formatTransaction } from './format.ts'
import { MAX_FEE_HISTORY } from './limits.ts'
import { getLogs, readLogFilter } from './log-filter.ts'
import type { Method } from './method.ts'
import {
  quantity,
  readAddress,
  readBytes,
  readHash,
  readObject,
  readQuantity,
  readStorageKey,
  required,
} from './params.ts'
import type { Subscriptions } from './subscriptions.ts'

/** The tip that makes a transaction welcome: a tenth of the least base fee. */
function suggestedTip(backend: RpcBackend): bigint {
  return BigInt(backend.spec.minBaseFeeWei) / 10n
}

export function ethMethods(
  backend: RpcBackend,
  reader: BlockReader,
  subscriptions: Subscriptions,
): Record<string, Method> {
  const { store, engine, pool, spec } = backend
  const head = () => reader.header('latest')
  const stateOf = (parameter: unknown) => engine.stateAt(reader.header(parameter))
  const located = (hash: unknown) => {
    const place = store.transactionLocation(readHash(hash, 'transaction hash'))
    const sealed = place && store.block(place.blockHash)
    return sealed && { block: sealed.block, index: place.index, hash: place.blockHash }
  }
  const transactionAt = (block: unknown, index: unknown) => {
    const found = reader.find(block)
    const place = Number(readQuantity(index, 'index'))
    const tx = found?.block.transactions[place]
    return found && tx ? formatTransaction(tx, found.block, place) : null
  }
  const receiptsOf = (block: unknown) => {
    const found = reader.find(block)
    if (!found) return null
    const receipts = store.receipts(blockHash(found.block)) ?? []
    return found.block.transactions.map((_, index) => formatReceipt(found.block, receipts, index))
  }
  const count = (block: unknown) => {
    const found = reader.find(block)
    return found ? quantity(found.block.transactions.length) : null
  }

  return {
    eth_chainId: () => quantity(spec.chainId),
    eth_blockNumber: () => quantity(store.pointers().head.number),
    eth_accounts: () => [],
    eth_coinbase: () => {
      throw new RpcError(RpcCode.server, 'the node has no account of its own')
    },
    eth_syncing: () => {
      const target = backend.syncTarget()
      const current = store.pointers().head.number
      return target === undefined
        ? false
        : {
            startingBlock: '0x0',
            currentBlock: quantity(current),
            highestBlock: quantity(target > current ? target : current),
          }
    },
    eth_gasPrice: () => quantity(nextBaseFee(spec, head()) + suggestedTip(backend)),
    eth_maxPriorityFeePerGas: () => quantity(suggestedTip(backend)),
    eth_blobBaseFee: () => '0x1',
    eth_feeHistory: (params) => feeHistory(backend, reader, params),
    eth_getBalance: async (params) => {
      const account = await stateOf(params[1]).account(readAddress(required(params, 0)))
      return quantity(account?.balance ?? 0n)
    },
    eth_getTransactionCount: async (params) => {
      const address = readAddress(required(params, 0))
      const nonce = (await stateOf(params[1]).account(address))?.nonce ?? 0n
      return quantity(params[1] === 'pending' ? pool.nextNonce(address, nonce) : nonce)
    },
    eth_getCode: async (params) => toHex(await stateOf(params[1]).code(readAddress(required(params, 0)))),
    eth_getStorageAt: async (params) =>
      toHex(await stateOf(params[2]).storage(readAddress(required(params, 0)), readStorageKey(required(params, 1)))),
    eth_call: async (params) => {
      const outcome = await engine.call(reader.header(params[1]), readCall(required(params, 0)))
      return toHex(outputOf(outcome))
    },
    eth_estimateGas: async (params) => {
      const header = reader.header(params[1])
      const request = readCall(required(params, 0))
      const estimate = await engine.estimateGas(header, request)
      if (typeof estimate !== 'bigint') outputOf(estimate)
      return quantity(estimate as bigint)
    },
    eth_sendRawTransaction: async (params) =>
      backend.submit(decodeTransaction(readBytes(required(params, 0), 'raw transaction'), backend.common)),
    eth_getBlockByNumber: (params) => {
      const hash = store.canonicalHash(reader.number(required(params, 0)))
      const sealed = hash && store.block(hash)
      return sealed ? formatBlock(sealed.block, params[1] === true) : null
    },
    eth_getBlockByHash: (params) => {
      const sealed = store.block(readHash(required(params, 0), 'block hash'))
      return sealed ? formatBlock(sealed.block, params[1] === true) : null
    },
    eth_getBlockTransactionCountByNumber: (params) => count(required(params, 0)),
    eth_getBlockTransactionCountByHash: (params) => count(readHash(required(params, 0))),
    eth_getUncleCountByBlockNumber: (params) => (reader.find(required(params, 0)) ? '0x0' : null),
    eth_getUncleCountByBlockHash: (params) => (reader.find(readHash(required(params, 0))) ? '0x0' : null),
    eth_getTransactionByHash: (params) => {
      const place = located(required(params, 0))
      const tx = place?.block.transactions[place.index]
      if (place && tx) return formatTransaction(tx, place.block, place.index)
      const pending = pool.get(readHash(params[0]))
      return pending ? formatTransaction(pending) : null
    },
    eth_getRawTransactionByHash: (params) => {
      const place = located(required(params, 0))
      const tx = place?.block.transactions[place.index] ?? pool.get(readHash(params[0]))
      return tx ? toHex(tx.serialize()) : null
    },
    eth_getTransactionByBlockHashAndIndex: (params) =>
      transactionAt(readHash(required(params, 0)), required(params, 1)),
    eth_getTransactionByBlockNumberAndIndex: (params) => transactionAt(required(params, 0), required(params, 1)),
    eth_getTransactionReceipt: (params) => {
      const place = located(required(params, 0))
      const receipts = place && store.receipts(place.hash)
      return place && receipts ? formatReceipt(place.block, receipts, place.index) : null
    },
    eth_getBlockReceipts: (params) => receiptsOf(required(params, 0)),
    eth_getLogs: (params) => getLogs(backend, reader, required(params, 0)),
    eth_newFilter: (params) => {
      const { fromBlock, toBlock } = readObject(required(params, 0), 'filter')
      return subscriptions.addFilter({ kind: 'logs', filter: readLogFilter(params[0]), range: { fromBlock, toBlock } })
    },
    eth_newBlockFilter: () => subscriptions.addFilter({ kind: 'newHeads' }, true),
    eth_newPendingTransactionFilter: () => subscriptions.addFilter({ kind: 'newPendingTransactions', whole: false }),
    eth_uninstallFilter: (params) => subscriptions.removeFilter(readId(params)),
    eth_getFilterChanges: (params) => subscriptions.changes(readId(params)),
    eth_getFilterLogs: (params) => {
      const interest = subscriptions.filterInterest(readId(params))
      if (interest.kind !== 'logs') throw new RpcError(RpcCode.server, 'filter is not a log filter')
      const { addresses, topics } = interest.filter
      return getLogs(backend, reader, { ...interest.range, address: [...addresses], topics: [...topics] })
    },
    eth_subscribe: (params, subscriber) => {
      if (!subscriber) throw new RpcError(RpcCode.server, 'notifications not supported: subscribe over WebSocket')
      return subscriptions.subscribe(subscriber, required(params, 0), params[1])
    },
    eth_unsubscribe: (params, subscriber) =>
      subscriber ? subscriptions.unsubscribe(subscriber, readId(params)) : false,
  }
}

function readId(params: readonly unknown[]): Hex {
  const id = required(params, 0)
  if (typeof id !== 'string' || !id.startsWith('0x')) throw invalidParams('an id is a hex string')
  return id as Hex
}

const CALL_FIELDS = new Set([
  'from',
  'to',
  'data',
  'input',
  'value',
  'gas',
  'gasPrice',
  'maxFeePerGas',
  'maxPriorityFeePerGas',
  'accessList',
  'nonce',
  'type',
  'chainId',
  'authorizationList',
])

/** A call object; unknown fields are ignored as Geth does, blobs are refused. */
function readCall(value: unknown): CallRequest {
  const call = readObject(value, 'transaction')
  if (call['blobs'] !== undefined || call['blobVersionedHashes'] !== undefined)
    throw invalidParams('blob transactions are refused on this chain')
  const optional = <T>(name: string, read: (field: unknown, what: string) => T): T | undefined =>
    CALL_FIELDS.has(name) && call[name] !== undefined && call[name] !== null ? read(call[name], name) : undefined
  const data = optional('data', readBytes)
  const input = optional('input', readBytes)
  if (data && input && toHex(data) !== toHex(input))
    throw invalidParams(
      'both "data" and "input" are set and not equal. Please use "input" to pass transaction call data',
    )
  const gasPrice = optional('gasPrice', readQuantity)
  const maxFee = optional('maxFeePerGas', readQuantity)
  if (gasPrice !== undefined && maxFee !== undefined)
    throw invalidParams('both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified')
  const accessList = optional('accessList', (field) => field)
  if (accessList !== undefined && !Array.isArray(accessList)) throw invalidParams('accessList must be a list')
  return {
    from: optional('from', readAddress),
    to: optional('to', readAddress),
    data: input ?? data,
    value: optional('value', readQuantity),
    gas: optional('gas', readQuantity),
    // A fee cap alone takes nothing from the caller of a simulation, as in Geth.
    gasPrice: gasPrice || undefined,
    accessList: (accessList as unknown[] | undefined)?.map((item) => {
      const entry = readObject(item, 'access list item')
      const keys = entry['storageKeys'] ?? []
      if (!Array.isArray(keys)) throw invalidParams('storageKeys must be a list')
      return {
        address: readAddress(entry['address']) as Address,
        storageKeys: keys.map((key) => readHash(key, 'storage key')),
      }
    }),
  }
}

function outputOf(outcome: CallOutcome): Uint8Array {
  if (outcome.kind === 'success') return outcome.output
  if (outcome.kind === 'revert') throw reverted(outcome.output, toHex(outcome.output))
  throw new RpcError(
    RpcCode.server,
    outcome.reason === 'insufficient balance' ? 'insufficient funds for transfer' : outcome.reason,
  )
}

function feeHistory(backend: RpcBackend, reader: BlockReader, params: readonly unknown[]) {
  const wanted = Number(readQuantity(required(params, 0), 'blockCount'))
  const newest = reader.number(params[1] ?? 'latest')
  const percentiles = (params[2] ?? []) as unknown
  if (!Array.isArray(percentiles) || percentiles.length > 100)
    throw invalidParams('rewardPercentiles must be a list of at most 100')
  percentiles.forEach((value, i) => {
    if (typeof value !== 'number' || value < 0 || value > 100)
      throw invalidParams(`invalid reward percentile: ${String(value)}`)
    if (i > 0 && value < (percentiles[i - 1] as number)) throw invalidParams('invalid reward percentile: not ascending')
  })
  const head = backend.store.pointers().head.number
  if (newest > head) throw new RpcError(RpcCode.server, `request beyond head block: requested ${newest}, head ${head}`)
  const count = Math.min(wanted, MAX_FEE_HISTORY, Number(newest) + 1)
  if (count === 0) return { oldestBlock: '0x0', gasUsedRatio: [] }
  const oldest = newest - BigInt(count) + 1n
  const baseFeePerGas: Hex[] = []
  const gasUsedRatio: number[] = []
  const reward: Hex[][] = []
  for (let number = oldest; number <= newest; number++) {
    const { block } = reader.find(quantity(number)) ?? {}
    if (!block) throw new RpcError(RpcCode.server, 'block not found')
    const { header } = block
    baseFeePerGas.push(quantity(header.baseFeePerGas ?? 0n))
    gasUsedRatio.push(Number(header.gasUsed) / Number(header.gasLimit))
    if (percentiles.length > 0) reward.push(rewards(backend, block, percentiles as number[]))
    if (number === newest) baseFeePerGas.push(quantity(nextBaseFee(backend.spec, header)))
  }
  return {
    oldestBlock: quantity(oldest),
    baseFeePerGas,
    gasUsedRatio,
    baseFeePerBlobGas: baseFeePerGas.map(() => '0x1'),
    blobGasUsedRatio: gasUsedRatio.map(() => 0),
    ...(percentiles.length > 0 ? { reward } : {}),
  }
}

/** Tips at percentiles of the gas that a block used. */
function rewards(
  backend: RpcBackend,
  block: NonNullable<ReturnType<BlockReader['find']>>['block'],
  percentiles: readonly number[],
): Hex[] {
  const receipts = backend.store.receipts(blockHash(block)) ?? []
  const baseFee = block.header.baseFeePerGas ?? 0n
  const items = block.transactions
    .map((tx, i) => ({
      tip: effectiveTip(tx, baseFee) > 0n ? effectiveTip(tx, baseFee) : 0n,
      gas: (receipts[i]?.cumulativeGasUsed ?? 0n) - (i > 0 ? (receipts[i - 1]?.cumulativeGasUsed ?? 0n) : 0n),
    }))
    .sort((a, b) => (a.tip < b.tip ? -1 : 1))
  return percentiles.map((percentile) => {
    const threshold = (block.header.gasUsed * BigInt(Math.round(percentile * 100))) / 10_000n
    let sum = 0n
    for (const item of items) {
      sum += item.gas
      if (sum >= threshold) return quantity(item.tip)
    }
    return '0x0'
  })
}
