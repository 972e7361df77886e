import { FormBatchStatus, WithdrawalStatus } from '@hawser/contracts'
import { formatBtc, isAppError, messageOf, WEI_PER_SAT } from '@hawser/primitives'
import {
  BaseError,
  ContractFunctionRevertedError,
  HttpRequestError,
  InsufficientFundsError,
  RpcRequestError,
  SocketClosedError,
  TimeoutError,
  WebSocketRequestError,
} from 'viem'
import { sdkError, type SdkError } from './errors.ts'

type Arguments = readonly unknown[]
type Explanation = string | ((args: Arguments) => string)

const amount = (sats: unknown) => `${formatBtc(BigInt(sats as bigint))} BTC`
const nameOf = (values: Readonly<Record<string, number>>, value: unknown) =>
  Object.entries(values).find(([, number]) => number === Number(value))?.[0] ?? String(value)

/** What each error of the bridge and the light client means for people: what, why, what to do. */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  BridgePaused: 'the bridge is paused; nothing is accepted until the validators resume it; try again later',
  NotYetSupported:
    'the bridge does not support this yet (nor deposits with a refund key); use what `hawser --help` lists',
  WrongOutputKey: 'the output does not pay the deposit address of this account; check the account',
  UnknownCommittee: ([id]) => `there is no committee ${id}; ask the node for a deposit address of today`,
  CommitteeExpired: ([id]) =>
    `committee ${id} is replaced and its deposits are no longer credited; ask for a new address`,
  UnsupportedDepositKind: ([kind]) => `deposits of kind ${kind} do not exist yet; use kind 0`,
  ZeroAccount: 'the zero address cannot be credited; name an account of yours',
  AlreadyCredited: 'this payment is credited already; nothing is left to do',
  NoSuchOutput: ([vout]) => `the transaction has no output ${vout}; check the txid`,
  NotTaproot: 'the output is no Taproot output; only payments to a deposit address can be credited',
  DepositTooSmall: ([value, least]) =>
    `the payment of ${amount(value)} is below the least deposit of ${amount(least)}; pay more in one output`,
  ReclaimTooNear: ([left, required]) =>
    `only ${left} blocks are left before the depositor may reclaim, and ${required} are needed; reclaim it and pay anew`,
  BadOpReturnDeposit: 'the transaction is no well-formed OP_RETURN deposit; see docs for its format',
  PegBroken: ([owed, custody]) =>
    `refused because custody (${custody} sat) would not cover what is owed (${owed} sat); tell the operators`,
  NonStandardScript: 'the receiver is no standard script; use a P2PKH, P2SH, P2WPKH, P2WSH or P2TR address',
  CommitteeScript: 'the receiver is the bridge itself; use an address of your own wallet',
  BadValue: ([value]) => `${value} wei is no positive whole number of satoshis; use a multiple of ${WEI_PER_SAT} wei`,
  AmountTooSmall: ([value, least]) =>
    `${amount(value)} is below the least withdrawal of ${amount(least)}; withdraw more`,
  MaxFeeTooLow: ([value, least]) => `a max fee of ${value} sat is below the least of ${least} sat; offer more`,
  NotYourWithdrawal: ([id]) =>
    `withdrawal ${id} is none of this account's; sign with the account that asked for it, and check the number`,
  WrongWithdrawalStatus: ([id, status]) =>
    `withdrawal ${id} is ${nameOf(WithdrawalStatus, status).toLowerCase()}; it is too late for this`,
  CannotFormBatch: ([status]) => `no batch can be formed now: ${nameOf(FormBatchStatus, status)}; wait`,
  WrongBatchStatus: ([id]) => `batch ${id} is not in flight; it is settled already or does not exist`,
  AlreadyVoted: ([session]) => `validator ${session} has voted in this pause already; the others must vote`,
  WrongPauseId: ([actual, expected]) => `pause ${actual} is over, the number is ${expected} now; vote again`,
  NotPaused: 'the bridge is not paused; there is nothing to resume',
  Unauthorised: 'the key is no validator’s; check which key signs',
  NothingToClaim: 'there is nothing to claim for this account',
  TransferFailed: 'the receiver of the coins refused them; it is a contract without a payable receive function',
  NotEnoughGas: 'the transaction has too little gas; raise its gas limit',
  NotEnoughConfirmations: ([actual, required]) =>
    `the Bitcoin block has ${actual} of ${required} confirmations in the chain's light client; wait for more blocks`,
  ReorganisationUnderWay: 'Bitcoin reorganises and the light client is following; try again in some blocks',
  UnknownValidator: ([session]) => `${session} is no validator of now; \`hawser validators\` lists them`,
  UnknownManagement: ([management]) =>
    `no current validator has the management key ${management}; check which key signs`,
  BadSignature: ([expected]) => `a signature is not that of ${expected}, or is over something else; sign again`,
  KeyInUse: 'a new key is, or was, some validator’s; keys are never used twice: make new ones',
  NothingChanges: 'nothing would change: it is so already, or the votes are counted already',
  AlreadyLeaving: 'the validator leaves at the end of this epoch already',
  LastValidator: 'nobody would be left in the set; add another validator first',
  TooManyValidators: 'the set is full; somebody must leave first',
  TooManyVotes: 'these are more votes than there can be validators; submit fewer at once',
  DeadlinePassed: ([deadline]) => `the proposal's deadline, block ${deadline}, has passed; propose it anew`,
  AlreadyPassed: 'the proposal has passed already; it takes effect at the end of its epoch',
  BadParams: 'a parameter is not allowed, such as the zero address as beneficiary',
  BadProof: 'the Bitcoin proof is worthless (coinbase, branch or size are wrong); ask another node',
  BadMerkleBranch: 'the Merkle branch does not lead to the block; ask another node',
  NothingNew: 'the light client knows these headers already',
  UnknownParent: 'the headers do not connect to the light client; send the ones before them first',
}

