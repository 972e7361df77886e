import { scriptToAddress, type BitcoinNetwork } from '@hawser/bitcoin'
import { bridgeAbi, systemContracts, WithdrawalReason, WithdrawalStatus } from '@hawser/contracts'
import { displayBtcHash, fromHex, type Address, type BtcHash, type Hex } from '@hawser/primitives'
import type { ContractFunctionReturnType } from 'viem'
import { readContract } from 'viem/actions'
import { getBitcoinNetwork } from './chain-facts.ts'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'

/** A request as the bridge contract has it. */
export interface Withdrawal {
  readonly id: bigint
  readonly account: Address
  readonly status: 'queued' | 'batched' | 'settled' | 'cancelled'
  /** Why it is queued or batched still, in words; empty otherwise. */
  readonly reason: string
  /** What the receiver gets, exactly. */
  readonly amountSats: bigint
  readonly maxFeeSats: bigint
  /** Paid of maxFee; 0 until settled. */
  readonly feeSats: bigint
  /** The receiver. */
  readonly to: string
  readonly scriptPubKey: Hex
  readonly requestedAtBlock: bigint
  /** 0 until batched. */
  readonly batchId: bigint
  /** As explorers show it, once settled. */
  readonly txid?: string
  readonly vout?: number
}

type Stored = ContractFunctionReturnType<typeof bridgeAbi, 'view', 'getWithdrawal'>

const STATUS = {
  [WithdrawalStatus.Queued]: 'queued',
  [WithdrawalStatus.Batched]: 'batched',
  [WithdrawalStatus.Settled]: 'settled',
  [WithdrawalStatus.Cancelled]: 'cancelled',
} as const

const REASONS: Readonly<Record<number, string>> = {
  [WithdrawalReason.None]: '',
  [WithdrawalReason.WaitingForBatch]: 'the next batch takes it',
  [WithdrawalReason.FeeTooLow]: 'its max fee cannot pay the lowest Bitcoin fee; raise it',
  [WithdrawalReason.NotCovered]: 'not enough of the custody is free now; it waits for batches to settle',
  [WithdrawalReason.BridgePaused]: 'the bridge is paused',
  [WithdrawalReason.TooManyBatches]: 'too many batches are in flight; it waits for one to settle',
  [WithdrawalReason.WaitingForBitcoin]: 'its Bitcoin transaction is being signed or mined',
}

/** @internal The contract's struct in words. */
export function readWithdrawal(stored: Stored, network: BitcoinNetwork): Withdrawal | undefined {
  const status = STATUS[stored.status as keyof typeof STATUS]
  if (status === undefined) return undefined
  return {
    id: stored.id,
    account: stored.account.toLowerCase() as Address,
    status,
    reason: REASONS[stored.reason] ?? '',
    amountSats: stored.amountSats,
    maxFeeSats: stored.maxFeeSats,
    feeSats: stored.feeSats,
    to: scriptToAddress(fromHex(stored.script), network),
    scriptPubKey: stored.script,
    requestedAtBlock: stored.requestedAtBlock,
    batchId: stored.batchId,
    ...(status === 'settled' ? { txid: displayBtcHash(stored.txid as BtcHash), vout: stored.vout } : {}),
  }
}

/** One request, at the best block unless told otherwise. @throws WITHDRAWAL_NOT_FOUND */
export async function getWithdrawal(
  client: HawserClient,
  { id, blockTag = 'latest' }: { readonly id: bigint; readonly blockTag?: 'latest' | 'finalized' },
): Promise<Withdrawal> {
  const network = await getBitcoinNetwork(client)
  const stored = await explained(() =>
    readContract(client, {
      abi: bridgeAbi,
      address: systemContracts.bridge,
      functionName: 'getWithdrawal',
      args: [id],
      blockTag,
    }),
  )
  const withdrawal = readWithdrawal(stored, network)
  if (!withdrawal)
    throw sdkError(
      'WITHDRAWAL_NOT_FOUND',
      'user',
      `there is no withdrawal ${id}; \`hawser withdrawals\` lists an account's`,
    )
  return withdrawal
}
