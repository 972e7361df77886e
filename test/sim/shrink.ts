import type { Fault, SimConfig } from './config.ts'
import { runConfig } from './run-seeds.ts'

/** Runs that one failure may cost. */
const MAX_TRIES = 200
/** Shorter runs than this tell nothing. */
const SHORTEST_MS = 1000

/** A smaller run that breaks the same rule, and what is left of the list of faults. */
export interface Shrunk {
  readonly config: SimConfig
  /** Places in the seed's own list of faults. */
  readonly keep: readonly number[]
  readonly message: string
}

/** Bisects the list of faults, then the end of the run: with few things going wrong a failure can be read. */
export function shrink(config: SimConfig): Shrunk | undefined {
  const first = runConfig(config).violation
  if (first === undefined) return undefined
  let tries = 0
  let { message } = first
  const fails = (candidate: SimConfig): boolean => {
    if (tries++ >= MAX_TRIES) return false
    const { violation } = runConfig(candidate)
    if (violation?.rule !== first.rule) return false
    message = violation.message
    return true
  }
  let keep = config.faults.map((_, i) => i)
  const withFaults = (places: readonly number[]): SimConfig => ({
    ...config,
    faults: places.map((i) => config.faults[i] as Fault),
  })
  for (let size = Math.ceil(keep.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < keep.length;) {
      const rest = [...keep.slice(0, at), ...keep.slice(at + size)]
      if (fails(withFaults(rest))) keep = rest
      else at += size
    }
  let shortest = withFaults(keep)
  // A run that must become live cannot be cut short.
  if (first.rule !== 'L1')
    for (let low = SHORTEST_MS, high = config.endMs; high - low > 100;) {
      const middle = Math.floor((low + high) / 2)
      const candidate = { ...withFaults(keep), endMs: middle }
      if (fails(candidate)) {
        high = middle
        shortest = candidate
      } else low = middle
    }
  runConfig(shortest)
  return { config: shortest, keep, message }
}
