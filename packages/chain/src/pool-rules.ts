import type { TypedTransaction } from '@ethereumjs/tx'
import { AppError, type Address } from '@hawser/primitives'
import type { ChainError } from './errors.ts'
import type { PoolAccount, Pooled } from './sender-queue.ts'
import { isInherentShape, maxFeePerGas } from './transaction.ts'

/** How far a nonce may lie ahead of the account's. */
export const MAX_NONCE_GAP = 1_024n
/** A replacement must pay so many percent more, as Geth asks. */
export const REPLACEMENT_PERCENT = 10n

export interface PoolRules {
  readonly sessionKeys: ReadonlySet<Address>
  /** Wei for a unit of gas. */
  readonly minFeePerGas: bigint
}

/**
 * What a transaction must be by itself and against its sender's account, in Geth's words: tools read them.
 * @throws TX_UNDERPRICED, TX_FROM_SESSION_KEY, TX_GAS_TOO_HIGH, TX_GAS_TOO_LOW, TX_NONCE_TOO_LOW, TX_NONCE_TOO_HIGH, TX_INSUFFICIENT_FUNDS
 */
export function checkTransaction(
  rules: PoolRules,
  tx: TypedTransaction,
  sender: Address,
  account: PoolAccount,
  blockGasLimit: bigint,
): void {
  if (isInherentShape(tx)) throw refuse('TX_UNDERPRICED', 'transaction underpriced: gas price 0 is for inherents alone')
  if (rules.sessionKeys.has(sender))
    throw refuse('TX_FROM_SESSION_KEY', `${sender} is a validator's session key, which sends no paid transactions`)
  const maxFee = maxFeePerGas(tx)
  if (maxFee < rules.minFeePerGas)
    throw refuse(
      'TX_UNDERPRICED',
      `transaction underpriced: max fee per gas ${maxFee} wei is below the least base fee ${rules.minFeePerGas}`,
    )
  if ('maxPriorityFeePerGas' in tx && tx.maxPriorityFeePerGas > tx.maxFeePerGas)
    throw refuse('TX_UNDERPRICED', 'max priority fee per gas higher than max fee per gas')
  if (tx.gasLimit > blockGasLimit)
    throw refuse('TX_GAS_TOO_HIGH', `exceeds block gas limit: ${tx.gasLimit} of ${blockGasLimit}`)
  checkGas(tx)
  if (tx.nonce < account.nonce)
    throw refuse('TX_NONCE_TOO_LOW', `nonce too low: next nonce ${account.nonce}, tx nonce ${tx.nonce}`)
  if (tx.nonce > account.nonce + MAX_NONCE_GAP)
    throw refuse('TX_NONCE_TOO_HIGH', `nonce too high: next nonce ${account.nonce}, tx nonce ${tx.nonce}`)
  const cost = upfrontCost(tx)
  if (cost > account.balance)
    throw refuse(
      'TX_INSUFFICIENT_FUNDS',
      `insufficient funds for gas * price + value: address ${sender} have ${account.balance} want ${cost}`,
    )
}

function checkGas(tx: TypedTransaction): void {
  // Nearly all are plain transfers: theirs needs no counting.
  const plain = tx.to !== undefined && tx.data.length === 0 && (tx.type === 0 || isShort(tx))
  if (plain && tx.gasLimit >= 21_000n) return
  const intrinsic = tx.getIntrinsicGas()
  if (tx.gasLimit < intrinsic)
    throw refuse('TX_GAS_TOO_LOW', `intrinsic gas too low: gas ${tx.gasLimit}, minimum needed ${intrinsic}`)
  const least = tx.getMinimumGasLimit()
  if (tx.gasLimit < least)
    throw refuse(
      'TX_GAS_TOO_LOW',
      `insufficient gas for floor data gas cost: gas ${tx.gasLimit}, minimum needed ${least}`,
    )
}

function isShort(tx: TypedTransaction): boolean {
  return tx.type !== 4 && 'accessList' in tx && tx.accessList.length === 0
}

/** @throws TX_REPLACEMENT_UNDERPRICED unless both fees are a tenth higher */
export function checkReplacement(old: Pooled, fresh: Pooled): void {
  const enough = (a: bigint, b: bigint) => b * 100n >= a * (100n + REPLACEMENT_PERCENT)
  if (!enough(old.maxFee, fresh.maxFee) || !enough(old.maxTip, fresh.maxTip))
    throw refuse('TX_REPLACEMENT_UNDERPRICED', 'replacement transaction underpriced')
}

/** The most that a transaction can take from its sender, in wei. */
export function upfrontCost(tx: TypedTransaction): bigint {
  return tx.value + tx.gasLimit * maxFeePerGas(tx)
}

type UserCode = Extract<ChainError, { fault: 'user' }>['code']

export function refuse(code: UserCode, message: string): AppError<ChainError> {
  return new AppError<ChainError>({ code, fault: 'user' }, message)
}

export function poolFull(message: string): AppError<ChainError> {
  return new AppError<ChainError>({ code: 'POOL_FULL', fault: 'local', retry: true }, `txpool is full: ${message}`)
}
