import { describe, expect, it } from 'vitest'
import { prng, Simulation, type Fault } from './testing/simulation.ts'

const SEEDS = Number(process.env.HAWSER_SEEDS ?? 200)
const FIRST_SEED = Number(process.env.HAWSER_FIRST_SEED ?? 1)

function build(seed: number): Simulation {
  const draw = prng(seed * 7919)
  const voters = 4 + Math.floor(draw() * 4)
  const faults: Record<number, Fault> = {}
  const faulty = Math.floor((voters - 1) / 3)
  for (let i = 0; i < faulty; i++)
    faults[Math.floor(draw() * voters)] = (['silent', 'equivocate', 'none', 'equivocate'] as const)[
      Math.floor(draw() * 4)
    ]!
  return new Simulation({
    seed,
    voters,
    faults,
    followers: Math.floor(draw() * 2),
    gstMs: 6000,
    crashes: draw() < 0.6,
    dropBeforeGst: 0.4 * draw(),
  })
}

describe('voters in a simulated network', () => {
  it(`never finalise conflicting blocks, and all finalise new blocks after the network has settled (${SEEDS} seeds)`, () => {
    const stalled: string[] = []
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
      const sim = build(seed)
      sim.run(18_000)
      // By number it could not be said: finality may take a shorter branch than the one that was best.
      if (sim.oldestFinalBirthMs() <= 6000) stalled.push(`seed ${seed}: ${sim.trace()}`)
    }
    expect(stalled).toEqual([])
  })

  it('do the same again for the same seed', () => {
    const traces = [1, 2].map(() => {
      const sim = build(42)
      sim.run(15_000)
      return sim.trace()
    })
    expect(traces[0]).toBe(traces[1])
  })

  it('finalise within half a slot and with about one round a block when all are well', () => {
    const sim = new Simulation({ seed: 7, voters: 4 })
    sim.run(30_500)
    expect(sim.lowestFinal()).toBeGreaterThanOrEqual(29n)
    const delays = sim.finalityDelaysMs.toSorted((a, b) => a - b)
    expect(delays[delays.length >> 1]).toBeLessThan(500)
    expect(sim.nodes[0]?.voter.round).toBeLessThan(45n)
  })

  it('finalise with three of four', () => {
    const sim = new Simulation({ seed: 3, voters: 4, faults: { 2: 'silent' } })
    sim.run(20_500)
    expect(sim.lowestFinal()).toBeGreaterThanOrEqual(12n)
  })

  it('do not finalise with two of four, and go on when a third returns', () => {
    const sim = new Simulation({ seed: 5, voters: 4 })
    sim.run(5_500)
    sim.nodes[2]?.crash()
    sim.nodes[3]?.crash()
    sim.run(2_000)
    const before = sim.lowestFinal()
    sim.run(20_000)
    expect(sim.lowestFinal()).toBe(before)
    sim.nodes[2]?.restart()
    sim.run(8_000)
    expect(sim.lowestFinal()).toBeGreaterThan(before + 5n)
  })

  it('finalise alone when there is but one', () => {
    const sim = new Simulation({ seed: 2, voters: 1 })
    sim.run(10_500)
    expect(sim.lowestFinal()).toBe(10n)
  })

  it('let a follower without a key learn what is final', () => {
    const sim = new Simulation({ seed: 11, voters: 4, followers: 1 })
    sim.run(10_500)
    expect(sim.nodes[4]?.finalized.number).toBeGreaterThanOrEqual(8n)
  })

  it('bring back a node that slept through many rounds', () => {
    const sim = new Simulation({ seed: 13, voters: 4 })
    sim.run(3_500)
    sim.nodes[1]?.crash()
    sim.run(60_000)
    sim.nodes[1]?.restart()
    sim.run(5_000)
    const [node, other] = [sim.nodes[1], sim.nodes[0]]
    expect(node?.finalized.number).toBeGreaterThan(40n)
    expect(other!.voter.round - node!.voter.round).toBeLessThan(3n)
  })

  it('name those who vote twice', () => {
    const sim = new Simulation({ seed: 17, voters: 4, faults: { 1: 'equivocate' } })
    sim.run(20_000)
    expect([...sim.offenders]).toEqual([1])
  })
})
