import type { Block } from '@ethereumjs/block'
import { Bloom, type Log } from '@hawser/chain'
import type { Address, Hash32 } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { formatLog, placeLogs } from './format.ts'
import { MAX_FILTER_ITEMS, MAX_LOG_BLOCKS, MAX_LOG_RESULTS } from './limits.ts'
import { readAddress, readHash, readObject } from './params.ts'

/** Which logs are wanted: any of the addresses, and at each place any of the topics (undefined: whatever). */
export interface LogFilter {
  readonly addresses: readonly Address[]
  readonly topics: readonly (readonly Hash32[] | undefined)[]
}

/** The blocks that a polling filter was made for: tags or quantities, as they came. */
export interface LogRange {
  readonly fromBlock?: unknown
  readonly toBlock?: unknown
}

export function readLogFilter(value: unknown): LogFilter {
  const filter = readObject(value ?? {}, 'filter')
  const addressField = filter['address']
  const addresses = (
    addressField === undefined || addressField === null
      ? []
      : Array.isArray(addressField)
        ? addressField
        : [addressField]
  ) as unknown[]
  const topics = (filter['topics'] ?? []) as unknown
  if (!Array.isArray(topics)) throw invalidParams('topics must be a list')
  if (topics.length > 4) throw invalidParams('exceed max topics: a log has at most 4')
  if (addresses.length > MAX_FILTER_ITEMS) throw invalidParams(`more than ${MAX_FILTER_ITEMS} addresses`)
  return {
    addresses: addresses.map((item) => readAddress(item)),
    topics: topics.map((topic: unknown) => {
      if (topic === null || topic === undefined) return undefined
      const choices = Array.isArray(topic) ? topic : [topic]
      if (choices.length > MAX_FILTER_ITEMS) throw invalidParams(`more than ${MAX_FILTER_ITEMS} topics in one place`)
      return choices.length === 0 || choices.includes(null)
        ? undefined
        : choices.map((choice) => readHash(choice, 'topic'))
    }),
  }
}

export function matches(filter: LogFilter, log: Log): boolean {
  if (filter.addresses.length > 0 && !filter.addresses.includes(log.address)) return false
  if (filter.topics.length > log.topics.length) return false
  return filter.topics.every((choices, place) => choices === undefined || choices.includes(log.topics[place] as Hash32))
}

function mayMatch(filter: LogFilter, bloomBytes: Uint8Array): boolean {
  const bloom = new Bloom(bloomBytes)
  if (filter.addresses.length > 0 && !filter.addresses.some((item) => bloom.mayContain(item))) return false
  return filter.topics.every((choices) => choices === undefined || choices.some((choice) => bloom.mayContain(choice)))
}

/** The matching logs of one block in JSON-RPC's form. */
export function logsOfBlock(backend: RpcBackend, block: Block, hash: Hash32, filter: LogFilter, removed = false) {
  if (!mayMatch(filter, block.header.logsBloom)) return []
  return placeLogs(backend.store.receipts(hash) ?? [])
    .filter(({ log }) => matches(filter, log))
    .map((placed) => formatLog(placed, block, removed))
}

/** eth_getLogs. @throws -32602 for a bad range, -32005 for too many blocks or results */
export function getLogs(backend: RpcBackend, reader: BlockReader, value: unknown) {
  const request = readObject(value, 'filter')
  const filter = readLogFilter(request)
  if (request['blockHash'] !== undefined) {
    if (request['fromBlock'] !== undefined || request['toBlock'] !== undefined)
      throw invalidParams('cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other')
    const hash = readHash(request['blockHash'], 'blockHash')
    const sealed = backend.store.block(hash)
    if (!sealed) throw new RpcError(RpcCode.server, 'unknown block')
    return logsOfBlock(backend, sealed.block, hash, filter)
  }
  const head = backend.store.pointers().head.number
  const from = reader.number(request['fromBlock'] ?? 'latest')
  const to = reader.number(request['toBlock'] ?? 'latest')
  if (from > to) throw invalidParams('invalid block range params: fromBlock is above toBlock')
  const last = to < head ? to : head
  if (last - from >= MAX_LOG_BLOCKS)
    throw new RpcError(
      RpcCode.limitExceeded,
      `query covers ${last - from + 1n} blocks, at most ${MAX_LOG_BLOCKS} are allowed; ask again with [${from}, ${from + MAX_LOG_BLOCKS - 1n}]`,
    )
  const found: unknown[] = []
  for (let number = from; number <= last; number++) {
    const hash = backend.store.canonicalHash(number)
    const sealed = hash && backend.store.block(hash)
    if (!sealed) break
    found.push(...logsOfBlock(backend, sealed.block, hash, filter))
    if (found.length > MAX_LOG_RESULTS)
      throw new RpcError(
        RpcCode.limitExceeded,
        `query returns more than ${MAX_LOG_RESULTS} logs; ask again with [${from}, ${number > from ? number - 1n : from}]`,
      )
  }
  return found
}
