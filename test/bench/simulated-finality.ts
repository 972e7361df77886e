import { bundle, runBundle } from '../sim/bundle.ts'
import { healthyPlan } from '../sim/plan.ts'
import { runConfig, type Summary } from '../sim/run-seeds.ts'

/** One-way delays are spread evenly over these. */
const DELAYS_MS = { minMs: 20, maxMs: 150 }
const SEEDS = 2000
const BLOCKS_MS = 15_500

export interface SimulatedFinality {
  readonly nodes: number
  readonly medianMs: number
  readonly p99Ms: number
  /** Median by mean one-way delay. */
  readonly delays: number
}

/** Virtual time from a block's arrival until it is final, over all nodes. */
export function measureSimulatedFinality(nodes: number): SimulatedFinality {
  const { delaysMs, violation } = runConfig(healthyPlan(1, nodes, { ...DELAYS_MS, endMs: BLOCKS_MS }))
  if (violation) throw violation
  const sorted = delaysMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? NaN
  const mean = (DELAYS_MS.minMs + DELAYS_MS.maxMs) / 2
  return { nodes, medianMs: at(0.5), p99Ms: at(0.99), delays: at(0.5) / mean }
}

/** Seeds of the mix of profiles that one process gets through in a minute. */
export async function measureSimulator(scale: number): Promise<{ readonly seeds: number; readonly perMinute: number }> {
  const file = await bundle('simulator-bench')
  const seeds = Math.max(1, Math.floor(SEEDS * scale))
  const began = performance.now()
  await runBundle<Summary>(file, [{ what: 'sim', from: 1, seeds }])
  return { seeds, perMinute: (seeds * 60_000) / (performance.now() - began) }
}
