import { bridgeAbi, systemContracts } from '@hawser/contracts'
import { address } from '@hawser/primitives'
import { readContract } from 'viem/actions'
import { getBitcoinNetwork } from './chain-facts.ts'
import { readWithdrawal, type Withdrawal } from './get-withdrawal.ts'
import { explained, type HawserClient } from './hawser-client.ts'

/** What the contract answers at most in one call. */
export const MAX_WITHDRAWALS_PER_CALL = 100

export interface GetWithdrawalsParameters {
  readonly account: string
  /** Requests to pass over, oldest first. */
  readonly offset?: number
  readonly limit?: number
}

/** An account's requests, oldest first, at most 100. */
export async function getWithdrawals(
  client: HawserClient,
  parameters: GetWithdrawalsParameters,
): Promise<Withdrawal[]> {
  const { offset = 0, limit = MAX_WITHDRAWALS_PER_CALL } = parameters
  const account = address(parameters.account)
  const network = await getBitcoinNetwork(client)
  const stored = await explained(() =>
    readContract(client, {
      abi: bridgeAbi,
      address: systemContracts.bridge,
      functionName: 'withdrawalsOf',
      args: [account, BigInt(offset), BigInt(Math.min(limit, MAX_WITHDRAWALS_PER_CALL))],
    }),
  )
  return stored.flatMap((item) => readWithdrawal(item, network) ?? [])
}
