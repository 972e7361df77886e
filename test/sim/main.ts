// Runs the simulator: npm run sim -- --seeds N --from S [--nodes n] [--profile p] [--jobs j] [--keep 0,3] [--until ms]
import { messageOf } from '@hawser/primitives'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { bundle, runBundle } from './bundle.ts'
import { PROFILES, type Fault, type Profile, type SimConfig } from './config.ts'
import { planOf } from './plan.ts'
import { configOf, regressions } from './regressions.ts'
import { failureOf, runConfig, type Failure, type Summary } from './run-seeds.ts'
import { shrink } from './shrink.ts'
import type { Order } from './worker-entry.ts'

/** Seeds that a process gets at once: progress is told between them. */
const SEEDS_AT_ONCE = 500
/** Failures that are shrunk and shown. */
const MAX_SHOWN = 5

const USAGE = `usage: npm run sim -- --seeds N --from S [--nodes n] [--profile ${PROFILES.join('|')}] [--jobs j] [--keep places] [--until ms]`

interface Options {
  readonly seeds: number
  readonly from: number
  readonly nodes: number | undefined
  readonly profile: Profile | undefined
  readonly jobs: number
  readonly keep: readonly number[] | undefined
  readonly until: number | undefined
}

function readArguments(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      nodes: { type: 'string' },
      profile: { type: 'string' },
      jobs: { type: 'string', default: String(cpus().length) },
      keep: { type: 'string' },
      until: { type: 'string' },
    },
  })
  const whole = (name: string, text: string): number => {
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} wants a whole number, not ${text}`)
    return Number(text)
  }
  const { profile, keep, nodes, until } = values
  if (profile !== undefined && !PROFILES.includes(profile as Profile)) throw new Error(`no profile ${profile}`)
  return {
    seeds: whole('seeds', values.seeds),
    from: whole('from', values.from),
    nodes: nodes === undefined ? undefined : whole('nodes', nodes),
    profile: profile as Profile | undefined,
    jobs: Math.max(1, whole('jobs', values.jobs)),
    keep: keep
      ?.split(',')
      .filter(Boolean)
      .map((place) => whole('keep', place)),
    until: until === undefined ? undefined : whole('until', until),
  }
}

function commandOf(
  { seed, profile }: SimConfig,
  nodes: number | undefined,
  keep: readonly number[],
  until: number,
): string {
  const size = nodes === undefined ? '' : ` --nodes ${nodes}`
  return `npm run sim -- --seeds 1 --from ${seed} --profile ${profile}${size} --keep ${keep.join(',') || "''"} --until ${until}`
}

function show(failure: Failure, nodes: number | undefined): void {
  console.log(`\nseed ${failure.seed}, profile ${failure.config.profile}: ${failure.message}`)
  if (!failure.repeats)
    console.log('  and the same seed does something else when it runs again: the simulator is at fault')
  const small = shrink(failure.config)
  if (small === undefined) return
  console.log(`  shrunk: ${small.message}`)
  for (const place of small.keep) console.log(`    ${place}: ${JSON.stringify(failure.config.faults[place])}`)
  console.log(`  again: ${commandOf(failure.config, nodes, small.keep, small.config.endMs)}`)
}

/** One run with a part of its faults, as a shrunk failure is given. */
function runOne({ from, nodes, profile, keep, until }: Options): void {
  const planned = planOf({ seed: from, profile, nodes })
  const faults = keep?.map((place) => planned.faults[place]).filter((fault): fault is Fault => fault !== undefined)
  const config = { ...planned, faults: faults ?? planned.faults, endMs: until ?? planned.endMs }
  const { violation, trace } = runConfig(config)
  console.log(`seed ${from}, profile ${config.profile}, trace ${trace}: ${violation?.message ?? 'no failure'}`)
  if (violation) process.exitCode = 1
}

async function runMany({ seeds, from, nodes, profile, jobs }: Options): Promise<void> {
  const failures: Failure[] = []
  for (const regression of regressions()) {
    const config = configOf(regression)
    const result = runConfig(config)
    if (result.violation) failures.push(failureOf(config, result))
  }
  const began = performance.now()
  const file = await bundle('simulator')
  const orders: Order[] = []
  for (let at = from; at < from + seeds; at += SEEDS_AT_ONCE)
    orders.push({ what: 'sim', from: at, seeds: Math.min(SEEDS_AT_ONCE, from + seeds - at), profile, nodes })
  let runs = 0
  let events = 0
  let conflicts = 0
  let slowestMs = 0
  const work = async (): Promise<void> => {
    for (let order = orders.shift(); order !== undefined; order = orders.shift()) {
      const [summary] = await runBundle<Summary>(file, [order])
      if (summary === undefined) throw new Error('a process gave no answer')
      runs += summary.runs
      events += summary.events
      conflicts += summary.conflicts
      slowestMs = Math.max(slowestMs, summary.slowestMs)
      failures.push(...summary.failures)
      // At once: a long run that is broken off has told what it found.
      for (const { seed, config, message } of summary.failures)
        console.log(`seed ${seed}, profile ${config.profile}, fails: ${message}`)
      if (summary.failures.length > 0 || runs % (20 * SEEDS_AT_ONCE) === 0)
        console.log(`${runs} seeds, ${failures.length} failures`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  for (const failure of failures.slice(0, MAX_SHOWN)) show(failure, nodes)
  const minutes = (performance.now() - began) / 60_000
  console.log(
    `${runs} seeds (${from} to ${from + seeds - 1}), ${events} events, ${failures.length} failures; ` +
      `live at the latest ${(slowestMs / 1000).toFixed(1)} s after the settling; ` +
      `${Math.round(runs / minutes)} seeds a minute on ${jobs} processes`,
  )
  if (profile === 'accountability')
    console.log(`safety broke, and the offenders were named, in ${conflicts} of ${runs} runs`)
  if (failures.length > 0) process.exitCode = 1
}

try {
  const options = readArguments()
  if (options.keep !== undefined || options.until !== undefined) runOne(options)
  else await runMany(options)
} catch (error) {
  console.error(`${messageOf(error)}\n${USAGE}`)
  process.exitCode = 2
}
