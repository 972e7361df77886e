import { describe, expect, it } from 'vitest'
import { bundle, runBundle } from './bundle.ts'
import type { Fault, SimConfig } from './config.ts'
import { runOracle } from './oracle.ts'
import { healthyPlan, planOf } from './plan.ts'
import { configOf, regressions } from './regressions.ts'
import { runConfig, runSeeds, type Summary } from './run-seeds.ts'
import { shrink } from './shrink.ts'

/** More for a long run: HAWSER_SIM_SEEDS=100000 HAWSER_SIM_FROM=1. */
const SEEDS = Number(process.env.HAWSER_SIM_SEEDS ?? 2000)
const FROM = Number(process.env.HAWSER_SIM_FROM ?? 1)
const ORACLE_SCENARIOS = 2 * SEEDS
const TIMEOUT_MS = 120_000 + 60 * SEEDS

const failuresOf = ({ failures }: Summary) =>
  failures.map(
    ({ seed, config, message }) => `npm run sim -- --seeds 1 --from ${seed} --profile ${config.profile}: ${message}`,
  )

describe('the simulated network', () => {
  it('keeps its rules in the runs that once failed', () => {
    for (const regression of regressions()) {
      const { violation } = runConfig(configOf(regression))
      expect(violation?.message, `${regression.was} (seed ${regression.seed})`).toBeUndefined()
    }
  })

  it(
    `is safe and becomes live in seeds ${FROM} to ${FROM + SEEDS - 1} of all profiles`,
    async () => {
      // In one bundle and another process: twice as fast as through the test runner's modules.
      const file = await bundle('simulator-test')
      const [summary] = await runBundle<Summary>(file, [{ what: 'sim', from: FROM, seeds: SEEDS }])
      expect(summary && failuresOf(summary)).toEqual([])
      expect(summary?.runs).toBe(SEEDS)
    },
    TIMEOUT_MS,
  )

  it('has rounds that count as the definitions say, in any order and on any base', () => {
    expect(runOracle(FROM, ORACLE_SCENARIOS).failures).toEqual([])
  })

  it('breaks with more than f faulty, and the votes that honest nodes hold name more than f of them', () => {
    const summary = runSeeds({ from: 1, seeds: 60, profile: 'accountability' })
    expect(failuresOf(summary)).toEqual([])
    expect(summary.conflicts).toBeGreaterThan(0)
  })

  it('does the same for the same seed, and something else for another', () => {
    for (const seed of [7, 100, 103]) {
      const trace = runConfig(planOf({ seed })).trace
      expect(runConfig(planOf({ seed })).trace, `seed ${seed}`).toBe(trace)
      expect(runConfig(planOf({ seed: seed + 5 })).trace).not.toBe(trace)
    }
  })

  it('shrinks a failure to the faults that make it', () => {
    // Nothing can be final while three of four are down for good: a run that must fail.
    const config = planOf({ seed: 2, profile: 'random', nodes: 4 })
    const dead = [1, 2].map((node) => ({ type: 'crash' as const, node, at: 500, effects: 0, downMs: 1e9, kept: 0 }))
    const slow = { type: 'slow' as const, from: 0, to: 2000, meanMs: 50 }
    const duplicate = { type: 'duplicate' as const, share: 0.1 }
    const small = shrink({ ...config, gstMs: 5000, faults: [slow, dead[0]!, duplicate, dead[1]!] })
    expect(small?.keep).toEqual([1, 3])
    expect(small?.message).toContain('L1')
  })
})

/** Four validators without any faults but these. */
const quiet = (faults: readonly Fault[], endMs: number, gstMs: number): SimConfig => ({
  ...planOf({ seed: 5, profile: 'random', nodes: 4 }),
  faults,
  gstMs,
  endMs,
  listen: false,
  weights: [1, 1, 1, 1],
})
const away = (node: number, at: number, downMs: number): Fault => ({
  type: 'crash',
  node,
  at,
  effects: 0,
  downMs,
  kept: 1,
})

describe('validators that are away', () => {
  it('stop finality when two of four are, and let it go on when one returns', () => {
    const stalled = runConfig(quiet([away(2, 3000, 1e9), away(3, 3000, 1e9)], 30_000, 4000))
    expect(stalled.violation?.rule).toBe('L1')
    expect(stalled.finalNumber).toBeLessThan(6n)
    const healed = runConfig(quiet([away(2, 3000, 9000), away(3, 3000, 1e9)], 30_000, 12_000))
    expect(healed.violation?.message).toBeUndefined()
  })

  it('come back after a minute of many rounds by catch-up and blocks asked for by hash', () => {
    // Another one dies then: the one that has come back must vote in the present round.
    const faults = [away(1, 3000, 60_000), away(2, 67_000, 1e9)]
    expect(runConfig(quiet(faults, 80_000, 68_000)).violation?.message).toBeUndefined()
  })

  it('are followed by a node without a key', () => {
    const config = { ...quiet([], 12_000, 8000), followers: 1 }
    expect(runConfig(config).violation?.message).toBeUndefined()
  })
})

describe('a healthy network', () => {
  it.each([1, 4, 7, 10])('of %i finalises with few rounds and soon', (nodes) => {
    const config = healthyPlan(11, nodes, { minMs: 20, maxMs: 100, endMs: 24_500 })
    const { violation, delaysMs, finalNumber, rounds } = runConfig(config)
    expect(violation?.message).toBeUndefined()
    expect(finalNumber).toBeGreaterThanOrEqual(19n)
    expect(rounds).toBeLessThanOrEqual(finalNumber + 5n)
    const sorted = delaysMs.toSorted((a, b) => a - b)
    // Four times the mean delay of 60 ms, from a block's arrival.
    expect(sorted[sorted.length >> 1]).toBeLessThan(240)
  })
})
