import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { silentLogger } from '@hawser/primitives'
import { takeResumeRequest, writeResumeRequest } from './resume-request.ts'

const folder = mkdtempSync(join(tmpdir(), 'hawser-resume-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('a request to vote for resuming', () => {
  it('is taken once', () => {
    expect(takeResumeRequest(folder, silentLogger)).toBeUndefined()
    writeResumeRequest(folder, 7n)
    expect(takeResumeRequest(folder, silentLogger)).toBe(7n)
    expect(takeResumeRequest(folder, silentLogger)).toBeUndefined()
  })

  it('is removed when it holds something else', () => {
    for (const text of ['seven', '-1', '9'.repeat(100)]) {
      writeFileSync(join(folder, 'vote-resume'), text)
      expect(takeResumeRequest(folder, silentLogger)).toBeUndefined()
      expect(takeResumeRequest(folder, silentLogger)).toBeUndefined()
    }
  })
})
