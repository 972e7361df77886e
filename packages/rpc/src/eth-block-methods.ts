import { blockHash } from '@hawser/chain'
import { toHex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { RpcCode, RpcError } from './errors.ts'
import { formatBlock, formatHeader, formatReceipt, formatReceipts, formatTransaction } from './format.ts'
import type { Methods } from './method.ts'
import { quantity, readBoolean, readHash, readQuantity, required } from './params.ts'

/** The methods that read blocks, transactions and receipts. */
export function ethBlockMethods(backend: RpcBackend, reader: BlockReader): Methods {
  const { store, pool } = backend
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
  const ommerAt = (block: unknown, index: unknown) => {
    const ommer = reader.find(block)?.block.uncleHeaders[Number(readQuantity(index, 'index'))]
    return ommer ? { ...formatHeader(ommer), uncles: [] } : null
  }
  const ommers = (block: unknown) => {
    const found = reader.find(block)
    return found ? quantity(found.block.uncleHeaders.length) : null
  }
  const count = (block: unknown) => {
    const found = reader.find(block)
    return found ? quantity(found.block.transactions.length) : null
  }

  return {
    eth_getBlockByNumber: (params) => {
      const hash = store.canonicalHash(reader.number(required(params, 0)))
      const whole = readBoolean(params[1], 'hydrated transactions')
      const sealed = hash && store.block(hash)
      return sealed ? formatBlock(sealed.block, whole) : null
    },
    eth_getBlockByHash: (params) => {
      const sealed = store.block(readHash(required(params, 0), 'block hash'))
      const whole = readBoolean(params[1], 'hydrated transactions')
      return sealed ? formatBlock(sealed.block, whole) : null
    },
    eth_getHeaderByNumber: (params) => {
      const hash = store.canonicalHash(reader.number(required(params, 0)))
      const sealed = hash && store.block(hash)
      return sealed ? formatHeader(sealed.block.header) : null
    },
    eth_getHeaderByHash: (params) => {
      const sealed = store.block(readHash(required(params, 0), 'block hash'))
      return sealed ? formatHeader(sealed.block.header) : null
    },
    eth_getBlockTransactionCountByNumber: (params) => count(required(params, 0)),
    eth_getBlockTransactionCountByHash: (params) => count(readHash(required(params, 0))),
    eth_getUncleCountByBlockNumber: (params) => ommers(required(params, 0)),
    eth_getUncleCountByBlockHash: (params) => ommers(readHash(required(params, 0))),
    eth_getUncleByBlockNumberAndIndex: (params) => ommerAt(required(params, 0), required(params, 1)),
    eth_getUncleByBlockHashAndIndex: (params) => ommerAt(readHash(required(params, 0)), required(params, 1)),
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
    eth_getBlockReceipts: (params) => {
      const found = reader.find(required(params, 0))
      return found ? formatReceipts(found.block, store.receipts(blockHash(found.block)) ?? []) : null
    },
    eth_getBlockAccessList: (params) => {
      const found = reader.find(required(params, 0))
      if (!found) return null
      throw noAccessList(found.block.header.number)
    },
  }
}

/** Block access lists begin with a fork that none of the chains here has (EIP-7928). */
export function noAccessList(number: bigint): RpcError {
  return new RpcError(RpcCode.resourceNotFound, `block ${number} has no access list: its fork is older than EIP-7928`)
}
