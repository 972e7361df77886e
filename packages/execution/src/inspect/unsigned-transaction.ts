import type { Common } from '@ethereumjs/common'
import {
  createBlob4844Tx,
  createEOACode7702Tx,
  createFeeMarket1559Tx,
  createLegacyTx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import type { CallRequest } from '@hawser/chain'
import { fromHex } from '@hawser/primitives'
import { authorizationBytes } from './authorizations.ts'

/** The type of a transaction with these fields, as Geth chooses it. */
export function transactionType(request: CallRequest, common: Common): 0 | 2 | 3 | 4 {
  if (request.gasPrice !== undefined || !common.isActivatedEIP(1559)) return 0
  if (request.authorizationList) return 4
  return request.blobVersionedHashes ? 3 : 2
}

/** The transaction that a request describes, without a signature. */
export function unsignedTransaction(request: CallRequest, gas: bigint, common: Common): TypedTransaction {
  const fields = {
    to: request.to,
    value: request.value ?? 0n,
    data: request.data ?? new Uint8Array(),
  }
  const options = { common, freeze: false } as const
  const fees = {
    chainId: common.chainId(),
    maxFeePerGas: request.maxFeePerGas ?? 0n,
    maxPriorityFeePerGas: request.maxPriorityFeePerGas ?? 0n,
    accessList: (request.accessList ?? []).map(
      ({ address, storageKeys }) =>
        [fromHex(address), storageKeys.map((key) => fromHex(key))] as [Uint8Array, Uint8Array[]],
    ),
  }
  return beyondLimits(create(), gas, request.nonce ?? 0n)

  function create(): TypedTransaction {
    const type = transactionType(request, common)
    if (type === 0) return createLegacyTx({ ...fields, gasPrice: request.gasPrice ?? 0n }, options)
    if (type === 4)
      return createEOACode7702Tx(
        {
          ...fields,
          ...fees,
          to: request.to as string as `0x${string}`,
          authorizationList: (request.authorizationList ?? []).map(authorizationBytes),
        },
        options,
      )
    if (type === 3)
      return createBlob4844Tx(
        {
          ...fields,
          ...fees,
          to: request.to as string as `0x${string}`,
          maxFeePerBlobGas: request.maxFeePerBlobGas ?? 0n,
          blobVersionedHashes: [...(request.blobVersionedHashes ?? [])],
        },
        options,
      )
    return createFeeMarket1559Tx({ ...fields, ...fees }, options)
  }
}

/** Past EthereumJS's checks of EIP-7825's cap and of the last nonce, which a simulation need not keep to. */
function beyondLimits(tx: TypedTransaction, gasLimit: bigint, nonce: bigint): TypedTransaction {
  return Object.defineProperties(tx, { gasLimit: { value: gasLimit }, nonce: { value: nonce } })
}
