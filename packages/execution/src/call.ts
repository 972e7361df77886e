import { createBlockHeader, type BlockHeader } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import type { EVMResult } from '@ethereumjs/evm'
import { createFeeMarket1559Tx } from '@ethereumjs/tx'
import { MAX_TRANSACTION_GAS, type CallOutcome, type CallRequest } from '@hawser/chain'
import { toHex, ZERO_ADDRESS, type Address } from '@hawser/primitives'
import { ethereumAddress } from './block-run.ts'
import type { Machine } from './machine.ts'

const MAX_REFUND_QUOTIENT = 5n // EIP-3529

/** A call's outcome, with the gas that a transaction doing the same would be charged. */
export async function runCall(
  machine: Machine,
  header: BlockHeader,
  request: CallRequest,
  gasLimit: bigint,
): Promise<CallOutcome> {
  const { evm, state } = machine
  const caller = ethereumAddress(request.from ?? ZERO_ADDRESS)
  const { intrinsic, floor } = intrinsicGas(header.common, request)
  if (gasLimit < intrinsic || gasLimit < floor)
    return { kind: 'halt', reason: 'intrinsic gas too low', gasUsed: gasLimit }
  // All in a checkpoint that is reverted: a call changes nothing, and the next one starts anew.
  await state.checkpoint()
  try {
    await evm.journal.cleanup()
    warmUp(machine, header, request)
    const result: EVMResult = await evm.runCall({
      caller,
      origin: caller,
      to: request.to && ethereumAddress(request.to),
      data: request.data ?? new Uint8Array(),
      value: request.value ?? 0n,
      gasLimit: gasLimit - intrinsic,
      gasPrice: request.gasPrice ?? 0n,
      block: { header } as never,
      // With it the caller's nonce would grow, and a created contract would get another address than eth_sendTransaction's.
      skipNonceIncrement: request.to !== undefined,
    })
    const { executionGasUsed, gasRefund = 0n, exceptionError, returnValue } = result.execResult
    const spent = intrinsic + executionGasUsed
    const refund = exceptionError
      ? 0n
      : gasRefund < spent / MAX_REFUND_QUOTIENT
        ? gasRefund
        : spent / MAX_REFUND_QUOTIENT
    const charged = spent - refund > floor ? spent - refund : floor
    if (exceptionError === undefined)
      return {
        kind: 'success',
        output: returnValue,
        gasUsed: charged,
        created: result.createdAddress && (toHex(result.createdAddress.bytes) as Address),
      }
    if (exceptionError.error === 'revert') return { kind: 'revert', output: returnValue, gasUsed: charged }
    return { kind: 'halt', reason: exceptionError.error, gasUsed: charged }
  } finally {
    await state.revert()
    evm.journal.cleanJournal()
    state.originalStorageCache.clear()
  }
}

/** The least gas with which the call succeeds, or the outcome that it has with all gas. */
export async function estimateGas(
  machine: Machine,
  header: BlockHeader,
  request: CallRequest,
): Promise<bigint | CallOutcome> {
  const ceiling = header.gasLimit < MAX_TRANSACTION_GAS ? header.gasLimit : MAX_TRANSACTION_GAS
  let high = request.gas !== undefined && request.gas < ceiling ? request.gas : ceiling
  const most = await runCall(machine, header, request, high)
  if (most.kind !== 'success') return most
  // What was charged is a lower bound but for refunds; the 64th that EIP-150 keeps back makes 64/63 a good first guess.
  let low = most.gasUsed - 1n
  const guess = ((most.gasUsed + most.gasUsed / 4n + 2300n) * 64n) / 63n
  if (guess < high && (await succeeds(guess))) high = guess
  if (await succeeds(most.gasUsed)) return most.gasUsed
  while (low + 1n < high) {
    const middle = (low + high) / 2n
    if (await succeeds(middle)) high = middle
    else low = middle
  }
  return high

  async function succeeds(gas: bigint): Promise<boolean> {
    return (await runCall(machine, header, request, gas)).kind === 'success'
  }
}

/** The header that calls see: as it is, but without a base fee unless a price is given, as Geth has it. */
export function callHeader(header: BlockHeader, request: CallRequest): BlockHeader {
  if (request.gasPrice) return header
  return Object.create(header, { baseFeePerGas: { value: 0n } }) as BlockHeader
}

/** A header on top of another: what a call against `pending` sees. */
export function pendingHeader(fields: Parameters<typeof createBlockHeader>[0], common: Common): BlockHeader {
  return createBlockHeader(fields, { common, setHardfork: false, freeze: false })
}

/** A transaction's gas before its first opcode, and EIP-7623's least charge, by EthereumJS's own rules. */
function intrinsicGas(common: Common, request: CallRequest): { intrinsic: bigint; floor: bigint } {
  const tx = createFeeMarket1559Tx(
    {
      to: request.to,
      data: request.data ?? new Uint8Array(),
      accessList: (request.accessList ?? []).map((item) => ({
        address: item.address,
        storageKeys: [...item.storageKeys],
      })),
      gasLimit: MAX_TRANSACTION_GAS,
    },
    { common, freeze: false },
  )
  const intrinsic = tx.getIntrinsicGas()
  let tokens = 0n
  for (const byte of request.data ?? []) tokens += byte === 0 ? 1n : 4n
  return { intrinsic, floor: 21_000n + 10n * tokens }
}

function warmUp({ evm }: Machine, header: BlockHeader, request: CallRequest): void {
  for (const [address] of evm.precompiles) evm.journal.addAlwaysWarmAddress(address)
  evm.journal.addAlwaysWarmAddress(request.from ?? ZERO_ADDRESS)
  if (request.to) evm.journal.addAlwaysWarmAddress(request.to)
  evm.journal.addAlwaysWarmAddress(toHex(header.coinbase.bytes))
  for (const { address, storageKeys } of request.accessList ?? []) {
    evm.journal.addAlwaysWarmAddress(address)
    for (const key of storageKeys) evm.journal.addAlwaysWarmSlot(address, key)
  }
}
