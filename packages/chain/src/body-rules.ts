import type { Block } from '@ethereumjs/block'
import type { Common } from '@ethereumjs/common'
import { isBlob4844Tx, type TypedTransaction } from '@ethereumjs/tx'
import { bitcoinLightClientAbi, bridgeAbi, systemContracts, validatorsAbi } from '@hawser/contracts'
import { AppError, keccak256, messageOf, toHex, utf8, type Address, type Hex } from '@hawser/primitives'
import { encodedBlock, MAX_BLOCK_BYTES, transactionsRoot } from './block-types.ts'
import type { ChainError } from './errors.ts'
import { recoverSenders } from './sender-recovery.ts'
import { isInherentShape, MAX_TRANSACTION_GAS, senderOf } from './transaction.ts'

interface AbiParameter {
  readonly type: string
  readonly components?: readonly AbiParameter[]
}
type AbiItem = { readonly type: string; readonly name?: string; readonly inputs?: readonly AbiParameter[] }

function canonicalType(parameter: AbiParameter): string {
  if (!parameter.type.startsWith('tuple')) return parameter.type
  return `(${(parameter.components ?? []).map(canonicalType).join(',')})${parameter.type.slice('tuple'.length)}`
}

/** The 4-byte selector of a function in an ABI. */
function selectorOf(abi: readonly AbiItem[], name: string): Hex {
  const item = abi.find((candidate) => candidate.type === 'function' && candidate.name === name)
  if (!item) throw new Error(`no function ${name} in the ABI`)
  return toHex(keccak256(utf8(`${name}(${(item.inputs ?? []).map(canonicalType).join(',')})`)).subarray(0, 4))
}

const LIGHT_CLIENT = systemContracts.bitcoinLightClient as Address
const BRIDGE = systemContracts.bridge as Address
const VALIDATORS = systemContracts.validators as Address

/** The functions that inherents may call, in the order that they have in a block (protocol.md section 2). */
const INHERENT_ORDER: readonly { readonly to: Address; readonly selector: Hex; readonly name: string }[] = [
  { to: LIGHT_CLIENT, name: 'submitHeaders', selector: selectorOf(bitcoinLightClientAbi, 'submitHeaders') },
  { to: BRIDGE, name: 'settleBatch', selector: selectorOf(bridgeAbi, 'settleBatch') },
  { to: BRIDGE, name: 'failBatch', selector: selectorOf(bridgeAbi, 'failBatch') },
  { to: BRIDGE, name: 'reportSpend', selector: selectorOf(bridgeAbi, 'reportSpend') },
  { to: BRIDGE, name: 'deposit', selector: selectorOf(bridgeAbi, 'deposit') },
  { to: BRIDGE, name: 'depositByOpReturn', selector: selectorOf(bridgeAbi, 'depositByOpReturn') },
  { to: BRIDGE, name: 'formBatch', selector: selectorOf(bridgeAbi, 'formBatch') },
  { to: BRIDGE, name: 'confirmCommittee', selector: selectorOf(bridgeAbi, 'confirmCommittee') },
  { to: VALIDATORS, name: 'reportEquivocation', selector: selectorOf(validatorsAbi, 'reportEquivocation') },
  { to: VALIDATORS, name: 'reportSealEquivocation', selector: selectorOf(validatorsAbi, 'reportSealEquivocation') },
  { to: BRIDGE, name: 'voteResume', selector: selectorOf(bridgeAbi, 'voteResume') },
]

/** The place of a call in the order of inherents; -1 when inherents may not call it. */
export function inherentRank(to: Hex, data: Uint8Array): number {
  const selector = toHex(data.subarray(0, 4))
  return INHERENT_ORDER.findIndex((entry) => entry.to === to && entry.selector === selector)
}

/** How many transactions at the front of a body are inherents. */
export function countInherents(transactions: readonly TypedTransaction[]): number {
  const first = transactions.findIndex((tx) => !isInherentShape(tx))
  return first === -1 ? transactions.length : first
}

/** The most gas that the inherents of a block may use together. */
export function inherentGasCap(gasLimit: bigint): bigint {
  return gasLimit / 2n
}

/**
 * The body is the one that the header names, and within bounds: all that is left to check of a block that is known to be final.
 * @throws BLOCK_BAD_BODY
 */
export function checkBodyOfHeader(block: Block): void {
  const size = encodedBlock(block).length
  if (size > MAX_BLOCK_BYTES) throw bad(`its RLP has ${size} bytes, at most ${MAX_BLOCK_BYTES} are allowed`)
  if (block.uncleHeaders.length > 0) throw bad('it has ommers')
  if (block.withdrawals === undefined || block.withdrawals.length > 0)
    throw bad('it must have an empty list of withdrawals')
  const root = transactionsRoot(block.transactions)
  if (root !== toHex(block.header.transactionsTrie))
    throw bad(`the transactions have root ${root}, the header says ${toHex(block.header.transactionsTrie)}`)
}

/**
 * Gate 2: the body fits the header, inherents stand first, in order, signed by the author; nothing else has gas price 0.
 * @throws BLOCK_BAD_BODY
 */
export async function checkBody(block: Block, author: Address, common: Common): Promise<void> {
  checkBodyOfHeader(block)
  await recoverSenders(block.transactions)
  let rank = 0
  const inherents = countInherents(block.transactions)
  for (const [index, tx] of block.transactions.entries()) {
    if (isBlob4844Tx(tx)) throw bad(`transaction ${index} is a blob transaction`)
    if (tx.common.chainId() !== common.chainId() || !tx.isSigned())
      throw bad(`transaction ${index} is not signed for this chain`)
    let sender: Address
    try {
      sender = senderOf(tx)
    } catch (error) {
      throw bad(`transaction ${index}: ${messageOf(error)}`)
    }
    if (index >= inherents) {
      if (isInherentShape(tx)) throw bad(`transaction ${index} is an inherent behind a paid one`)
      continue
    }
    if (sender !== author) throw bad(`inherent ${index} is signed by ${sender}, not by the author ${author}`)
    if (tx.gasLimit > MAX_TRANSACTION_GAS) throw bad(`inherent ${index} has a gas limit of ${tx.gasLimit}`)
    const next = inherentRank(tx.to ? (toHex(tx.to.bytes) as Hex) : '0x', tx.data)
    if (next === -1) throw bad(`inherent ${index} calls what inherents may not call`)
    if (next < rank) throw bad(`inherent ${index} (${INHERENT_ORDER[next]?.name}) stands out of order`)
    rank = next
  }
}

function bad(why: string): AppError<ChainError> {
  return new AppError<ChainError>({ code: 'BLOCK_BAD_BODY', fault: 'peer' }, `the block's body is not valid: ${why}`)
}
