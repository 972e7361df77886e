import { describe, expect, it } from 'vitest'
import { bundle, runBundle } from './bundle.ts'
import { MUTANTS, type Mutant } from './mutants.ts'
import type { Order } from './worker-entry.ts'

interface Answer {
  readonly failures: readonly { readonly rule: string }[]
}

/** Scenarios of the oracle up to and with the known one: they take no time. */
const orderOf = ({ killer: { profile, seed } }: Mutant): Order =>
  profile === 'oracle' ? { what: 'oracle', from: 1, seeds: seed } : { what: 'sim', from: seed, seeds: 1, profile }

describe('a fault in a production core', () => {
  it.each(MUTANTS.map((mutant, number) => ({ ...mutant, mutant, number })))(
    'is noticed: $name',
    async ({ mutant, number }) => {
      const file = await bundle(`known-${number}`, [mutant])
      const [answer] = await runBundle<Answer>(file, [orderOf(mutant)])
      // Where runs have changed, `npm run sim:mutants` finds the seeds that kill now.
      expect(answer?.failures.map(({ rule }) => rule)).toHaveLength(1)
    },
  )

  it('is looked for with seeds that the cores themselves pass', async () => {
    const file = await bundle('known-none')
    const answers = await runBundle<Answer>(file, MUTANTS.map(orderOf))
    expect(answers.flatMap(({ failures }) => failures)).toEqual([])
  })
})
