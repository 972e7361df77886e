import { err, ok, type Result } from '@hawser/primitives'
import { RETARGET_INTERVAL, retargetBits, targetFromBits } from './compact-target.ts'
import { bitcoinError, type BitcoinError, type HeaderErrorCode } from './errors.ts'
import { headerHashNumber, type BlockHeader } from './header.ts'
import type { NetworkParameters } from './networks.ts'

/** How far ahead of our clock a header may be, in seconds: policy, never a verdict for good. */
export const MAX_FUTURE_DRIFT_S = 7200
/** BIP94: how far before its parent a period's first block may be, in seconds. */
export const MAX_TIMEWARP_S = 600
/** testnet3 and testnet4: after so many seconds without a block, one of minimum difficulty is due. */
export const MINIMUM_DIFFICULTY_DELAY_S = 1200
/** Blocks in the median time. */
export const MEDIAN_TIME_BLOCKS = 11

/** What the rules need to know of a parent. */
export interface HeaderContext {
  readonly height: number
  readonly timeS: number
  readonly bits: number
  /** Time of the first block of the parent's retarget period. */
  readonly periodStartTimeS: number
  /** Bits of that first block: those of every block of the period that is not of minimum difficulty. */
  readonly periodBits: number
}

/** The bits that a child of `parent` with this time must carry. */
export function expectedBits(network: NetworkParameters, parent: HeaderContext, timeS: number): number {
  if (network.noRetarget) return parent.bits
  if ((parent.height + 1) % RETARGET_INTERVAL === 0) {
    // 2015 intervals, not 2016: Bitcoin's famous off-by-one.
    const spanS = parent.timeS - parent.periodStartTimeS
    return retargetBits(network.bip94 ? parent.periodBits : parent.bits, spanS, network.powLimitBits)
  }
  if (!network.minimumDifficultyBlocks) return parent.bits
  return timeS > parent.timeS + MINIMUM_DIFFICULTY_DELAY_S ? network.powLimitBits : parent.periodBits
}

/** Whether a time is above the median of the times given (at most eleven; fewer next to a checkpoint). */
export function isAfterMedian(timeS: number, previousTimesS: readonly number[]): boolean {
  // time > median of n exactly when more than half of them are smaller: no sort, as the contract does it.
  return previousTimesS.filter((t) => t < timeS).length * 2 > previousTimesS.length
}

/** The median of up to eleven times, as BIP113 counts it. */
export function medianTime(timesS: readonly number[]): number {
  const sorted = [...timesS].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/** Rule 1: the target is valid for the network and the hash is not above it. */
export function checkProofOfWork(network: NetworkParameters, header: BlockHeader): Result<bigint, BitcoinError> {
  const target = targetFromBits(header.bits)
  const limit = targetFromBits(network.powLimitBits) ?? 0n
  if (target === undefined || target > limit)
    return refuse('HEADER_BAD_TARGET', `nBits 0x${header.bits.toString(16)} is no target of ${network.network}`)
  if (headerHashNumber(header.raw) > target) return refuse('HEADER_BAD_POW', 'the hash is above the target')
  return ok(target)
}

/**
 * Every rule of a header against its parent (bitcoin.md, section 1). `previousTimesS` are the parent's and its
 * ancestors' times, at most eleven. Answers the target.
 */
export function checkHeader(
  network: NetworkParameters,
  header: BlockHeader,
  parent: HeaderContext,
  previousTimesS: readonly number[],
  nowS: number,
): Result<bigint, BitcoinError> {
  const work = checkProofOfWork(network, header)
  if (!work.ok) return work
  const expected = expectedBits(network, parent, header.timeS)
  if (header.bits !== expected)
    return refuse('HEADER_WRONG_BITS', `nBits 0x${header.bits.toString(16)}, expected 0x${expected.toString(16)}`)
  if (!isAfterMedian(header.timeS, previousTimesS))
    return refuse('HEADER_TIME_TOO_OLD', `time ${header.timeS} is not above the median of the blocks before`)
  const startsPeriod = (parent.height + 1) % RETARGET_INTERVAL === 0
  if (network.bip94 && startsPeriod && header.timeS < parent.timeS - MAX_TIMEWARP_S)
    return refuse('HEADER_TIMEWARP', `a period may start at most ${MAX_TIMEWARP_S} s before its parent (BIP94)`)
  if (header.version < 4) return refuse('HEADER_BAD_VERSION', `version ${header.version} is below 4`)
  if (header.timeS > nowS + MAX_FUTURE_DRIFT_S)
    return err(
      bitcoinError('HEADER_TIME_IN_FUTURE', 'peer', `time ${header.timeS} is too far ahead; try again later`, {
        retry: true,
      }),
    )
  return work
}

/** The context that children of a header see. */
export function childContext(header: BlockHeader, parent: HeaderContext): HeaderContext {
  const height = parent.height + 1
  const starts = height % RETARGET_INTERVAL === 0
  return {
    height,
    timeS: header.timeS,
    bits: header.bits,
    periodStartTimeS: starts ? header.timeS : parent.periodStartTimeS,
    periodBits: starts ? header.bits : parent.periodBits,
  }
}

function refuse(code: HeaderErrorCode, message: string) {
  return err(bitcoinError(code, 'peer', message))
}
