import type { BlockHeader } from '@ethereumjs/block'
import { AppError, concatBytes, fromHex, keccak256, sha256, toHex, type Hash32 } from '@hawser/primitives'
import { gasLimitAt, type ChainSpec } from './chain-spec.ts'
import type { ChainError } from './errors.ts'

/** keccak256(rlp([])): no ommers. */
export const EMPTY_OMMERS_HASH = '0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347' as Hash32
/** The root of an empty trie. */
export const EMPTY_TRIE_ROOT = '0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421' as Hash32
/** EIP-7685's hash of an empty list of requests. */
export const EMPTY_REQUESTS_HASH = toHex(sha256(new Uint8Array())) as Hash32

const ELASTICITY = 2n
const BASE_FEE_CHANGE_DENOMINATOR = 8n

/** EIP-1559's next base fee, never below the spec's floor. */
export function nextBaseFee(
  spec: ChainSpec,
  parent: Pick<BlockHeader, 'gasUsed' | 'gasLimit' | 'baseFeePerGas'>,
): bigint {
  const base = parent.baseFeePerGas ?? 0n
  const target = parent.gasLimit / ELASTICITY
  const floor = BigInt(spec.minBaseFeeWei)
  let next = base
  if (parent.gasUsed > target) {
    const delta = (base * (parent.gasUsed - target)) / target / BASE_FEE_CHANGE_DENOMINATOR
    next = base + (delta > 1n ? delta : 1n)
  } else if (parent.gasUsed < target) {
    next = base - (base * (target - parent.gasUsed)) / target / BASE_FEE_CHANGE_DENOMINATOR
  }
  return next > floor ? next : floor
}

/** PREVRANDAO: keccak256(parent.mixHash | parent.hash). The author can grind it by withholding: weak randomness. */
export function nextMixHash(parent: BlockHeader): Uint8Array {
  return keccak256(concatBytes(parent.mixHash, parent.hash()))
}

/** The timestamp of a slot, Unix seconds. */
export function slotTime(spec: ChainSpec, slot: bigint): bigint {
  return slot * BigInt(spec.slotSeconds)
}

/** The slot of a timestamp in Unix seconds. */
export function slotOf(spec: ChainSpec, timestamp: bigint): bigint {
  return timestamp / BigInt(spec.slotSeconds)
}

/** The header fields that follow from the parent and the slot alone (protocol.md section 2). */
export function headerFromParent(spec: ChainSpec, parent: BlockHeader, slot: bigint) {
  const number = parent.number + 1n
  return {
    parentHash: parent.hash(),
    number,
    timestamp: slotTime(spec, slot),
    gasLimit: gasLimitAt(spec, number),
    baseFeePerGas: nextBaseFee(spec, parent),
    mixHash: nextMixHash(parent),
    difficulty: 0n,
    extraData: new Uint8Array(),
    blobGasUsed: 0n,
    excessBlobGas: 0n,
    withdrawalsRoot: fromHex(EMPTY_TRIE_ROOT),
    requestsHash: fromHex(EMPTY_REQUESTS_HASH),
  }
}

/**
 * Gate 1 without the seal: every header field that needs no state.
 * @throws BLOCK_BAD_HEADER naming the field
 */
export function checkHeader(spec: ChainSpec, header: BlockHeader, parent: BlockHeader): void {
  const slot = slotOf(spec, header.timestamp)
  const wanted = headerFromParent(spec, parent, slot)
  const same = (name: string, found: Uint8Array | bigint | undefined, want: Uint8Array | bigint) => {
    const a = found instanceof Uint8Array ? toHex(found) : found
    const b = want instanceof Uint8Array ? toHex(want) : want
    if (a !== b) throw badHeader(name, `${a}`, `${b}`)
  }
  same('parentHash', header.parentHash, wanted.parentHash)
  same('number', header.number, wanted.number)
  same('timestamp', header.timestamp, wanted.timestamp)
  if (header.timestamp <= parent.timestamp)
    throw badHeader('timestamp', `${header.timestamp}`, `more than ${parent.timestamp}`)
  same('gasLimit', header.gasLimit, wanted.gasLimit)
  if (header.gasUsed > header.gasLimit) throw badHeader('gasUsed', `${header.gasUsed}`, `at most ${header.gasLimit}`)
  same('baseFeePerGas', header.baseFeePerGas, wanted.baseFeePerGas)
  same('mixHash', header.mixHash, wanted.mixHash)
  same('difficulty', header.difficulty, 0n)
  same('nonce', header.nonce, new Uint8Array(8))
  same('ommersHash', header.uncleHash, fromHex(EMPTY_OMMERS_HASH))
  same('extraData', header.extraData, wanted.extraData)
  same('blobGasUsed', header.blobGasUsed, 0n)
  same('excessBlobGas', header.excessBlobGas, 0n)
  same('withdrawalsRoot', header.withdrawalsRoot, wanted.withdrawalsRoot)
  same('requestsHash', header.requestsHash, wanted.requestsHash)
}

function badHeader(field: string, found: string, wanted: string): AppError<ChainError> {
  return new AppError<ChainError>(
    { code: 'BLOCK_BAD_HEADER', fault: 'peer' },
    `header field ${field} is ${found}, must be ${wanted}`,
  )
}
