import type { BlockHeader } from '@ethereumjs/block'
import { Account, createAddressFromString } from '@ethereumjs/util'
import type { CallRequest, Log } from '@hawser/chain'
import { toHex, ZERO_ADDRESS, type Address, type Hash32 } from '@hawser/primitives'
import type { Machine } from '../machine.ts'
import { applyAuthorizations } from './authorizations.ts'
import { refused } from './errors.ts'
import { precompileAddresses } from './precompile-addresses.ts'
import { intrinsicGas } from './intrinsic-gas.ts'

const MAX_REFUND_QUOTIENT = 5n // EIP-3529
const MAX_REFUND_QUOTIENT_FRONTIER = 2n
const BLOB_GAS = 131_072n // EIP-4844
const MAX_INIT_CODE_BYTES = 49_152 // EIP-3860
const NONCE_MASK = (1n << 64n) - 1n

/** A transaction without a signature: what a call, an estimate or a simulation runs. */
export interface Message extends CallRequest {
  readonly from: Address
  readonly gas: bigint
  readonly value: bigint
  /** What a unit of gas costs, in wei. */
  readonly effectiveGasPrice: bigint
  /** The most that a unit of gas may cost; what the balance must cover. */
  readonly feeCap: bigint
  readonly tipCap: bigint
}

/** Which of a block's checks a message must pass. */
export interface MessageChecks {
  /** The nonce must be the account's next one. */
  readonly nonce: boolean
  /** A price of zero must cover the base fee too; otherwise it pays nothing to anybody. */
  readonly fees: boolean
  /** Whether to tell which accounts and slots were touched. */
  readonly access?: boolean
}

export interface MessageResult {
  readonly output: Uint8Array
  readonly gasUsed: bigint
  /** Before refunds: what the gas limit must allow for. */
  readonly maxGasUsed: bigint
  readonly logs: readonly Log[]
  /** EthereumJS's word for what went wrong; `revert` for a revert. */
  readonly exception?: string
  readonly created?: Address
  /** Slots by account, hex without prefix, when they were asked for. */
  readonly access?: ReadonlyMap<string, ReadonlySet<string>>
}

/** A request as it runs in a block with this header: fees resolved as Geth does. */
export function toMessage(request: CallRequest, header: BlockHeader, gas: bigint): Message {
  const { gasPrice, maxFeePerGas = 0n, maxPriorityFeePerGas = 0n } = request
  const baseFee = header.common.isActivatedEIP(1559) ? (header.baseFeePerGas ?? 0n) : undefined
  const common = { ...request, from: request.from ?? ZERO_ADDRESS, gas, value: request.value ?? 0n }
  if (baseFee === undefined || gasPrice !== undefined) {
    const price = gasPrice ?? 0n
    return { ...common, effectiveGasPrice: price, feeCap: price, tipCap: price }
  }
  const wanted = maxFeePerGas > 0n || maxPriorityFeePerGas > 0n ? maxPriorityFeePerGas + baseFee : 0n
  return {
    ...common,
    effectiveGasPrice: wanted < maxFeePerGas ? wanted : maxFeePerGas,
    feeCap: maxFeePerGas,
    tipCap: maxPriorityFeePerGas,
  }
}

/**
 * Runs a message on the machine's state as a transaction of the block, and leaves what it did there.
 * @throws CALL_… when it could not stand in a block; the state is as it was then
 */
export async function applyMessage(
  machine: Machine,
  header: BlockHeader,
  message: Message,
  checks: MessageChecks,
): Promise<MessageResult> {
  const { evm, state } = machine
  const { common } = header
  const { intrinsic, floor } = intrinsicGas(common, message)
  const from = createAddressFromString(message.from)
  const sender = (await state.getAccount(from)) ?? new Account()
  const pays = checks.fees || message.feeCap > 0n || message.tipCap > 0n
  const blobFee = blobFeeOf(header, message, checks)
  checkNonce(message, sender.nonce, checks)
  if (pays) checkFees(message, header)
  checkFunds(message, sender.balance, blobFee)
  checkGas(message, common.isActivatedEIP(3860), intrinsic, floor)

  await evm.journal.cleanup()
  await evm.journal.checkpoint()
  try {
    if (checks.access) evm.journal.startReportingAccessList()
    warmUp(machine, header, message)
    sender.balance -= message.gas * message.effectiveGasPrice + blobFee
    sender.nonce = (sender.nonce + 1n) & NONCE_MASK
    await evm.journal.putAccount(from, sender)
    const credit = message.authorizationList ? await applyAuthorizations(machine, message.authorizationList) : 0n
    const { execResult, createdAddress } = await evm.runCall({
      caller: from,
      origin: from,
      to: message.to === undefined ? undefined : createAddressFromString(message.to),
      data: message.data ?? new Uint8Array(),
      value: message.value,
      gasLimit: message.gas - intrinsic,
      gasPrice: message.effectiveGasPrice,
      blobVersionedHashes: message.blobVersionedHashes ? [...message.blobVersionedHashes] : undefined,
      block: { header } as never,
      skipNonceIncrement: true,
    })
    const spent = intrinsic + execResult.executionGasUsed
    const most = spent / (common.isActivatedEIP(3529) ? MAX_REFUND_QUOTIENT : MAX_REFUND_QUOTIENT_FRONTIER)
    const refund = credit + (execResult.gasRefund ?? 0n)
    const afterRefund = spent - (refund < most ? refund : most)
    const gasUsed = afterRefund > floor ? afterRefund : floor
    await settle(machine, header, message, gasUsed, pays)
    for (const [address] of execResult.selfdestruct ?? [])
      if (!common.isActivatedEIP(6780) || execResult.createdAddresses?.has(address))
        await evm.journal.deleteAccount(createAddressFromString(address))
    const access = evm.journal.accessList
    await evm.journal.commit()
    await evm.journal.cleanup()
    const exception = execResult.exceptionError?.error
    return {
      output: execResult.returnValue,
      gasUsed,
      maxGasUsed: spent > floor ? spent : floor,
      logs: exception === undefined ? (execResult.logs ?? []).map(formLog) : [],
      exception,
      created: exception === undefined && createdAddress ? (createdAddress.toString() as Address) : undefined,
      access,
    }
  } catch (error) {
    await evm.journal.revert()
    evm.journal.cleanJournal()
    throw error
  } finally {
    state.originalStorageCache.clear()
  }
}

