import { lstatSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { messageOf } from '@hawser/primitives'
import { runStateTest } from './run-state-test.ts'
import { readStateTests } from './state-test-file.ts'

/** Files of one run: the public collections have some tens of thousands. */
const MAX_FILES = 500_000

export interface RunOptions {
  /** A file, or a folder that is searched for .json files; what begins with a dot is left out. */
  readonly path: string
  /** Runs the tests of this fork alone. */
  readonly fork?: string
  /** Runs the tests whose file and name match. */
  readonly filter?: RegExp
  /** Prints every test that ran, not only those that failed. */
  readonly verbose: boolean
  readonly print: (line: string) => void
}

export interface Totals {
  passed: number
  failed: number
  /** Of forks that are not known here. */
  skipped: number
  /** Files that are no state tests. */
  malformed: number
}

/** Runs every state test below a path and prints what came of each file. */
export async function runFolder({ path, fork, filter, verbose, print }: RunOptions): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0, malformed: 0 }
  for (const file of filesBelow(path)) {
    const name = relative(path, file) || file
    let tests
    try {
      tests = readStateTests(file)
    } catch (error) {
      totals.malformed++
      print(`ERROR ${name} ${messageOf(error)}`)
      continue
    }
    const own = { passed: 0, failed: 0, skipped: 0 }
    const details: string[] = []
    for (const [test, content] of tests) {
      if (filter && !filter.test(`${name} ${test}`)) continue
      for (const [ofFork, entries] of Object.entries(content.post)) {
        if (fork !== undefined && ofFork !== fork) continue
        for (const post of entries) {
          const result = await runStateTest(content, ofFork, post)
          own[result.kind]++
          const { data, gas, value } = post.indexes
          const at = `${test} ${ofFork} d${data} g${gas} v${value}`
          if (result.kind === 'failed') details.push(`  FAIL ${at}: ${result.why}`)
          else if (verbose) details.push(`  ${result.kind} ${at}`)
        }
      }
    }
    for (const kind of ['passed', 'failed', 'skipped'] as const) totals[kind] += own[kind]
    const ran = own.passed + own.failed
    if (ran + own.skipped === 0) continue
    print(
      `${own.failed > 0 ? 'FAIL ' : 'ok   '} ${name}: ${own.passed} of ${ran} passed${own.skipped > 0 ? `, ${own.skipped} of unknown forks` : ''}`,
    )
    if (verbose) for (const line of details) print(line)
  }
  return totals
}

function filesBelow(path: string): string[] {
  if (lstatSync(path).isFile()) return [path]
  const found: string[] = []
  const folders = [path]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue
      if (entry.isDirectory()) folders.push(join(folder, entry.name))
      else if (entry.isFile() && entry.name.endsWith('.json')) found.push(join(folder, entry.name))
      if (found.length > MAX_FILES) throw new Error(`more than ${MAX_FILES} files below ${path}`)
    }
  return found.sort()
}
