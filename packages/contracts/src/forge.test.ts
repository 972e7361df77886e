import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

it('forge test passes', async () => {
  const forge = join(dirname(createRequire(import.meta.url).resolve('@foundry-rs/forge/package.json')), 'bin.mjs')
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const outcome = await new Promise<{ failed: boolean; output: string }>((resolve) => {
    execFile(process.execPath, [forge, 'test'], { cwd, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      resolve({ failed: error !== null, output: stdout + stderr })
    })
  })
  expect(outcome.failed, outcome.output).toBe(false)
  // The npm package's launcher ends with 0 whatever forge ended with: the summary decides.
  expect(outcome.output).toMatch(/^Ran .*: [1-9]\d* tests passed, 0 failed, \d+ skipped/m)
}, 300_000)
