// One process of many: takes its orders as JSON, prints what came of them as JSON. Bundled by bundle.ts.
import { runOracle } from './oracle.ts'
import { runSeeds, type SeedRange } from './run-seeds.ts'

/** A range of seeds for the simulator, or for the oracle of rounds. */
export type Order =
  | ({ readonly what: 'sim'; readonly most?: number } & SeedRange)
  | { readonly what: 'oracle'; readonly from: number; readonly seeds: number }

const orders = JSON.parse(process.argv[2] ?? '[]') as Order[]
for (const order of orders) {
  const answer = order.what === 'sim' ? runSeeds(order, order.most) : runOracle(order.from, order.seeds)
  console.log(JSON.stringify(answer))
  // The first order that fails says enough.
  if (answer.failures.length > 0 && order.what === 'sim' && order.most !== undefined) break
}
