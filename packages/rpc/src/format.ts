import type { Block, BlockHeader } from '@ethereumjs/block'
import {
  isAccessList2930Tx,
  isEOACode7702Tx,
  isFeeMarket1559Tx,
  isLegacyTx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { bytesToHex, generateAddress } from './ethereum-util.ts'
import { effectiveGasPrice, logsBloom, senderOf, transactionHash, type Log, type Receipt } from '@hawser/chain'
import { fromHex, toHex, uintBE, type Hex } from '@hawser/primitives'
import { quantity } from './params.ts'

/** A header in JSON-RPC's form. */
export function formatHeader(header: BlockHeader) {
  return {
    number: quantity(header.number),
    hash: toHex(header.hash()),
    parentHash: toHex(header.parentHash),
    nonce: toHex(header.nonce),
    sha3Uncles: toHex(header.uncleHash),
    logsBloom: toHex(header.logsBloom),
    transactionsRoot: toHex(header.transactionsTrie),
    stateRoot: toHex(header.stateRoot),
    receiptsRoot: toHex(header.receiptTrie),
    miner: toHex(header.coinbase.bytes),
    difficulty: quantity(header.difficulty),
    extraData: toHex(header.extraData),
    gasLimit: quantity(header.gasLimit),
    gasUsed: quantity(header.gasUsed),
    timestamp: quantity(header.timestamp),
    mixHash: toHex(header.mixHash),
    baseFeePerGas: quantity(header.baseFeePerGas ?? 0n),
    withdrawalsRoot: toHex(header.withdrawalsRoot ?? new Uint8Array(32)),
    blobGasUsed: quantity(header.blobGasUsed ?? 0n),
    excessBlobGas: quantity(header.excessBlobGas ?? 0n),
    parentBeaconBlockRoot: toHex(header.parentBeaconBlockRoot ?? new Uint8Array(32)),
    requestsHash: toHex(header.requestsHash ?? new Uint8Array(32)),
  }
}

/** A block in JSON-RPC's form, with whole transactions or their hashes. */
export function formatBlock(block: Block, whole: boolean) {
  return {
    ...formatHeader(block.header),
    size: quantity(block.serialize().length),
    uncles: [],
    withdrawals: [],
    transactions: block.transactions.map((tx, index) =>
      whole ? formatTransaction(tx, block, index) : transactionHash(tx),
    ),
  }
}

/** A transaction in JSON-RPC's form; without a block it is pending. */
export function formatTransaction(tx: TypedTransaction, block?: Block, index?: number) {
  const common = {
    type: quantity(tx.type),
    hash: transactionHash(tx),
    nonce: quantity(tx.nonce),
    from: senderOf(tx),
    to: tx.to ? toHex(tx.to.bytes) : null,
    value: quantity(tx.value),
    gas: quantity(tx.gasLimit),
    input: toHex(tx.data),
    blockHash: block ? toHex(block.hash()) : null,
    blockNumber: block ? quantity(block.header.number) : null,
    blockTimestamp: block ? quantity(block.header.timestamp) : null,
    transactionIndex: index === undefined ? null : quantity(index),
    v: quantity(tx.v ?? 0n),
    r: quantity(tx.r ?? 0n),
    s: quantity(tx.s ?? 0n),
  }
  if (isLegacyTx(tx)) {
    const v = tx.v ?? 0n
    return { ...common, ...(v >= 35n ? { chainId: quantity((v - 35n) / 2n) } : {}), gasPrice: quantity(tx.gasPrice) }
  }
  const typed = {
    ...common,
    chainId: quantity(tx.chainId),
    yParity: quantity(tx.v ?? 0n),
    accessList: tx.accessList.map(([address, keys]) => ({
      address: bytesToHex(address),
      storageKeys: keys.map(bytesToHex),
    })),
  }
  if (isAccessList2930Tx(tx)) return { ...typed, gasPrice: quantity(tx.gasPrice) }
  const fees = {
    maxFeePerGas: quantity((tx as { maxFeePerGas: bigint }).maxFeePerGas),
    maxPriorityFeePerGas: quantity((tx as { maxPriorityFeePerGas: bigint }).maxPriorityFeePerGas),
    // What was paid; for a pending one what it would pay at most.
    gasPrice: quantity(
      block ? effectiveGasPrice(tx, block.header.baseFeePerGas ?? 0n) : (tx as { maxFeePerGas: bigint }).maxFeePerGas,
    ),
  }
  if (isFeeMarket1559Tx(tx)) return { ...typed, ...fees }
  if (isEOACode7702Tx(tx))
    return {
      ...typed,
      ...fees,
      authorizationList: tx.authorizationList.map(([chainId, address, nonce, yParity, r, s]) => ({
        chainId: bytesQuantity(chainId),
        address: bytesToHex(address),
        nonce: bytesQuantity(nonce),
        yParity: bytesQuantity(yParity),
        r: bytesQuantity(r),
        s: bytesQuantity(s),
      })),
    }
  return { ...typed, ...fees }
}

export interface PlacedLog {
  readonly log: Log
  readonly index: number
  readonly transactionIndex: number
}

/** Every log of a block with its places, in order. */
export function placeLogs(receipts: readonly Receipt[]): PlacedLog[] {
  const placed: PlacedLog[] = []
  for (const [transactionIndex, receipt] of receipts.entries())
    for (const log of receipt.logs) placed.push({ log, index: placed.length, transactionIndex })
  return placed
}

export function formatLog({ log, index, transactionIndex }: PlacedLog, block: Block, removed = false) {
  const tx = block.transactions[transactionIndex] as TypedTransaction
  return {
    address: log.address,
    topics: log.topics,
    data: toHex(log.data),
    blockNumber: quantity(block.header.number),
    blockHash: toHex(block.hash()),
    blockTimestamp: quantity(block.header.timestamp),
    transactionHash: transactionHash(tx),
    transactionIndex: quantity(transactionIndex),
    logIndex: quantity(index),
    removed,
  }
}

/** A receipt in JSON-RPC's form. */
export function formatReceipt(block: Block, receipts: readonly Receipt[], index: number) {
  const tx = block.transactions[index] as TypedTransaction
  const receipt = receipts[index] as Receipt
  const before = index === 0 ? 0n : (receipts[index - 1] as Receipt).cumulativeGasUsed
  const from = senderOf(tx)
  return {
    type: quantity(receipt.type),
    status: quantity(receipt.status),
    transactionHash: transactionHash(tx),
    transactionIndex: quantity(index),
    blockHash: toHex(block.hash()),
    blockNumber: quantity(block.header.number),
    from,
    to: tx.to ? toHex(tx.to.bytes) : null,
    contractAddress: tx.to ? null : toHex(generateAddress(fromHex(from), tx.nonce)),
    cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
    gasUsed: quantity(receipt.cumulativeGasUsed - before),
    effectiveGasPrice: quantity(effectiveGasPrice(tx, block.header.baseFeePerGas ?? 0n)),
    logsBloom: toHex(logsBloom(receipt.logs)),
    logs: placeLogs(receipts)
      .filter((placed) => placed.transactionIndex === index)
      .map((placed) => formatLog(placed, block)),
  }
}

function bytesQuantity(bytes: Uint8Array): Hex {
  return quantity(BigInt(toHex(bytes.length === 0 ? uintBE(0, 1) : bytes)))
}
