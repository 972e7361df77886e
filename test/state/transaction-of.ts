import type { Common } from '@ethereumjs/common'
import { createTx, createTxFromRLP, TransactionType, type TypedTransaction } from '@ethereumjs/tx'
import { fromHex } from '@hawser/primitives'
import type { StateTestPost, StateTestTransaction } from './state-test-file.ts'

/**
 * The transaction of one entry of `post`.
 * @throws Error when it cannot be made by these rules, which is what many tests expect
 */
export function transactionOf(
  test: StateTestTransaction,
  { indexes, txbytes }: StateTestPost,
  common: Common,
): TypedTransaction {
  const options = { common, freeze: false, allowUnlimitedInitCodeSize: false }
  const { secretKey } = test
  if (secretKey === undefined) {
    if (txbytes === undefined) throw new MalformedTest('neither secretKey nor txbytes: nobody signs')
    return createTxFromRLP(fromHex(txbytes), options)
  }
  const accessList = test.accessLists?.[indexes.data]
  const fields = {
    nonce: test.nonce,
    gasLimit: pick(test.gasLimit, indexes.gas, 'gasLimit'),
    to: test.to === '' || test.to === '0x' ? undefined : test.to,
    value: valueOf(pick(test.value, indexes.value, 'value')),
    data: pick(test.data, indexes.data, 'data'),
  }
  const type = typeOf(test, accessList !== undefined && accessList !== null)
  const typed = type === TransactionType.Legacy ? {} : { chainId: common.chainId(), accessList: accessList ?? [] }
  const fees =
    type >= TransactionType.FeeMarketEIP1559
      ? { maxFeePerGas: test.maxFeePerGas ?? 0n, maxPriorityFeePerGas: test.maxPriorityFeePerGas ?? 0n }
      : { gasPrice: test.gasPrice ?? 0n }
  const unsigned = createTx(
    {
      type,
      ...fields,
      ...typed,
      ...fees,
      ...(type === TransactionType.BlobEIP4844
        ? { maxFeePerBlobGas: test.maxFeePerBlobGas ?? 0n, blobVersionedHashes: test.blobVersionedHashes ?? [] }
        : {}),
      ...(type === TransactionType.EOACodeEIP7702
        ? { authorizationList: (test.authorizationList ?? []).map(authorizationOf) }
        : {}),
    } as Parameters<typeof createTx>[0],
    options,
  )
  return unsigned.sign(fromHex(secretKey)) as TypedTransaction
}

/** A test that says something impossible, rather than one that expects a refusal. */
export class MalformedTest extends Error {}

function typeOf(test: StateTestTransaction, hasAccessList: boolean): TransactionType {
  if (test.authorizationList !== undefined) return TransactionType.EOACodeEIP7702
  if (test.blobVersionedHashes !== undefined || test.maxFeePerBlobGas !== undefined) return TransactionType.BlobEIP4844
  if (test.maxFeePerGas !== undefined) return TransactionType.FeeMarketEIP1559
  return hasAccessList ? TransactionType.AccessListEIP2930 : TransactionType.Legacy
}

/** Fillers write a value that is larger than 256 bits as `0x:bigint 0x…`. */
function valueOf(text: string): bigint {
  try {
    return BigInt(text.replace(/^0x:bigint /, '') || 0)
  } catch (cause) {
    throw new MalformedTest(`value: no number: ${text.slice(0, 80)}`, { cause })
  }
}

function pick<T>(values: readonly T[], index: number, name: string): T {
  const value = values[index]
  if (value === undefined) throw new MalformedTest(`indexes name ${name} ${index}, and there are ${values.length}`)
  return value
}

function authorizationOf({
  chainId,
  address,
  nonce,
  v,
  yParity,
  r,
  s,
}: NonNullable<StateTestTransaction['authorizationList']>[number]) {
  const hex = (value: bigint) => `0x${value.toString(16)}`
  return { chainId: hex(chainId), address, nonce: hex(nonce), yParity: hex(yParity ?? v ?? 0n), r: hex(r), s: hex(s) }
}
