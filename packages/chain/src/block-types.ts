import { Block, createBlockFromBytesArray, createBlockHeaderFromBytesArray, type BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { RLP } from '@ethereumjs/rlp'
import type { TypedTransaction } from '@ethereumjs/tx'
import { Bloom } from './bloom.ts'
import {
  AppError,
  concatBytes,
  decodeRlp,
  messageOf,
  readUintBE,
  toHex,
  type Address,
  type Hash32,
} from '@hawser/primitives'
import type { BlockRef } from './ports.ts'
import { orderedTrieRoot } from './ordered-trie.ts'
import { listContent, rlpList, rlpString } from './rlp-items.ts'
import { decodeBodyTransaction, encodedTransaction } from './transaction.ts'

/** The longest RLP of a block, in bytes (protocol.md section 2). */
export const MAX_BLOCK_BYTES = 8 * 1024 * 1024
/** r | s | v of the author's session key over the seal digest. */
export const SEAL_BYTES = 65

/** A block and its author's seal, which travels beside it and is no part of its identity. */
export interface SealedBlock {
  readonly block: Block
  /** 65 bytes r | s | v (v 0 or 1); empty for the genesis block. */
  readonly seal: Uint8Array
}

export interface Log {
  readonly address: Address
  readonly topics: readonly Hash32[]
  readonly data: Uint8Array
}

/** The consensus part of a receipt; the rest follows from the block. */
export interface Receipt {
  /** EIP-2718 transaction type. */
  readonly type: number
  readonly status: 0 | 1
  /** The state root after the transaction, in blocks of plain Ethereum chains before Byzantium: it stands in the status's place there. */
  readonly postState?: Hash32
  /** Of the block up to and with this transaction. */
  readonly cumulativeGasUsed: bigint
  readonly logs: readonly Log[]
}

/** The block's hash. */
export function blockHash(block: Pick<Block, 'hash'>): Hash32 {
  return toHex(block.hash()) as Hash32
}

export function blockRef(block: Block): BlockRef {
  return { number: block.header.number, hash: blockHash(block) }
}

const ENCODED = new WeakMap<Block, Uint8Array>()

/** The block's RLP, from encodings that its transactions have anyway; made once for each block object. Not to be changed. */
export function encodedBlock(block: Block): Uint8Array {
  let encoded = ENCODED.get(block)
  if (!encoded) {
    const transactions = block.transactions.map((tx) =>
      tx.type === 0 ? encodedTransaction(tx) : rlpString(encodedTransaction(tx)),
    )
    encoded = rlpList([
      RLP.encode(block.header.raw()),
      rlpList(transactions),
      RLP.encode(block.uncleHeaders.map((ommer) => ommer.raw())),
      ...(block.withdrawals ? [RLP.encode(block.withdrawals.map((withdrawal) => withdrawal.raw()))] : []),
    ])
    ENCODED.set(block, encoded)
  }
  return encoded
}

const TRANSACTIONS_ROOTS = new WeakMap<readonly TypedTransaction[], Hash32>()

/** The root of the trie of a block's transactions; found once for each list, which must not change afterwards. */
export function transactionsRoot(transactions: readonly TypedTransaction[]): Hash32 {
  let root = TRANSACTIONS_ROOTS.get(transactions)
  if (root === undefined) {
    root = orderedTrieRoot(transactions.map(encodedTransaction))
    TRANSACTIONS_ROOTS.set(transactions, root)
  }
  return root
}

/** RLP [block, seal]. */
export function encodeSealedBlock({ block, seal }: SealedBlock): Uint8Array {
  return rlpList([encodedBlock(block), rlpString(seal)])
}

/** Which rules a block is read and run by: one set for the whole chain, or the fork that its header belongs to. */
export type ForkSchedule = (header: {
  readonly number: bigint
  /** Unix seconds */
  readonly timestamp: bigint
  readonly difficulty: bigint
}) => Common

/**
 * A block from a peer or the disk; the size is checked before anything is parsed.
 * @throws BLOCK_MALFORMED
 */
export function decodeSealedBlock(bytes: Uint8Array, rules: Common | ForkSchedule): SealedBlock {
  if (bytes.length > MAX_BLOCK_BYTES + 1024) throw malformed(`${bytes.length} bytes are more than a block may have`)
  try {
    const parts = decodeRlp(bytes)
    if (!Array.isArray(parts) || parts.length !== 2) throw new Error('not [block, seal]')
    const [body, seal] = parts
    if (!(seal instanceof Uint8Array) || (seal.length !== SEAL_BYTES && seal.length !== 0))
      throw new Error('the seal is not 65 bytes')
    const common = typeof rules === 'function' ? rules(readHeaderFields(body)) : rules
    return { block: decodeBody(body, common), seal }
  } catch (cause) {
    throw malformed(messageOf(cause), cause)
  }
}

/** @throws EthereumJS's own errors */
function decodeBody(body: unknown, common: Common): Block {
  if (!Array.isArray(body)) throw new Error('the block is no list')
  const [header, transactions, ...rest] = body as [never, unknown, ...never[]]
  if (!Array.isArray(transactions)) throw new Error('the transactions are no list')
  const options = { common, setHardfork: false } as const
  // Everything but the transactions, which are most of the work and have a way of their own.
  const shell = createBlockFromBytesArray([header, [], ...rest] as never, options)
  const decoded = transactions.map((item) => decodeBodyTransaction(item as Uint8Array, common))
  return new Block(shell.header, decoded, shell.uncleHeaders, shell.withdrawals, options)
}

/** The header of a block that this node has stored itself; the rest of the bytes is passed over. */
export function decodeSealedHeader(bytes: Uint8Array, rules: Common | ForkSchedule): BlockHeader {
  const body = listContent(bytes, 0)
  const head = listContent(bytes, listContent(bytes, body.start).start)
  const fields = decodeRlp(bytes.subarray(head.from, head.end)) as Uint8Array[]
  const common = typeof rules === 'function' ? rules(readHeaderFields([fields])) : rules
  return createBlockHeaderFromBytesArray(fields, { common, setHardfork: false, freeze: false })
}

/** What a fork is chosen by, of a block's decoded RLP: difficulty, number and timestamp are the fields 7, 8 and 11 of its header. */
export function readHeaderFields(body: unknown): Parameters<ForkSchedule>[0] {
  const header = Array.isArray(body) ? (body[0] as unknown) : undefined
  const field = (index: number) => {
    const value: unknown = Array.isArray(header) ? header[index] : undefined
    if (!(value instanceof Uint8Array) || value.length > 32) throw new Error('the header has no such field')
    return readUintBE(value)
  }
  return { difficulty: field(7), number: field(8), timestamp: field(11) }
}

function malformed(why: string, cause?: unknown): AppError {
  return new AppError({ code: 'BLOCK_MALFORMED', fault: 'peer' }, `malformed block: ${why}`, { cause })
}

const SUCCEEDED = RLP.encode(1)
const FAILED = RLP.encode(0)
/** The bloom and the list of a receipt without logs, as most are. */
const NO_BLOOM = RLP.encode(new Uint8Array(256))
const NO_LOGS = RLP.encode([])

/** The EIP-2718 encoding of a receipt, as the receipts root has it: type | RLP [status, cumulative gas, bloom, logs]. */
export function encodeReceipt({ type, status, postState, cumulativeGasUsed, logs }: Receipt): Uint8Array {
  const payload = rlpList([
    postState ? RLP.encode(postState) : status === 1 ? SUCCEEDED : FAILED,
    RLP.encode(cumulativeGasUsed),
    logs.length === 0 ? NO_BLOOM : rlpString(logsBloom(logs)),
    logs.length === 0 ? NO_LOGS : RLP.encode(logs.map((log) => [log.address, [...log.topics], log.data])),
  ])
  return type === 0 ? payload : concatBytes(Uint8Array.of(type), payload)
}

/** All receipts of a block, for the store: RLP [[type, status, cumulative gas, logs, post state?], ...]. */
export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return RLP.encode(
    receipts.map((r) => [
      r.type,
      r.status,
      r.cumulativeGasUsed,
      r.logs.map((log) => [log.address, [...log.topics], log.data]),
      ...(r.postState ? [r.postState] : []),
    ]),
  )
}

type StoredReceipt = [Uint8Array, Uint8Array, Uint8Array, [Uint8Array, Uint8Array[], Uint8Array][], Uint8Array?]

/** The inverse of `encodeReceipts`; the bytes are our own. */
export function decodeReceipts(bytes: Uint8Array): Receipt[] {
  return (decodeRlp(bytes, Infinity) as unknown as StoredReceipt[]).map(([type, status, gas, logs, postState]) => ({
    type: Number(readUintBE(type)),
    status: readUintBE(status) === 1n ? 1 : 0,
    ...(postState ? { postState: toHex(postState) as Hash32 } : {}),
    cumulativeGasUsed: readUintBE(gas),
    logs: logs.map(([address, topics, data]) => ({
      address: toHex(address) as Address,
      topics: topics.map((topic) => toHex(topic) as Hash32),
      data,
    })),
  }))
}

/** The 256-byte bloom filter of logs (yellow paper, section 4.3.1). */
export function logsBloom(logs: readonly Log[]): Uint8Array {
  const bloom = new Bloom()
  for (const log of logs) {
    bloom.add(log.address)
    for (const topic of log.topics) bloom.add(topic)
  }
  return bloom.bytes
}
