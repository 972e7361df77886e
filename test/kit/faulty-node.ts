/** A real node with one part that is not as it should be: a process of its own, for the tests of faults. */
import { parseArgs } from 'node:util'
import { runNode } from '@hawser/node'
import { equivocate } from './faults/equivocate.ts'
import type { Fault } from './faults/fault.ts'
import { lieInSync } from './faults/lie-in-sync.ts'
import { skewedClock } from './faults/skewed-clock.ts'
import { slowDisk } from './faults/slow-disk.ts'
import { spam } from './faults/spam.ts'
import { withhold } from './faults/withhold.ts'

/** What `amount` means: milliseconds, or a seed. */
const FAULTS: Readonly<Record<string, (amount: number) => Fault>> = {
  'skewed-clock': skewedClock,
  'slow-disk': slowDisk,
  withhold,
  equivocate,
  'lie-in-sync': lieInSync,
  spam,
}

const { values } = parseArgs({
  options: {
    fault: { type: 'string' },
    amount: { type: 'string', default: '0' },
    config: { type: 'string' },
    'allow-fresh-guard': { type: 'boolean', default: false },
    'i-am-only': { type: 'boolean', default: false },
  },
})
const fault = FAULTS[values.fault ?? '']
if (!fault || values.config === undefined) throw new Error('wanted: --fault, one of those below, and --config')
process.exitCode = await runNode({
  configFile: values.config,
  allowFreshGuard: values['allow-fresh-guard'],
  iAmOnly: values['i-am-only'],
  parts: fault(Number(values.amount)),
})
