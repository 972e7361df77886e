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
import { minimalBytes } from './authorizations.ts'

/** The transaction that a request describes, without a signature; its type follows from its fields, as in Geth. */
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
    if (request.gasPrice !== undefined || !common.isActivatedEIP(1559))
      return createLegacyTx({ ...fields, gasPrice: request.gasPrice ?? 0n }, options)
    if (request.authorizationList)
      return createEOACode7702Tx(
        {
          ...fields,
          ...fees,
          to: request.to as string as `0x${string}`,
          authorizationList: request.authorizationList.map(
            ({ chainId, address, nonce, yParity, r, s }) =>
              [
                minimalBytes(chainId),
                fromHex(address),
                minimalBytes(nonce),
                minimalBytes(yParity),
                minimalBytes(r),
                minimalBytes(s),
              ] as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array],
          ),
        },
        options,
      )
    if (request.blobVersionedHashes)
      return createBlob4844Tx(
        {
          ...fields,
          ...fees,
          to: request.to as string as `0x${string}`,
          maxFeePerBlobGas: request.maxFeePerBlobGas ?? 0n,
          blobVersionedHashes: [...request.blobVersionedHashes],
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
