import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as artifacts from './artifacts.ts'

/** EIP-170: the genesis state is not bound by it, tools that redeploy or fork are. */
const MAX_RUNTIME_BYTES = 24_576

const generated = new URL('./generated/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, generated), 'utf8')

describe('the generated artifacts', () => {
  it('are what the sources compile to, byte for byte', async () => {
    const script = new URL('../scripts/compile.mjs', import.meta.url).href
    const { compile } = (await import(/* @vite-ignore */ script)) as { compile: () => Record<string, string> }
    const files = compile()
    expect(readdirSync(generated).sort()).toEqual(Object.keys(files).sort())
    for (const [name, text] of Object.entries(files)) expect(text === read(name), `${name} is stale`).toBe(true)
  }, 180_000)

  it('keep the storage layouts that running chains have', () => {
    const frozen = JSON.parse(
      readFileSync(new URL('./fixtures/storage-layouts.json', import.meta.url), 'utf8'),
    ) as object
    const names = ['BitcoinLightClient', 'Bridge', 'Validators', 'FeePool']
    const layouts = names.map((name) => [
      name,
      (JSON.parse(read(`${name}.json`)) as { storageLayout: object }).storageLayout,
    ])
    expect(Object.fromEntries(layouts)).toEqual(frozen)
  })

  it.each([
    ['BitcoinLightClient', artifacts.bitcoinLightClientRuntimeSize],
    ['Bridge', artifacts.bridgeRuntimeSize],
    ['Validators', artifacts.validatorsRuntimeSize],
    ['FeePool', artifacts.feePoolRuntimeSize],
  ])('%s stays below the limit for deployed code', (_name, size) => {
    expect(size).toBeLessThan(MAX_RUNTIME_BYTES)
  })
})
