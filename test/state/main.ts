// Runs Ethereum's state tests: npm run test:state -- DIR [--fork NAME] [--filter REGEX] [--verbose]
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { messageOf } from '@hawser/primitives'
import { FORK_NAMES } from './forks.ts'
import { runFolder, type RunOptions } from './run-folder.ts'

const USAGE = 'usage: npm run test:state -- DIR [--fork NAME] [--filter REGEX] [--verbose]'

function readArguments(): RunOptions | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        fork: { type: 'string' },
        filter: { type: 'string' },
        verbose: { type: 'boolean', default: false },
      },
    })
    const [path, ...more] = positionals
    if (path === undefined || more.length > 0) return 'one file or folder of state tests is wanted'
    if (!existsSync(path)) return `there is no ${path}`
    const { fork, filter, verbose } = values
    if (fork !== undefined && !FORK_NAMES.includes(fork))
      return `the fork ${fork} is not known; there are ${FORK_NAMES.join(', ')}`
    return { path, fork, filter: filter === undefined ? undefined : new RegExp(filter), verbose, print: console.log }
  } catch (error) {
    return messageOf(error)
  }
}

const options = readArguments()
if (typeof options === 'string') {
  console.error(`${options}\n${USAGE}`)
  process.exitCode = 2
} else {
  const began = Date.now()
  const { passed, failed, skipped, malformed } = await runFolder(options)
  const seconds = ((Date.now() - began) / 1000).toFixed(1)
  console.log(
    `${passed} passed, ${failed} failed, ${skipped} of unknown forks, ${malformed} files malformed, in ${seconds} s${failed > 0 && !options.verbose ? ' (--verbose tells why)' : ''}`,
  )
  // A run of nothing has proved nothing.
  process.exitCode = passed > 0 && failed === 0 && malformed === 0 ? 0 : 1
}
