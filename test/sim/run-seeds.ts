import type { Profile, SimConfig } from './config.ts'
import { planOf } from './plan.ts'
import { Simulation, type SimResult } from './simulation.ts'

export interface SeedRange {
  readonly from: number
  readonly seeds: number
  readonly profile?: Profile
  readonly nodes?: number
}

export interface Failure {
  readonly seed: number
  readonly rule: string
  readonly message: string
  readonly config: SimConfig
  /** Whether the run did the same when it was run again. */
  readonly repeats: boolean
}

export interface Summary {
  readonly runs: number
  readonly events: number
  /** Runs with more than f faulty in which safety broke. */
  readonly conflicts: number
  /** The longest that any run took from the settling until it was live, in milliseconds. */
  readonly slowestMs: number
  readonly failures: readonly Failure[]
}

export function runConfig(config: SimConfig): SimResult {
  return new Simulation(config).run()
}

/** Runs seed after seed; what fails is run again, for a run that differs from itself tells nothing. */
export function runSeeds({ from, seeds, profile, nodes }: SeedRange, most = Infinity): Summary {
  const failures: Failure[] = []
  let runs = 0
  let events = 0
  let conflicts = 0
  let slowestMs = 0
  for (let seed = from; seed < from + seeds && failures.length < most; seed++) {
    const config = planOf({ seed, profile, nodes })
    const result = runConfig(config)
    runs++
    events += result.events
    if (result.conflicts) conflicts++
    slowestMs = Math.max(slowestMs, result.liveAfterMs ?? 0)
    if (result.violation) failures.push(failureOf(config, result))
  }
  return { runs, events, conflicts, slowestMs, failures }
}

export function failureOf(config: SimConfig, result: SimResult): Failure {
  const again = runConfig(config)
  const { rule, message } = result.violation as { rule: string; message: string }
  const repeats = again.trace === result.trace && again.violation?.message === message
  return { seed: config.seed, rule, message, config, repeats }
}
