import { ImportedChain, importedChainBackend } from '@hawser/node'
import { silentLogger } from '@hawser/primitives'
import { RpcServer } from '@hawser/rpc'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** The public cases of the Ethereum execution APIs, with the chain that they were recorded on. */
const DATA = fileURLToPath(new URL('../../../shared/conformance/execution-apis/', import.meta.url))
const hasData = existsSync(DATA)
if (!hasData) console.warn('skipped: no execution-apis at ../shared/conformance next to the repository')

let folder: string
let chain: ImportedChain
let server: RpcServer
beforeAll(async () => {
  if (!hasData) return
  folder = await mkdtemp(join(tmpdir(), 'hawser-conformance-'))
  chain = await ImportedChain.open(join(DATA, 'genesis.json'), folder, silentLogger)
  await chain.importFile(join(DATA, 'chain.rlp'))
  server = await RpcServer.start(importedChainBackend(chain, silentLogger), { host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  if (!hasData) return
  await server.stop()
  await chain.close()
  rmSync(folder, { recursive: true, force: true })
})

async function post(body: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${server.port}`, { method: 'POST', body })
  return response.json()
}

/** An answer without what may differ: the words of errors. */
function withoutWords(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutWords)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      if (name !== 'error') return [name, withoutWords(field)]
      const { code, data } = field as { code: number; data?: unknown }
      return [name, { code, data }]
    }),
  )
}

const cases = hasData
  ? readdirSync(join(DATA, 'tests')).flatMap((method) =>
      readdirSync(join(DATA, 'tests', method)).map((file) => [method, file.replace('.io', '')] as const),
    )
  : []

describe.skipIf(!hasData)('an imported chain', () => {
  it.each(cases)('answers %s as recorded: %s', async (method, name) => {
    const text = readFileSync(join(DATA, 'tests', method, `${name}.io`), 'utf8')
    const specOnly = /^\/\/ ?speconly:/m.test(text)
    let answer: unknown
    for (const line of text.split('\n')) {
      if (line.startsWith('>>')) answer = await post(line.slice(2))
      if (!line.startsWith('<<')) continue
      // Of some answers only the form is given.
      if (specOnly) expect(Object.keys(answer as object)).toEqual(Object.keys(JSON.parse(line.slice(2)) as object))
      else expect(withoutWords(answer)).toEqual(withoutWords(JSON.parse(line.slice(2))))
    }
  })
})