/** A revert of a system contract in words. */
export function explainRevert(name: string, args: Arguments): string {
  const explanation = EXPLANATIONS[name]
  if (explanation === undefined) return `the contract refused it: ${name}(${args.map(String).join(', ')})`
  return typeof explanation === 'string' ? explanation : explanation(args)
}

/** @internal What a node refused with: its code, the reason in its data, its words. */
export function refusalOf(error: unknown): {
  readonly code?: number
  readonly reason?: string
  readonly message: string
} {
  let found: { code?: number; reason?: string } = {}
  let at = error
  for (let depth = 0; depth < MAX_CAUSES && typeof at === 'object' && at !== null; depth++) {
    const { code, data, cause } = at as { code?: unknown; data?: { reason?: unknown } | null; cause?: unknown }
    if (typeof code === 'number' && found.code === undefined) found = { ...found, code }
    const reason = typeof data === 'object' ? data?.reason : undefined
    if (typeof reason === 'string') found = { ...found, reason }
    at = cause
  }
  return { ...found, message: messageOf(error) }
}

/** Errors that wrap one another: viem's and ours are a handful. */
const MAX_CAUSES = 8

/** Turns whatever viem throws into one precise error; errors of ours pass through. */
export function explainError(error: unknown): SdkError {
  if (isAppError(error)) return error as SdkError
  if (!(error instanceof BaseError)) return sdkError('NODE_REFUSED', 'user', messageOf(error), { cause: error })
  const revert = error.walk((inner) => inner instanceof ContractFunctionRevertedError)
  if (revert instanceof ContractFunctionRevertedError) {
    const { errorName, args = [] } = revert.data ?? {}
    const paused = errorName === 'BridgePaused'
    const message = errorName
      ? explainRevert(errorName, args)
      : `the contract reverted: ${revert.reason ?? revert.signature ?? 'without a reason'}`
    return sdkError(paused ? 'BRIDGE_PAUSED' : 'CONTRACT_REVERTED', 'user', message, {
      cause: error,
      reason: errorName ?? revert.signature,
    })
  }
  if (error.walk((inner) => inner instanceof InsufficientFundsError))
    return sdkError('BALANCE_TOO_LOW', 'user', 'the account cannot pay amount, fee and gas; fund it with a deposit', {
      cause: error,
    })
  const rpc = error.walk((inner) => inner instanceof RpcRequestError)
  if (rpc instanceof RpcRequestError) {
    const code = /insufficient funds/i.test(rpc.details) ? 'BALANCE_TOO_LOW' : 'NODE_REFUSED'
    return sdkError(code, 'user', rpc.details, { cause: error })
  }
  const transport = error.walk(
    (inner) =>
      inner instanceof HttpRequestError ||
      inner instanceof TimeoutError ||
      inner instanceof WebSocketRequestError ||
      inner instanceof SocketClosedError,
  )
  if (transport instanceof BaseError)
    return sdkError(
      'NODE_UNREACHABLE',
      'user',
      `the node does not answer: ${transport.details || transport.shortMessage}`,
      {
        cause: error,
        retry: true,
      },
    )
  return sdkError('NODE_REFUSED', 'user', error.shortMessage, { cause: error })
}
