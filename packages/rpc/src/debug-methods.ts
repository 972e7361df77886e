import { blockHash, encodeReceipt, type InspectionLimits } from '@hawser/chain'
import { toHex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { readCall, readTraceConfig, type TraceRequest } from './call-params.ts'
import { RpcCode, RpcError } from './errors.ts'
import { noAccessList } from './eth-block-methods.ts'
import type { Methods } from './method.ts'
import { readHash, required } from './params.ts'

/** The debug namespace: raw forms, and traces by executing anew. */
export function debugMethods(backend: RpcBackend, reader: BlockReader, limits: InspectionLimits): Methods {
  const { chain, inspector, pool, store } = backend
  const within = ({ timeoutMs }: TraceRequest): InspectionLimits =>
    timeoutMs === undefined ? limits : { ...limits, timeoutMs: Math.min(timeoutMs, limits.timeoutMs) }
  const traceBlock = (parameter: unknown, config: unknown) => {
    const block = reader.block(parameter)
    const request = readTraceConfig(config)
    return inspector.traceBlock(block, request.tracer, within(request))
  }
  return {
    debug_getRawHeader: (params) => toHex(reader.block(required(params, 0)).header.serialize()),
    debug_getRawBlock: (params) => toHex(reader.block(required(params, 0)).serialize()),
    debug_getRawReceipts: (params) =>
      (store.receipts(blockHash(reader.block(required(params, 0)))) ?? []).map((receipt) =>
        toHex(encodeReceipt(receipt)),
      ),
    debug_getRawTransaction: (params) => {
      const hash = readHash(required(params, 0), 'transaction hash')
      const place = store.transactionLocation(hash)
      const tx = (place && store.block(place.blockHash)?.block.transactions[place.index]) ?? pool.get(hash)
      return tx ? toHex(tx.serialize()) : '0x'
    },
    debug_getRawBlockAccessList: (params) => {
      throw noAccessList(reader.block(required(params, 0)).header.number)
    },
    // Blocks that break a rule are refused before they are stored.
    debug_getBadBlocks: () => [],
    debug_traceTransaction: async (params) => {
      const hash = readHash(required(params, 0), 'transaction hash')
      const request = readTraceConfig(params[1])
      const place = store.transactionLocation(hash)
      const block = place && store.block(place.blockHash)?.block
      if (!place || !block) throw new RpcError(RpcCode.server, 'transaction not found')
      const [trace] = await inspector.traceBlock(block, request.tracer, within(request), place.index)
      return trace?.result
    },
    debug_traceBlockByNumber: (params) => traceBlock(required(params, 0), params[1]),
    debug_traceBlockByHash: (params) => traceBlock(readHash(required(params, 0), 'block hash'), params[1]),
    debug_traceCall: (params) => {
      const call = readCall(required(params, 0), chain)
      const at = reader.header(params[1])
      const request = readTraceConfig(params[2])
      return inspector.traceCall(at, call, request.tracer, within(request), request)
    },
  }
}
