import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand, ROOT } from '../kit/devnet.ts'
import { runFolder, type RunOptions } from './run-folder.ts'

const FIXTURES = fileURLToPath(new URL('fixtures', import.meta.url))

interface Fixture {
  env: Record<string, string>
  pre: Record<string, { balance: string; code: string }>
  transaction: Record<string, unknown> & { data: string[] }
  post: Record<string, { hash: string; logs: string; expectException?: string }[]>
}

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'hawser-state-tests-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(options: Partial<RunOptions> = {}) {
  const lines: string[] = []
  const totals = await runFolder({ path: FIXTURES, verbose: true, print: (line) => lines.push(line), ...options })
  return { ...totals, lines }
}

/** A fixture, changed, as the only file of a folder. */
async function runChanged(name: string, change: (test: Fixture) => unknown) {
  const tests = JSON.parse(readFileSync(join(FIXTURES, `${name}.json`), 'utf8')) as Record<string, Fixture>
  const path = join(folder, 'changed.json')
  writeFileSync(path, JSON.stringify({ [name]: change(tests[name] as Fixture) ?? tests[name] }))
  return run({ path })
}

describe('the runner of state tests', () => {
  it('passes what EthereumJS with its own state filled, for every fork from Frontier to Osaka', async () => {
    const { passed, failed, skipped, malformed, lines } = await run()
    expect(lines.filter((line) => line.includes('FAIL'))).toEqual([])
    expect({ failed, skipped, malformed }).toEqual({ failed: 0, skipped: 0, malformed: 0 })
    expect(passed).toBeGreaterThan(200)
  })
  it('runs one fork, or what a pattern matches, alone', async () => {
    const osaka = await run({ fork: 'Osaka' })
    expect(osaka.passed).toBeGreaterThan(10)
    expect(osaka.lines.filter((line) => line.startsWith('  ')).every((line) => line.includes(' Osaka '))).toBe(true)
    const blobs = await run({ filter: /blobs/ })
    expect(blobs).toMatchObject({ passed: 4, failed: 0 })
  })
  it('fails another state root, other logs, another balance, another code, for each fork', async () => {
    const changes: Record<string, (test: Fixture) => void> = {
      hash: (test) => Object.values(test.post).forEach(([post]) => post && (post.hash = `0x${'12'.repeat(32)}`)),
      logs: (test) => Object.values(test.post).forEach(([post]) => post && (post.logs = `0x${'12'.repeat(32)}`)),
      balance: (test) => Object.values(test.pre).forEach((account) => (account.balance += '0')),
      code: (test) => Object.values(test.pre).forEach((account) => account.code !== '0x' && (account.code += '00')),
    }
    const forks = 15
    for (const [what, change] of Object.entries(changes)) {
      const { failed, passed } = await runChanged('storeAndLog', change)
      expect(failed, what).toBe(what === 'hash' || what === 'logs' ? forks : 8 * forks)
      expect(failed + passed, what).toBe(8 * forks)
    }
  })
  it('fails a transaction that runs where a refusal is expected, and the other way round', async () => {
    const surprised = await runChanged('storeAndLog', (test) => {
      for (const posts of Object.values(test.post)) for (const post of posts) post.expectException = 'TR_NoFunds'
    })
    expect(surprised).toMatchObject({ passed: 0, failed: 120 })
    expect(surprised.lines.join()).toContain('it ran; expected was TR_NoFunds')
    const refused = await runChanged('refused', (test) => {
      for (const posts of Object.values(test.post)) for (const post of posts) delete post.expectException
    })
    expect(refused).toMatchObject({ passed: 0, failed: 60 })
    expect(refused.lines.join()).toContain('the transaction was refused: ')
  })
  it('leaves forks out that are not known, and says so', async () => {
    const { skipped, passed, failed } = await runChanged('blobs', (test) => {
      test.post = { ParisToShanghaiAtTime15k: test.post['Shanghai'] ?? [] }
    })
    expect({ skipped, passed, failed }).toEqual({ skipped: 1, passed: 0, failed: 0 })
  })
  it('names what is wrong with a malformed file', async () => {
    const path = join(folder, 'malformed')
    mkdirSync(path)
    const files: Record<string, readonly [content: string, why: string]> = {
      'a.json': ['{ "x": ', 'cannot be read: '],
      'b.json': ['[]', 'is no file of state tests'],
      'c.json': ['{ "x": { "env": {} } }', 'is no state test: x: env.currentCoinbase'],
    }
    for (const [name, [content]] of Object.entries(files)) writeFileSync(join(path, name), content)
    const { malformed, lines } = await run({ path })
    expect(malformed).toBe(3)
    for (const [name, [, why]] of Object.entries(files))
      expect(lines.find((line) => line.startsWith(`ERROR ${name}`))).toContain(why)
    const indexes = await runChanged('blobs', (test) => {
      test.transaction.data = []
    })
    expect(indexes.lines.join()).toContain('indexes name data 0, and there are 0')
  })
})

describe('npm run test:state', () => {
  const state = (args: readonly string[]) => {
    const main = ['--conditions=@hawser/source', '--import', 'tsx', 'test/state/main.ts']
    return runCommand(process.execPath, [...main, ...args], { cwd: ROOT })
  }

  it('ends with 0 when all passed, with 1 when one failed or nothing ran, with 2 when it is not understood', async () => {
    const path = join(folder, 'one.json')
    const content = readFileSync(join(FIXTURES, 'blobs.json'), 'utf8')
    writeFileSync(path, content)
    const right = await state([path])
    expect(right.code).toBe(0)
    expect(right.stdout).toContain('4 passed, 0 failed')
    writeFileSync(path, content.replace(/"hash": "0x../, '"hash": "0x00'))
    expect((await state([path])).code).toBe(1)
    expect((await state([path, '--filter', 'nothing'])).code).toBe(1)
    for (const args of [[], ['/no/such/folder'], [path, '--fork', 'Atlantis'], [path, '--filter', '(']])
      expect((await state(args)).code).toBe(2)
  })
})
