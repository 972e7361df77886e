import { addressToScript, classifyScript } from '@hawser/bitcoin'
import { systemContracts } from '@hawser/contracts'
import { formatBtc, fromHex, satsToWei, sats, toHex, type Hex, type Sats } from '@hawser/primitives'
import { parseEventLogs } from 'viem'
import { getBalance } from 'viem/actions'
import { getBitcoinNetwork } from './chain-facts.ts'
import { sdkError } from './errors.ts'
import { explained, type HawserClient } from './hawser-client.ts'
import { quoteWithdrawal, type WithdrawalQuote } from './quote-withdrawal.ts'
import { sendToBridge, signerOf, type SentToBridge } from './send-to-bridge.ts'
import { bridgeCallAbi } from './system-abi.ts'

/** The quote is for the longest standard script: P2TR or P2WSH. */
const QUOTED_SCRIPT_BYTES = 34

export interface RequestWithdrawalParameters {
  /** A Bitcoin address of the chain's network, or a standard script as hex. */
  readonly to: string
  /** What the receiver gets, exactly. */
  readonly amountSats: bigint
  /** What the Bitcoin fee may take at most; the quote's suggestion unless told otherwise. */
  readonly maxFeeSats?: bigint
}

export interface RequestedWithdrawal extends SentToBridge {
  readonly id: bigint
  readonly amountSats: bigint
  readonly maxFeeSats: bigint
  readonly scriptPubKey: Hex
}

/** The script that the receiver's address or hex stands for. @throws WITHDRAWAL_SCRIPT_REFUSED, BTC_ADDRESS_INVALID, BTC_ADDRESS_WRONG_NETWORK */
export function receiverScript(to: string, network: Parameters<typeof addressToScript>[1]): Uint8Array {
  if (!to.startsWith('0x')) return addressToScript(to, network)
  const script = fromHex(to)
  const { type } = classifyScript(script)
  if (type === 'other' || type === 'op_return')
    throw sdkError(
      'WITHDRAWAL_SCRIPT_REFUSED',
      'user',
      `the script ${to.slice(0, 80)} is not standard; use P2PKH, P2SH, P2WPKH, P2WSH or P2TR`,
    )
  return script
}

/** What the bridge would refuse, said before anything is sent. @throws WITHDRAWAL_AMOUNT_TOO_SMALL, WITHDRAWAL_FEE_TOO_LOW, BRIDGE_PAUSED */
export function checkWithdrawal(
  amountSats: bigint,
  maxFeeSats: bigint,
  quote: WithdrawalQuote,
  scriptBytes = QUOTED_SCRIPT_BYTES,
): void {
  sats(amountSats)
  sats(maxFeeSats)
  if (quote.paused)
    throw sdkError(
      'BRIDGE_PAUSED',
      'user',
      'the bridge is paused; no withdrawal is accepted until it resumes; try later',
    )
  if (amountSats < quote.minAmountSats)
    throw sdkError(
      'WITHDRAWAL_AMOUNT_TOO_SMALL',
      'user',
      `${formatBtc(amountSats)} BTC is below the least withdrawal of ${formatBtc(quote.minAmountSats)} BTC; withdraw more`,
    )
  if (maxFeeSats < quote.minMaxFeeSats)
    throw sdkError(
      'WITHDRAWAL_FEE_TOO_LOW',
      'user',
      `a max fee of ${maxFeeSats} sat is below the least of ${quote.minMaxFeeSats} sat; offer ${quote.suggestedMaxFeeSats}, the rest returns`,
    )
  const first = lowestFeeSats(quote, scriptBytes)
  if (maxFeeSats < first)
    throw sdkError(
      'WITHDRAWAL_FEE_TOO_LOW',
      'user',
      `a max fee of ${maxFeeSats} sat cannot pay the lowest Bitcoin fee of ${first} sat; offer ${quote.suggestedMaxFeeSats}, the rest returns`,
    )
}

/** What a transaction with one input costs at the lowest rate that is signed; each byte of the script is one vbyte. */
function lowestFeeSats({ rungFeesSats, vsize }: WithdrawalQuote, scriptBytes: number): bigint {
  return vsize === 0n ? 0n : ((rungFeesSats[0] ?? 0n) / vsize) * (vsize + BigInt(scriptBytes - QUOTED_SCRIPT_BYTES))
}

/**
 * Queues a payment to a Bitcoin address: the sender pays amount + max fee and gets back what the fee leaves. Everything
 * that can be checked is checked before anything is sent.
 * @throws WITHDRAWAL_*, BTC_ADDRESS_*, BALANCE_TOO_LOW, BRIDGE_PAUSED, CONTRACT_REVERTED
 */
export async function requestWithdrawal(
  client: HawserClient,
  parameters: RequestWithdrawalParameters,
): Promise<RequestedWithdrawal> {
  const account = signerOf(client)
  const script = receiverScript(parameters.to, await getBitcoinNetwork(client))
  const quote = await quoteWithdrawal(client)
  const { amountSats } = parameters
  const maxFeeSats = parameters.maxFeeSats ?? quote.suggestedMaxFeeSats
  checkWithdrawal(amountSats, maxFeeSats, quote, script.length)
  const value = satsToWei(sats(amountSats + maxFeeSats) as Sats)
  const balance = await explained(() => getBalance(client, { address: account.address }))
  if (balance < value)
    throw sdkError(
      'BALANCE_TOO_LOW',
      'user',
      `${account.address} has ${formatBtc(balance / satsToWei(sats(1)))} BTC and needs ${formatBtc(amountSats + maxFeeSats)} BTC (amount and max fee) and gas; withdraw less`,
    )
  const scriptPubKey = toHex(script)
  const sent = await sendToBridge(client, {
    functionName: 'requestWithdrawal',
    args: [scriptPubKey, maxFeeSats],
    value,
  })
  const [event] = parseEventLogs({
    abi: bridgeCallAbi,
    eventName: 'WithdrawalRequested',
    logs: sent.receipt.logs.filter((log) => log.address.toLowerCase() === systemContracts.bridge),
  })
  if (!event) throw sdkError('CONTRACT_REVERTED', 'peer', `transaction ${sent.hash} has no WithdrawalRequested event`)
  return { ...sent, id: event.args.id, amountSats, maxFeeSats, scriptPubKey }
}
