import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDevnetFolder } from './devnet-folder.ts'

let parent: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'hawser-folder-test-'))
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

it('makes the folder, and takes it away again when nothing came into it', () => {
  const folder = join(parent, 'new')
  const release = claimDevnetFolder(folder)
  expect(existsSync(folder)).toBe(true)
  release()
  expect(existsSync(folder)).toBe(false)
})

it('refuses a folder on which another process runs a devnet, and one that a dead process left it takes', () => {
  writeFileSync(join(parent, 'devnet.pid'), `${process.ppid}\n`)
  expect(() => claimDevnetFolder(parent)).toThrow(/runs on .* already/)
  // Above the largest process id that Linux gives.
  writeFileSync(join(parent, 'devnet.pid'), '99999999\n')
  claimDevnetFolder(parent)()
})

it('refuses a file, and a folder with things in it that are not of a devnet', () => {
  writeFileSync(join(parent, 'notes.txt'), 'mine')
  expect(() => claimDevnetFolder(join(parent, 'notes.txt'))).toThrow(/is a file/)
  expect(() => claimDevnetFolder(parent)).toThrow(/notes\.txt/)
  expect(readdirSync(parent)).toEqual(['notes.txt'])
})
