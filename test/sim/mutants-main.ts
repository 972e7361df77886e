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

/** The known killer first, then each family from its first seed on, the killer's before the others. */
function ordersOf({ killer }: Mutant): Order[] {
  const seeds = Number(values.seeds)
  const ordersFrom = (what: Profile | 'oracle', from: number, count: number): Order =>
    what === 'oracle' ? { what, from, seeds: count } : { what: 'sim', profile: what, from, seeds: count, most: 1 }
  const families = [...new Set([killer.profile, ...SEARCHED, 'oracle' as const])]
  return [
    ordersFrom(killer.profile, killer.seed, 1),
    ...families.map((what) => ordersFrom(what, 1, what === 'oracle' ? ORACLE_SEEDS : seeds)),
  ]
}

async function search(): Promise<void> {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [number, mutant] = next
    const file = await bundle(`mutant-${number}`, [mutant])
    const found: string[] = []
    for (const order of ordersOf(mutant)) {
      const [answer] = await runBundle<Answer>(file, [order])
      const [failure] = answer?.failures ?? []
      if (failure === undefined) continue
      found.push(`${order.what === 'oracle' ? 'oracle' : order.profile} ${failure.seed} (${failure.rule})`)
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
