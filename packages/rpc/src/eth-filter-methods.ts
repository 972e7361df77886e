import type { Hex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import type { RpcLimits } from './limits.ts'
import { getLogs, readLogFilter } from './log-filter.ts'
import type { Methods } from './method.ts'
import { readObject, required, type Params } from './params.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Logs, filters and subscriptions. */
export function ethFilterMethods(
  backend: RpcBackend,
  reader: BlockReader,
  subscriptions: Subscriptions,
  limits: RpcLimits,
): Methods {
  return {
    eth_getLogs: (params) => getLogs(backend, reader, required(params, 0), limits),
    eth_newFilter: (params) => {
      const { fromBlock, toBlock } = readObject(required(params, 0), 'filter')
      for (const end of [fromBlock, toBlock]) if (end !== undefined && end !== null) reader.number(end)
      return subscriptions.addFilter({ kind: 'logs', filter: readLogFilter(params[0]), range: { fromBlock, toBlock } })
    },
    eth_newBlockFilter: () => subscriptions.addFilter({ kind: 'newHeads' }, true),
    eth_newPendingTransactionFilter: (params) =>
      subscriptions.addFilter({ kind: 'newPendingTransactions', whole: params[0] === true }),
    eth_uninstallFilter: (params) => subscriptions.removeFilter(readId(params)),
    eth_getFilterChanges: (params) => subscriptions.changes(readId(params)),
    eth_getFilterLogs: (params) => {
      const interest = subscriptions.filterInterest(readId(params))
      if (interest.kind !== 'logs') throw new RpcError(RpcCode.server, 'filter is not a log filter')
      const address = [...interest.filter.addresses]
      const topics = interest.filter.topics.map((choices) => choices && [...choices])
      return getLogs(backend, reader, { ...interest.range, address, topics }, limits)
    },
    eth_subscribe: (params, { subscriber }) => {
      if (!subscriber) throw new RpcError(RpcCode.server, 'notifications not supported: subscribe over WebSocket')
      return subscriptions.subscribe(subscriber, required(params, 0), params[1])
    },
    eth_unsubscribe: (params, { subscriber }) => {
      const id = readId(params)
      return subscriber ? subscriptions.unsubscribe(subscriber, id) : false
    },
  }
}

function readId(params: Params): Hex {
  const id = required(params, 0)
  if (typeof id !== 'string' || !id.startsWith('0x')) throw invalidParams('an id is a hex string')
  return id as Hex
}
