// Writes the fixture that freezes the storage layouts. Run it for a new contract or a new slot at the end, never to silence the test.
import { readFileSync, writeFileSync } from 'node:fs'
import { CONTRACTS } from './compile.mjs'

const source = new URL('../src/generated/', import.meta.url)
const layouts = CONTRACTS.map((name) => [
  name,
  JSON.parse(readFileSync(new URL(`${name}.json`, source), 'utf8')).storageLayout,
])
writeFileSync(
  new URL('../src/fixtures/storage-layouts.json', import.meta.url),
  JSON.stringify(Object.fromEntries(layouts), null, 2) + '\n',
)
