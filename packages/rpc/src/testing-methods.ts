import { toHex } from '@hawser/primitives'
import type { BlockBuilder } from './backend.ts'
import type { BlockReader } from './block-reader.ts'
import { readWithdrawals } from './call-params.ts'
import { invalidParams } from './errors.ts'
import type { Methods } from './method.ts'
import { quantity, readAddress, readBytes, readHash, readList, readObject, readUint64, required } from './params.ts'

/** The most raw transactions of one block that is built for a test. */
const MAX_BUILT_TRANSACTIONS = 10_000

/** testing_buildBlockV1, where the backend builds blocks at will. */
export function testingMethods(builder: BlockBuilder, reader: BlockReader): Methods {
  return {
    testing_buildBlockV1: async (params) => {
      const parent = reader.find(readHash(required(params, 0), 'parent block hash'))
      if (!parent) throw invalidParams('unknown parent block')
      const attributes = readObject(required(params, 1), 'payload attributes')
      const word = (name: string) => {
        const bytes = readBytes(attributes[name], name)
        if (bytes.length !== 32) throw invalidParams(`${name} must have 32 bytes`)
        return bytes
      }
      const transactions = params[2]
      const { block, value, requests } = await builder.build({
        parent: parent.block.header,
        timestamp: readUint64(attributes['timestamp'], 'timestamp'),
        prevRandao: word('prevRandao'),
        feeRecipient: readAddress(attributes['suggestedFeeRecipient']),
        withdrawals: readWithdrawals(attributes['withdrawals']),
        parentBeaconBlockRoot:
          attributes['parentBeaconBlockRoot'] === undefined ? undefined : word('parentBeaconBlockRoot'),
        extraData:
          params[3] === undefined || params[3] === null ? new Uint8Array() : readBytes(params[3], 'extra data'),
        transactions:
          transactions === undefined || transactions === null
            ? undefined
            : readList(transactions, 'transactions', MAX_BUILT_TRANSACTIONS).map((raw) =>
                readBytes(raw, 'transaction'),
              ),
      })
      const { header } = block
      return {
        executionPayload: {
          parentHash: toHex(header.parentHash),
          feeRecipient: toHex(header.coinbase.bytes),
          stateRoot: toHex(header.stateRoot),
          receiptsRoot: toHex(header.receiptTrie),
          logsBloom: toHex(header.logsBloom),
          prevRandao: toHex(header.mixHash),
          blockNumber: quantity(header.number),
          gasLimit: quantity(header.gasLimit),
          gasUsed: quantity(header.gasUsed),
          timestamp: quantity(header.timestamp),
          extraData: toHex(header.extraData),
          baseFeePerGas: quantity(header.baseFeePerGas ?? 0n),
          blockHash: toHex(block.hash()),
          transactions: block.transactions.map((tx) => toHex(tx.serialize())),
          withdrawals: (block.withdrawals ?? []).map(({ index, validatorIndex, address, amount }) => ({
            index: quantity(index),
            validatorIndex: quantity(validatorIndex),
            address: toHex(address.bytes),
            amount: quantity(amount),
          })),
          blobGasUsed: quantity(header.blobGasUsed ?? 0n),
          excessBlobGas: quantity(header.excessBlobGas ?? 0n),
        },
        blockValue: quantity(value),
        blobsBundle: { commitments: [], proofs: [], blobs: [] },
        executionRequests: requests.map((request) => toHex(request)),
        shouldOverrideBuilder: false,
      }
    },
  }
}