/** Gives the sender back what was not used, and the author the tip. */
async function settle(machine: Machine, header: BlockHeader, message: Message, gasUsed: bigint, pays: boolean) {
  const { evm, state } = machine
  if (!pays) return
  const from = createAddressFromString(message.from)
  const sender = (await state.getAccount(from)) ?? new Account()
  sender.balance += (message.gas - gasUsed) * message.effectiveGasPrice
  await evm.journal.putAccount(from, sender)
  const tip = message.effectiveGasPrice - (header.common.isActivatedEIP(1559) ? (header.baseFeePerGas ?? 0n) : 0n)
  const author = (await state.getAccount(header.coinbase)) ?? new Account()
  author.balance += gasUsed * tip
  await evm.journal.putAccount(header.coinbase, author)
}

function checkNonce({ from, nonce }: Message, next: bigint, checks: MessageChecks): void {
  if (!checks.nonce || nonce === undefined || nonce === next) return
  const words = `address ${from}, tx: ${nonce} state: ${next}`
  if (nonce < next) throw refused('CALL_NONCE_TOO_LOW', `nonce too low: ${words}`)
  throw refused('CALL_NONCE_TOO_HIGH', `nonce too high: ${words}`)
}

function checkFees({ from, feeCap, tipCap }: Message, header: BlockHeader): void {
  if (!header.common.isActivatedEIP(1559)) return
  const baseFee = header.baseFeePerGas ?? 0n
  if (tipCap > feeCap)
    throw refused(
      'CALL_TIP_ABOVE_CAP',
      `max priority fee per gas higher than max fee per gas: address ${from}, maxPriorityFeePerGas: ${tipCap}, maxFeePerGas: ${feeCap}`,
    )
  if (feeCap < baseFee)
    throw refused(
      'CALL_FEE_TOO_LOW',
      `max fee per gas less than block base fee: address ${from}, maxFeePerGas: ${feeCap}, baseFee: ${baseFee}`,
    )
}

function checkFunds({ from, gas, feeCap, value }: Message, have: bigint, blobFee: bigint): void {
  const want = gas * feeCap + value + blobFee
  if (have < want)
    throw refused(
      'CALL_INSUFFICIENT_FUNDS',
      `insufficient funds for gas * price + value: address ${from} have ${have} want ${want} (supplied gas ${gas})`,
    )
}

function checkGas(message: Message, initCodeLimited: boolean, intrinsic: bigint, floor: bigint): void {
  const { gas, data, to } = message
  if (gas < intrinsic) throw refused('CALL_INTRINSIC_GAS', `intrinsic gas too low: have ${gas}, want ${intrinsic}`)
  if (gas < floor)
    throw refused('CALL_INTRINSIC_GAS', `insufficient gas for floor data gas cost: have ${gas}, want ${floor}`)
  if (to === undefined && initCodeLimited && (data?.length ?? 0) > MAX_INIT_CODE_BYTES)
    throw refused(
      'CALL_INIT_CODE_TOO_LARGE',
      `max initcode size exceeded: code size ${data?.length} limit ${MAX_INIT_CODE_BYTES}`,
    )
  if (to === undefined && (message.authorizationList || message.blobVersionedHashes))
    throw refused('CALL_INVALID', 'a transaction with authorizations or blobs cannot create a contract')
}

/** What the blobs cost, in wei. */
function blobFeeOf(header: BlockHeader, message: Message, checks: MessageChecks): bigint {
  const blobs = message.blobVersionedHashes?.length ?? 0
  if (blobs === 0) return 0n
  const cap = message.maxFeePerBlobGas ?? 0n
  if (!checks.fees && cap === 0n) return 0n
  const price = header.getBlobGasPrice()
  if (cap < price)
    throw refused(
      'CALL_FEE_TOO_LOW',
      `max fee per blob gas less than block blob gas fee: maxFeePerBlobGas: ${cap}, blobBaseFee: ${price}`,
    )
  return BigInt(blobs) * BLOB_GAS * price
}

function warmUp({ evm }: Machine, header: BlockHeader, message: Message): void {
  const { journal } = evm
  if (!header.common.isActivatedEIP(2929)) return
  for (const address of precompileAddresses(evm)) journal.addAlwaysWarmAddress(address)
  journal.addAlwaysWarmAddress(message.from)
  if (message.to !== undefined) journal.addAlwaysWarmAddress(message.to)
  if (header.common.isActivatedEIP(3651)) journal.addAlwaysWarmAddress(toHex(header.coinbase.bytes))
  for (const { address, storageKeys } of message.accessList ?? []) {
    journal.addAlwaysWarmAddress(address)
    for (const key of storageKeys) journal.addAlwaysWarmSlot(address, key)
  }
}

function formLog([address, topics, data]: [Uint8Array, Uint8Array[], Uint8Array]): Log {
  return { address: toHex(address) as Address, topics: topics.map((topic) => toHex(topic) as Hash32), data }
}
