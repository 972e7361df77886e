import { bitcoinError } from './errors.ts'

/** Seconds that a retarget period should take: 2016 blocks of ten minutes. */
export const RETARGET_TIMESPAN_S = 1_209_600
/** Blocks in a retarget period. */
export const RETARGET_INTERVAL = 2016

/**
 * The target that compact bits stand for; undefined when negative, zero or overflowing (bitcoind: SetCompact).
 */
export function targetFromBits(bits: number): bigint | undefined {
  const exponent = bits >>> 24
  const mantissa = bits & 0x7fffff
  if (mantissa === 0 || (bits & 0x800000) !== 0) return undefined
  if (exponent > 34 || (mantissa > 0xff && exponent > 33) || (mantissa > 0xffff && exponent > 32)) return undefined
  const target =
    exponent <= 3 ? BigInt(mantissa >>> (8 * (3 - exponent))) : BigInt(mantissa) << BigInt(8 * (exponent - 3))
  return target === 0n ? undefined : target
}

/** The compact encoding of a target, low bytes cut off (bitcoind: GetCompact). */
export function bitsFromTarget(target: bigint): number {
  let size = 0
  for (let rest = target; rest > 0n; rest >>= 8n) size++
  let mantissa = size <= 3 ? Number(target) << (8 * (3 - size)) : Number(target >> BigInt(8 * (size - 3)))
  if (mantissa & 0x800000) {
    mantissa >>= 8
    size++
  }
  return ((size << 24) | mantissa) >>> 0
}

/** Expected hashes for a block of this target: 2^256 / (target + 1), rounded down. */
export function workOfTarget(target: bigint): bigint {
  return (1n << 256n) / (target + 1n)
}

/** Expected hashes for a block with these bits. @throws HEADER_BAD_TARGET */
export function workOfBits(bits: number): bigint {
  const target = targetFromBits(bits)
  if (target === undefined)
    throw bitcoinError('HEADER_BAD_TARGET', 'peer', `nBits 0x${bits.toString(16)} is no valid target`)
  return workOfTarget(target)
}

/** The bits after a period that took `timespanS` seconds: clamped to a factor of four, never easier than the limit. */
export function retargetBits(oldBits: number, timespanS: number, powLimitBits: number): number {
  const clamped = Math.min(Math.max(timespanS, RETARGET_TIMESPAN_S / 4), RETARGET_TIMESPAN_S * 4)
  const old = targetFromBits(oldBits) ?? 0n
  const limit = targetFromBits(powLimitBits) ?? 0n
  const next = (old * BigInt(clamped)) / BigInt(RETARGET_TIMESPAN_S)
  return bitsFromTarget(next > limit ? limit : next)
}
