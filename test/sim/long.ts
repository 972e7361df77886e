// What takes too long for every change: npm run test:long [-- --seeds N --from S]
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '100000' }, from: { type: 'string', default: '1' } },
})

/** Each family of runs gets as many seeds again as a tenth of the mix. */
const TENTH = String(Math.max(1, Math.floor(Number(values.seeds) / 10)))
const RUNS: readonly (readonly string[])[] = [
  ['sim', '--seeds', values.seeds, '--from', values.from],
  ['sim', '--seeds', TENTH, '--from', values.from, '--profile', 'adversarial', '--nodes', '4'],
  ['sim', '--seeds', TENTH, '--from', values.from, '--profile', 'set-change'],
  ['sim', '--seeds', TENTH, '--from', values.from, '--profile', 'accountability'],
  ['sim:mutants'],
]
for (const [script, ...args] of RUNS) {
  console.log(`\n> npm run ${script} -- ${args.join(' ')}`)
  const { status } = spawnSync('npm', ['run', '-s', script as string, '--', ...args], { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
