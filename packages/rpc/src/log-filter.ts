import type { Block } from '@ethereumjs/block'
import { Bloom, type Log } from '@hawser/chain'
import type { Address, Hash32 } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { formatLog, placeLogs } from './format.ts'
import { MAX_FILTER_ITEMS, type RpcLimits } from './limits.ts'
import { readAddress, readHash, readObject } from './params.ts'
import { Turns } from './turns.ts'

/** Which logs are wanted: any of the addresses, and at each place any of the topics (undefined: whatever). */
export interface LogFilter {
  readonly addresses: ReadonlySet<Address>
  readonly topics: readonly (ReadonlySet<Hash32> | undefined)[]
}

/** Of more choices than this a block's bloom filter has one mostly: looking into it costs more than it spares. */
const MAX_BLOOM_CHOICES = 64

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
    addresses: new Set(addresses.map((item) => readAddress(item))),
    topics: topics.map((topic: unknown) => {
      if (topic === null || topic === undefined) return undefined
      const choices = Array.isArray(topic) ? topic : [topic]
      if (choices.length > MAX_FILTER_ITEMS) throw invalidParams(`more than ${MAX_FILTER_ITEMS} topics in one place`)
      return choices.length === 0 || choices.includes(null)
        ? undefined
        : new Set(choices.map((choice) => readHash(choice, 'topic')))
    }),
  }
}

export function matches(filter: LogFilter, log: Log): boolean {
  if (filter.addresses.size > 0 && !filter.addresses.has(log.address)) return false
  if (filter.topics.length > log.topics.length) return false
  return filter.topics.every((choices, place) => choices === undefined || choices.has(log.topics[place] as Hash32))
}

/** Whether a block with this bloom filter may have a matching log. */
export function mayMatch(filter: LogFilter, bloomBytes: Uint8Array): boolean {
  // Most blocks have no logs at all.
  if (bloomBytes.every((byte) => byte === 0)) return false
  const bloom = new Bloom(bloomBytes)
  const mayHaveOne = (choices: ReadonlySet<Address | Hash32>) =>
    choices.size > MAX_BLOOM_CHOICES || [...choices].some((choice) => bloom.mayContain(choice))
  return (
    (filter.addresses.size === 0 || mayHaveOne(filter.addresses)) &&
    filter.topics.every((choices) => choices === undefined || mayHaveOne(choices))
  )
}

/** The matching logs of one block in JSON-RPC's form. */
export function logsOfBlock(backend: RpcBackend, block: Block, hash: Hash32, filter: LogFilter) {
  if (!mayMatch(filter, block.header.logsBloom)) return []
  return placeLogs(backend.store.receipts(hash) ?? [])
    .filter(({ log }) => matches(filter, log))
    .map((placed) => formatLog(placed, block))
}

/** eth_getLogs. @throws -32602 for a bad range, -32005 for too many blocks or results, each with a range that would do */
export async function getLogs(
  backend: RpcBackend,
  reader: BlockReader,
  value: unknown,
  limits: Pick<RpcLimits, 'maxLogBlocks' | 'maxLogResults'>,
) {
  const request = readObject(value, 'filter')
  const filter = readLogFilter(request)
  const given = (field: string) => request[field] !== undefined && request[field] !== null
  if (given('blockHash')) {
    if (given('fromBlock') || given('toBlock'))
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
  if (to > head) throw invalidParams(`block range extends beyond current head block: ${to} is above ${head}`)
  const most = BigInt(limits.maxLogBlocks)
  if (to - from >= most)
    throw new RpcError(
      RpcCode.limitExceeded,
      `query covers ${to - from + 1n} blocks, at most ${most} are allowed; ask again with ${range(from, from + most - 1n)}`,
    )
  const first = backend.oldestBlock?.() ?? 1n
  if (first > 1n && from < first)
    throw new RpcError(
      RpcCode.server,
      `pruned history unavailable: this node has logs from block ${first} on; ask another one for older blocks`,
    )
  const found: unknown[] = []
  const turns = new Turns()
  for (let number = from; number <= to; number++) {
    await turns.next()
    const hash = backend.store.canonicalHash(number)
    const sealed = hash && backend.store.block(hash)
    if (!sealed) break
    for (const log of logsOfBlock(backend, sealed.block, hash, filter)) found.push(log)
    if (found.length > limits.maxLogResults)
      throw new RpcError(
        RpcCode.limitExceeded,
        `query returns more than ${limits.maxLogResults} logs; ask again with ${range(from, number > from ? number - 1n : from)}`,
      )
  }
  return found
}

/** A range as the request has it, so that it can be copied. */
function range(from: bigint, to: bigint): string {
  return `{"fromBlock":"0x${from.toString(16)}","toBlock":"0x${to.toString(16)}"}`
}
