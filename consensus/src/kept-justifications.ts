import type { Hash32 } from '@hawser/primitives'

/** Blocks below the last final one whose justifications all stay: what users ask for is about these. */
export const RECENT_JUSTIFICATIONS = 1024n
/** One justification stays of every so many blocks: neighbours are then less than 512 apart (consensus.md, 2.9). */
export const JUSTIFICATION_WINDOW = 256n

/** A final block that has a justification. */
export interface JustifiedBlock {
  readonly number: bigint
  readonly hash: Hash32
  /** Distinct targets of its commit: the fewer, the shorter the proof. */
  readonly targets: number
}

/** The windows, by their first number, that a move of the last final block makes old: their justifications are thinned out. */
export function windowsThatAge(before: bigint, after: bigint): bigint[] {
  const done = (final: bigint) =>
    final > RECENT_JUSTIFICATIONS ? (final - RECENT_JUSTIFICATIONS) / JUSTIFICATION_WINDOW : 0n
  const windows: bigint[] = []
  for (let window = done(before); window < done(after); window++) windows.push(window * JUSTIFICATION_WINDOW)
  return windows
}

/**
 * The justifications of one window that may go: those of epochs' last blocks stay for ever; where there is none, the
 * one with the fewest targets, and of several the latest.
 */
export function superfluous(window: readonly JustifiedBlock[], epochBlocks: bigint): Hash32[] {
  const epochEnds = window.filter(({ number }) => number % epochBlocks === 0n)
  const [best] = window.toSorted((a, b) => a.targets - b.targets || Number(b.number - a.number))
  const kept = new Set((epochEnds.length > 0 ? epochEnds : best ? [best] : []).map(({ hash }) => hash))
  return window.filter(({ hash }) => !kept.has(hash)).map(({ hash }) => hash)
}
