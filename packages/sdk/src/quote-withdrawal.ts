import { bridgeAbi, systemContracts } from '@hawser/contracts'
import { readContract } from 'viem/actions'
import { explained, type HawserClient } from './hawser-client.ts'

/** What a withdrawal needs now, sats. */
export interface WithdrawalQuote {
  readonly minAmountSats: bigint
  readonly minMaxFeeSats: bigint
  /** vbytes of a transaction with one input and one payout. */
  readonly vsize: bigint
  /** What it costs alone at each fee rate that is signed. */
  readonly rungFeesSats: readonly bigint[]
  /** A max fee that carries it at the first rates; what is not used returns. */
  readonly suggestedMaxFeeSats: bigint
  readonly queued: number
  readonly paused: boolean
}

/** A batch may need more inputs than the quote's one. */
const SUGGESTED_MULTIPLE = 3n

/** What the bridge asks of a withdrawal now. */
export async function quoteWithdrawal(client: HawserClient): Promise<WithdrawalQuote> {
  const quote = await explained(() =>
    readContract(client, { abi: bridgeAbi, address: systemContracts.bridge, functionName: 'quoteWithdrawal' }),
  )
  const wanted = (quote.rungFeesSats[0] ?? quote.minMaxFeeSats) * SUGGESTED_MULTIPLE
  return { ...quote, suggestedMaxFeeSats: wanted > quote.minMaxFeeSats ? wanted : quote.minMaxFeeSats }
}
