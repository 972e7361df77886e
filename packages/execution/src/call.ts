import type { BlockHeader } from '@ethereumjs/block'
import { Account, createAddressFromString } from '@ethereumjs/util'
import { isAppError, ZERO_ADDRESS } from '@hawser/primitives'
import { MAX_TRANSACTION_GAS, type CallOutcome, type CallRequest } from '@hawser/chain'
import { withoutBaseFee } from './block-run.ts'
import { refused } from './inspect/errors.ts'
import { applyMessage, toMessage, type MessageChecks, type MessageResult } from './inspect/message.ts'
import { failureReason } from './inspect/reasons.ts'
import { revertReason } from './inspect/revert-reason.ts'
import type { Machine } from './machine.ts'

/** A call pays nothing unless it names a price, and any nonce will do. */
const CALL_CHECKS: MessageChecks = { nonce: false, fees: false }

/**
 * A call's outcome, with the gas that a transaction doing the same would be charged; the state is as before.
 * @throws CALL_… when it cannot run at all
 */
export async function runCall(
  machine: Machine,
  header: BlockHeader,
  request: CallRequest,
  gasLimit: bigint,
): Promise<CallOutcome> {
  return outcomeOf(await tryMessage(machine, header, request, gasLimit, CALL_CHECKS))
}

/** Runs a request as a message and takes back what it did. */
export async function tryMessage(
  machine: Machine,
  header: BlockHeader,
  request: CallRequest,
  gasLimit: bigint,
  checks: MessageChecks,
): Promise<MessageResult> {
  const seen = callHeader(header, request)
  await machine.state.checkpoint()
  try {
    return await applyMessage(machine, seen, toMessage(request, seen, gasLimit), checks)
  } finally {
    await machine.state.revert()
  }
}

/** How a message's result is told. */
export function outcomeOf({ exception, output, gasUsed, created }: MessageResult): CallOutcome {
  if (exception === undefined) return { kind: 'success', output, gasUsed, created }
  if (exception === 'revert') return { kind: 'revert', output, gasUsed, reason: revertReason(output) }
  return { kind: 'halt', reason: failureReason(exception), gasUsed }
}

/** The least gas with which the call succeeds, or the outcome that it has with all gas. */
export async function estimateGas(
  machine: Machine,
  header: BlockHeader,
  request: CallRequest,
  gasCap: bigint = header.gasLimit,
): Promise<bigint | CallOutcome> {
  const ceiling = await affordable(machine, header, request, gasCap)
  let high = request.gas !== undefined && request.gas < ceiling ? request.gas : ceiling
  const most = await tryMessage(machine, header, request, high, CALL_CHECKS)
  if (most.exception !== undefined) return outcomeOf(most)
  // What was charged is a lower bound but for refunds; the 64th that EIP-150 keeps back makes 64/63 a good first guess.
  let low = most.gasUsed - 1n
  const guess = ((most.maxGasUsed + 2300n) * 64n) / 63n
  if (await succeeds(most.gasUsed)) return most.gasUsed
  if (guess < high && (await succeeds(guess))) high = guess
  while (low + 1n < high) {
    const middle = (low + high) / 2n
    if (await succeeds(middle)) high = middle
    else low = middle
  }
  return high

  async function succeeds(gas: bigint): Promise<boolean> {
    try {
      return (await tryMessage(machine, header, request, gas, CALL_CHECKS)).exception === undefined
    } catch (error) {
      if (isAppError(error, 'CALL_INTRINSIC_GAS')) return false
      throw error
    }
  }
}

/** The most gas that a transaction of the sender may ask for in this block. */
async function affordable(
  machine: Machine,
  header: BlockHeader,
  request: CallRequest,
  gasCap: bigint,
): Promise<bigint> {
  let most = header.gasLimit < gasCap ? header.gasLimit : gasCap
  if (header.common.isActivatedEIP(7825) && most > MAX_TRANSACTION_GAS) most = MAX_TRANSACTION_GAS
  const price = request.gasPrice ?? request.maxFeePerGas ?? 0n
  if (price === 0n) return most
  const sender =
    (await machine.state.getAccount(createAddressFromString(request.from ?? ZERO_ADDRESS))) ?? new Account()
  const value = request.value ?? 0n
  if (value > sender.balance)
    throw refused('CALL_INSUFFICIENT_FUNDS', `insufficient funds for transfer: have ${sender.balance}, want ${value}`)
  const gas = (sender.balance - value) / price
  return gas < most ? gas : most
}

/** The header that calls see: as it is, but without a base fee unless a price is given, as Geth has it. */
export function callHeader(
  header: BlockHeader,
  { gasPrice, maxFeePerGas, maxPriorityFeePerGas }: CallRequest,
): BlockHeader {
  return gasPrice || maxFeePerGas || maxPriorityFeePerGas ? header : withoutBaseFee(header)
}
