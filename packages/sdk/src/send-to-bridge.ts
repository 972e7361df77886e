import { systemContracts } from '@hawser/contracts'
import type { Account, Hex, TransactionReceipt } from 'viem'
import { estimateContractGas, waitForTransactionReceipt, writeContract } from 'viem/actions'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'
import { bridgeCallAbi } from './system-abi.ts'

export interface SentToBridge {
  /** Of the EVM transaction. */
  readonly hash: Hex
  readonly receipt: TransactionReceipt
  /** Gas used times the price paid, wei. */
  readonly feeWei: bigint
}

type BridgeCall =
  | { readonly functionName: 'requestWithdrawal'; readonly args: readonly [Hex, bigint]; readonly value: bigint }
  | { readonly functionName: 'raiseMaxFee'; readonly args: readonly [bigint]; readonly value: bigint }
  | { readonly functionName: 'cancel'; readonly args: readonly [bigint]; readonly value?: undefined }
  | { readonly functionName: 'halt'; readonly args: readonly [bigint, number, Hex, Hex]; readonly value?: undefined }

const RECEIPT_TIMEOUT_MS = 60_000
const RECEIPT_POLL_MS = 250
/** A batch that is formed just before the call empties the queue, and then the same call writes more fresh slots. */
const GAS_HEADROOM_PERCENT = 160n

/** @internal The client's account. @throws ACCOUNT_MISSING */
export function signerOf(client: HawserClient): Account {
  if (client.account) return client.account
  throw sdkError('ACCOUNT_MISSING', 'user', 'a transaction needs an account; make the client with { account }')
}

/** @internal Estimates, sends and awaits a call to the bridge: what would revert is said in words and never sent. */
export function sendToBridge(client: HawserClient, call: BridgeCall): Promise<SentToBridge> {
  const account = signerOf(client)
  return explained(async () => {
    const parameters = { abi: bridgeCallAbi, address: systemContracts.bridge, account, ...call } as const
    const estimate = await estimateContractGas(client, parameters as never)
    const gas = (estimate * GAS_HEADROOM_PERCENT) / 100n
    const hash = await writeContract(client, { chain: client.chain ?? null, ...parameters, gas } as never)
    const receipt = await waitForTransactionReceipt(client, {
      hash,
      timeout: RECEIPT_TIMEOUT_MS,
      pollingInterval: RECEIPT_POLL_MS,
    })
    if (receipt.status !== 'success')
      throw sdkError(
        'CONTRACT_REVERTED',
        'user',
        `transaction ${hash} reverted in block ${receipt.blockNumber}; try again`,
      )
    return { hash, receipt, feeWei: receipt.gasUsed * receipt.effectiveGasPrice }
  })
}
