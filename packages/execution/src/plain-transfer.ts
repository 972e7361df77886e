import type { BlockHeader } from '@ethereumjs/block'
import { ConsensusType, type Common } from '@ethereumjs/common'
import { isAccessList2930Tx, isFeeMarket1559Tx, isLegacyTx, type TypedTransaction } from '@ethereumjs/tx'
import { equalBytes, toHex } from '@hawser/primitives'
import type { Machine } from './machine.ts'
import { senderBytes } from './sender.ts'
import { EMPTY_CODE_HASH, EMPTY_ROOT, type AccountRecord } from './state/account.ts'
import type { JournaledState } from './state/journaled-state.ts'

const TRANSFER_GAS = 21_000n
const MAX_BALANCE = (1n << 256n) - 1n
const DELEGATION = Uint8Array.of(0xef, 0x01, 0x00) // EIP-7702
/** What changes a transfer's price, logs or account: forks from Amsterdam on. */
const LATER_EIPS = [2780, 7708, 7778, 7864, 7928, 7981, 8037] as const

const plainRules = new WeakMap<Common, boolean>()

/**
 * Runs a transaction that only moves value to an account without code, with exactly the outcome that the interpreter's path has; it
 * says what gas that took. undefined: it is no such transaction, or it cannot stand here; nothing has happened then, and the
 * interpreter's path decides.
 */
export function runPlainTransfer(
  { evm, vm, state }: Machine,
  tx: TypedTransaction,
  header: BlockHeader,
): bigint | undefined {
  const { to, data, value, gasLimit } = tx
  if (!to || data.length > 0 || !hasPlainRules(header.common)) return undefined
  // Who listens to the interpreter wants to see it run.
  if (evm.events.eventNames().length > 0 || vm.events.eventNames().length > 0) return undefined
  const price = priceOf(tx, header.baseFeePerGas ?? 0n)
  const { journal } = state
  const from = senderBytes(tx)
  const sender = journal.account(from)
  const target = journal.account(to.bytes)
  if (!price || !sender || sender.nonce !== tx.nonce || sender.balance < gasLimit * price.max + value) return undefined
  if (!maySend(journal, from, sender) || (target && !hasNoCode(target))) return undefined
  if ((target?.balance ?? 0n) + value > MAX_BALANCE || isPrecompile(evm.precompiles, to.bytes)) return undefined
  const gas = price.gas(tx)
  if (gasLimit < gas) return undefined

  const fees = gas * price.effective
  journal.putAccount(from, { ...sender, nonce: sender.nonce + 1n, balance: sender.balance - value - fees })
  credit(journal, to.bytes, value)
  credit(journal, header.coinbase.bytes, gas * price.tip)
  return gas
}

/** An account that is touched and stays empty goes (EIP-161). */
function credit(journal: JournaledState, address: Uint8Array, wei: bigint): void {
  const record = journal.account(address)
  if (!record) {
    if (wei > 0n)
      journal.putAccount(address, { nonce: 0n, balance: wei, storageRoot: EMPTY_ROOT, codeHash: EMPTY_CODE_HASH })
    return
  }
  if (wei > 0n) journal.putAccount(address, { ...record, balance: record.balance + wei })
  else if (record.balance === 0n && record.nonce === 0n && hasNoCode(record)) journal.deleteAccount(address)
}

interface Price {
  /** The most that a unit of gas may cost: what the sender must have. */
  readonly max: bigint
  readonly effective: bigint
  /** The author's part. */
  readonly tip: bigint
  gas(tx: TypedTransaction): bigint
}

const transferGas = () => TRANSFER_GAS
const intrinsicGas = (tx: TypedTransaction) => tx.getIntrinsicGas()

/** undefined: another kind of transaction, or one that does not pay the base fee. */
function priceOf(tx: TypedTransaction, baseFee: bigint): Price | undefined {
  if (isFeeMarket1559Tx(tx)) {
    const room = tx.maxFeePerGas - baseFee
    if (room < 0n) return undefined
    const tip = tx.maxPriorityFeePerGas < room ? tx.maxPriorityFeePerGas : room
    const gas = tx.accessList.length === 0 ? transferGas : intrinsicGas
    return { max: tx.maxFeePerGas, effective: baseFee + tip, tip, gas }
  }
  if (!isLegacyTx(tx) && !isAccessList2930Tx(tx)) return undefined
  const tip = tx.gasPrice - baseFee
  if (tip < 0n) return undefined
  return { max: tx.gasPrice, effective: tx.gasPrice, tip, gas: isLegacyTx(tx) ? transferGas : intrinsicGas }
}

/** EIP-3607, and EIP-7702's exception from it. */
function maySend(journal: JournaledState, address: Uint8Array, record: AccountRecord): boolean {
  return hasNoCode(record) || equalBytes(journal.code(address).subarray(0, 3), DELEGATION)
}

function hasNoCode(record: AccountRecord): boolean {
  return record.codeHash === EMPTY_CODE_HASH || equalBytes(record.codeHash, EMPTY_CODE_HASH)
}

/** Precompiles are low addresses: 18 bytes of zeros. */
function isPrecompile(precompiles: ReadonlyMap<string, unknown>, address: Uint8Array): boolean {
  for (let i = 0; i < 18; i++) if (address[i] !== 0) return false
  return precompiles.has(toHex(address).slice(2))
}

/** London to Osaka. */
function hasPlainRules(common: Common): boolean {
  let plain = plainRules.get(common)
  if (plain === undefined) {
    plain =
      common.isActivatedEIP(1559) &&
      !LATER_EIPS.some((eip) => common.isActivatedEIP(eip)) &&
      common.consensusType() !== ConsensusType.ProofOfAuthority
    plainRules.set(common, plain)
  }
  return plain
}
