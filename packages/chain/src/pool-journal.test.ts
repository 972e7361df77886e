import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '@hawser/primitives'
import { PoolJournal } from './pool-journal.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hawser-journal-'))
  file = join(folder, 'pool-journal')
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = () => new PoolJournal(file, silentLogger)
const bytes = (...values: number[]) => Uint8Array.from(values)
const held = () =>
  open()
    .load()
    .map((record) => [...record])

describe('PoolJournal', () => {
  it('gives after a restart what was appended, in order', async () => {
    const journal = open()
    for (const n of [1, 2, 3]) journal.append(bytes(n, n))
    await journal.flush()
    expect(held()).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })

  it('is empty where there is no file', () => expect(held()).toEqual([]))

  it('keeps what stands before a torn or damaged record', async () => {
    const journal = open()
    journal.append(bytes(1))
    journal.append(bytes(2))
    await journal.flush()
    const whole = readFileSync(file)
    for (let cut = 10; cut < whole.length; cut++) {
      writeFileSync(file, whole.subarray(0, cut))
      expect(held()).toEqual([[1]])
    }
    writeFileSync(file, whole)
    appendFileSync(file, bytes(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1))
    expect(held()).toEqual([[1], [2]])
    const damaged = Uint8Array.from(whole)
    damaged[damaged.length - 1] = 9
    writeFileSync(file, damaged)
    expect(held()).toEqual([[1]])
  })

  it('holds nothing but what it is rewritten with, and goes on from there', async () => {
    const journal = open()
    journal.append(bytes(1))
    await journal.rewrite([bytes(7)])
    journal.append(bytes(8))
    await journal.flush()
    expect(held()).toEqual([[7], [8]])
  })

  it('lets the node stop when nothing can be written', async () => {
    const warnings: unknown[] = []
    const logger = { ...silentLogger, warn: (fields: unknown) => warnings.push(fields) } as typeof silentLogger
    const journal = new PoolJournal('/nowhere/at/all/journal', logger)
    journal.append(Uint8Array.of(1))
    await journal.flush()
    await Promise.resolve()
    expect(warnings.length).toBe(1)
  })
})
