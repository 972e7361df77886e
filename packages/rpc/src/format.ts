import type { Block, BlockHeader } from '@ethereumjs/block'
import { isAccessList2930Tx, isBlob4844Tx, isEOACode7702Tx, isLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import { bytesToHex, generateAddress } from './ethereum-util.ts'
import {
  blockHash,
  effectiveGasPrice,
  logsBloom,
  senderOf,
  transactionHash,
  type Log,
  type Receipt,
} from '@hawser/chain'
import { fromHex, toHex, uintBE, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { quantity } from './params.ts'

const BLOB_GAS = 131_072n // EIP-4844

/** What of a block is told again and again and takes long to work out. */
const HASHES = new WeakMap<BlockHeader, Hash32>()
const SIZES = new WeakMap<Block, number>()

function hashOf(header: BlockHeader): Hash32 {
  let hash = HASHES.get(header)
  if (hash === undefined) HASHES.set(header, (hash = blockHash(header)))
  return hash
}

function sizeOf(block: Block): number {
  let size = SIZES.get(block)
  if (size === undefined) SIZES.set(block, (size = block.serialize().length))
  return size
}

/** A header in JSON-RPC's form, with the fields that its fork has. */
export function formatHeader(header: BlockHeader) {
  return {
    number: quantity(header.number),
    hash: hashOf(header),
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
    ...(header.baseFeePerGas === undefined ? {} : { baseFeePerGas: quantity(header.baseFeePerGas) }),
    ...(header.withdrawalsRoot === undefined ? {} : { withdrawalsRoot: toHex(header.withdrawalsRoot) }),
    ...(header.blobGasUsed === undefined ? {} : { blobGasUsed: quantity(header.blobGasUsed) }),
    ...(header.excessBlobGas === undefined ? {} : { excessBlobGas: quantity(header.excessBlobGas) }),
    ...(header.parentBeaconBlockRoot === undefined
      ? {}
      : { parentBeaconBlockRoot: toHex(header.parentBeaconBlockRoot) }),
    ...(header.requestsHash === undefined ? {} : { requestsHash: toHex(header.requestsHash) }),
  }
}

/** A block in JSON-RPC's form, with whole transactions or their hashes; `senders` of those that are not signed. */
export function formatBlock(block: Block, whole: boolean, senders?: readonly Address[]) {
  return {
    ...formatHeader(block.header),
    size: quantity(sizeOf(block)),
    uncles: block.uncleHeaders.map(hashOf),
    ...(block.withdrawals === undefined
      ? {}
      : {
          withdrawals: block.withdrawals.map(({ index, validatorIndex, address, amount }) => ({
            index: quantity(index),
            validatorIndex: quantity(validatorIndex),
            address: toHex(address.bytes),
            amount: quantity(amount),
          })),
        }),
    transactions: block.transactions.map((tx, index) =>
      whole ? formatTransaction(tx, block, index, senders?.[index]) : transactionHash(tx),
    ),
  }
}

/** A transaction in JSON-RPC's form; without a block it is pending. */
export function formatTransaction(tx: TypedTransaction, block?: Block, index?: number, sender?: Address) {
  const common = {
    type: quantity(tx.type),
    hash: transactionHash(tx),
    nonce: quantity(tx.nonce),
    from: sender ?? senderOf(tx),
    to: tx.to ? toHex(tx.to.bytes) : null,
    value: quantity(tx.value),
    gas: quantity(tx.gasLimit),
    input: toHex(tx.data),
    blockHash: block ? hashOf(block.header) : null,
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
    maxFeePerGas: quantity(tx.maxFeePerGas),
    maxPriorityFeePerGas: quantity(tx.maxPriorityFeePerGas),
    // What was paid; for a pending one what it would pay at most.
    gasPrice: quantity(paidPrice(tx, block)),
  }
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
  if (isBlob4844Tx(tx))
    return {
      ...typed,
      ...fees,
      maxFeePerBlobGas: quantity(tx.maxFeePerBlobGas),
      blobVersionedHashes: tx.blobVersionedHashes,
    }
  return { ...typed, ...fees }
}

function paidPrice(tx: TypedTransaction & { readonly maxFeePerGas: bigint }, block: Block | undefined): bigint {
  if (!block) return tx.maxFeePerGas
  const baseFee = block.header.baseFeePerGas ?? 0n
  // A simulated transaction may offer less than the base fee; it pays nothing then.
  return tx.maxFeePerGas < baseFee ? tx.maxFeePerGas : effectiveGasPrice(tx, baseFee)
}

export interface PlacedLog {
  readonly log: Log
  readonly index: number
  readonly transactionIndex: number
}

/** Every log of a block with its places, in order. */
export function placeLogs(receipts: readonly Pick<Receipt, 'logs'>[]): PlacedLog[] {
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
    blockHash: hashOf(block.header),
    blockTimestamp: quantity(block.header.timestamp),
    transactionHash: transactionHash(tx),
    transactionIndex: quantity(transactionIndex),
    logIndex: quantity(index),
    removed,
  }
}

/** Every receipt of a block in JSON-RPC's form. */
export function formatReceipts(block: Block, receipts: readonly Receipt[]) {
  const placed = placeLogs(receipts)
  return receipts.map((_, index) => formatOne(block, receipts, index, placed))
}

/** A receipt in JSON-RPC's form. */
export function formatReceipt(block: Block, receipts: readonly Receipt[], index: number) {
  return formatOne(block, receipts, index, placeLogs(receipts))
}

function formatOne(block: Block, receipts: readonly Receipt[], index: number, placed: readonly PlacedLog[]) {
  const tx = block.transactions[index] as TypedTransaction
  const receipt = receipts[index] as Receipt
  const before = index === 0 ? 0n : (receipts[index - 1] as Receipt).cumulativeGasUsed
  const from = senderOf(tx)
  return {
    type: quantity(receipt.type),
    // Before Byzantium there was no status, but the state after the transaction.
    ...(receipt.postState === undefined ? { status: quantity(receipt.status) } : { root: receipt.postState }),
    transactionHash: transactionHash(tx),
    transactionIndex: quantity(index),
    blockHash: hashOf(block.header),
    blockNumber: quantity(block.header.number),
    from,
    to: tx.to ? toHex(tx.to.bytes) : null,
    contractAddress: tx.to ? null : toHex(generateAddress(fromHex(from), tx.nonce)),
    cumulativeGasUsed: quantity(receipt.cumulativeGasUsed),
    gasUsed: quantity(receipt.cumulativeGasUsed - before),
    effectiveGasPrice: quantity(effectiveGasPrice(tx, block.header.baseFeePerGas ?? 0n)),
    ...(isBlob4844Tx(tx)
      ? {
          blobGasUsed: quantity(BLOB_GAS * BigInt(tx.blobVersionedHashes.length)),
          blobGasPrice: quantity(block.header.getBlobGasPrice()),
        }
      : {}),
    logsBloom: toHex(logsBloom(receipt.logs)),
    logs: placed.filter(({ transactionIndex }) => transactionIndex === index).map((log) => formatLog(log, block)),
  }
}

function bytesQuantity(bytes: Uint8Array): Hex {
  return quantity(BigInt(toHex(bytes.length === 0 ? uintBE(0, 1) : bytes)))
}
