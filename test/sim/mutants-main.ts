// Puts one fault after another into the production cores; the simulator must notice: npm run sim:mutants [-- --seeds N] [--filter REGEX] [--all]
import { parseArgs } from 'node:util'
import { bundle, runBundle } from './bundle.ts'
import type { Profile } from './config.ts'
import { MUTANTS, type Mutant } from './mutants.ts'
import type { Order } from './worker-entry.ts'

/** The oracle's scenarios are cheap. */
const ORACLE_SEEDS = 3000
const SEARCHED: readonly Profile[] = ['adversarial', 'random', 'crash', 'set-change', 'partition']

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    filter: { type: 'string', default: '' },
    jobs: { type: 'string', default: '2' },
    // Goes on after the first kill: which families of runs notice.
    all: { type: 'boolean', default: false },
  },
})

interface Answer {
  readonly failures: readonly { readonly seed: number; readonly rule: string; readonly message: string }[]
}

interface Kill {
  readonly mutant: Mutant
  readonly kills: readonly string[]
}

const wanted = MUTANTS.filter(({ name }) => new RegExp(values.filter).test(name))
const kills: Kill[] = []
const queue = [...wanted.entries()]

/** The known killer's family first. */
function searched({ killer }: Mutant): (Profile | 'oracle')[] {
  return [...new Set([killer.profile, ...SEARCHED, 'oracle' as const])]
}

async function search(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [number, mutant] = next
    const file = await bundle(`mutant-${number}`, [mutant])
    const found: string[] = []
    for (const what of searched(mutant)) {
      const order: Order =
        what === 'oracle'
          ? { what, from: 1, seeds: ORACLE_SEEDS }
          : { what: 'sim', profile: what, from: 1, seeds: Number(values.seeds), most: 1 }
      const [answer] = await runBundle<Answer>(file, [order])
      const [failure] = answer?.failures ?? []
      if (failure === undefined) continue
      found.push(`${what} ${failure.seed} (${failure.rule})`)
      if (!values.all) break
    }
    kills.push({ mutant, kills: found })
    console.log(`${mutant.name}: ${found.join(', ') || 'ALIVE'}`)
  }
}

await Promise.all(Array.from({ length: Number(values.jobs) }, search))
kills.sort((a, b) => wanted.indexOf(a.mutant) - wanted.indexOf(b.mutant))
console.log(`\n| mutant | killed by (seed, rule) |\n| --- | --- |`)
for (const { mutant, kills: found } of kills) console.log(`| ${mutant.name} | ${found.join(', ') || '**alive**'} |`)
const alive = kills.filter((kill) => kill.kills.length === 0).length
console.log(`\n${kills.length - alive} of ${kills.length} killed`)
process.exitCode = alive === 0 ? 0 : 1
