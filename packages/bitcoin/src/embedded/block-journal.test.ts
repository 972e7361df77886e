import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EmbeddedChain } from './embedded-chain.ts'

const ANYONE = Uint8Array.of(0x51)
let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hawser-journal-'))
  const chain = new EmbeddedChain({ dataDir })
  chain.mine(5, ANYONE)
  chain.close()
})
afterEach(() => rmSync(dataDir, { recursive: true }))
const file = () => join(dataDir, 'embedded-blocks.dat')

describe('the embedded chain’s file', () => {
  it('gives the chain back', () => {
    expect(new EmbeddedChain({ dataDir }).height).toBe(5)
  })

  it('loses no more than the record that a crash tore', () => {
    const whole = readFileSync(file())
    writeFileSync(file(), whole.subarray(0, whole.length - 10))
    expect(new EmbeddedChain({ dataDir }).height).toBe(4)
  })

  it('is refused, and left as it is, when it is damaged', () => {
    const bytes = readFileSync(file())
    for (const [at, value] of [
      [0, 9],
      [4, 0xff],
    ] as const) {
      const damaged = Uint8Array.from(bytes)
      damaged[at] = value
      writeFileSync(file(), damaged)
      expect(() => new EmbeddedChain({ dataDir })).toThrow('is damaged at byte 0')
      expect(new Uint8Array(readFileSync(file()))).toEqual(damaged)
    }
    writeFileSync(file(), bytes)
    appendFileSync(file(), 'not a record')
    expect(() => new EmbeddedChain({ dataDir })).toThrow('is damaged')
  })
})
