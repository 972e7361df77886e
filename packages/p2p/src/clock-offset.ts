/**
 * How far this node's clock is behind the others', in milliseconds (negative: ahead): the median of their offsets and its own 0, so
 * that a third of them cannot move it by lying.
 */
export function medianOffsetMs(offsets: readonly number[]): number {
  const sorted = [...offsets, 0].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length % 2 === 1) return sorted[middle] as number
  return ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** A peer's offset by its own word, asked at `sentMs` and heard at `heardMs`: it is taken to have answered half way. */
export function offsetOfMs(theirMs: bigint, sentMs: number, heardMs: number): number {
  return Number(theirMs) - (sentMs + heardMs) / 2
}
