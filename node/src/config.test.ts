import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig, type ConfigOverrides, type NodeConfig } from './config.ts'
import { RPC_LIMIT_NAMES, RPC_LIMIT_SETTINGS } from './rpc-config.ts'

let folder: string
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'hawser-config-'))))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const plain: NodeConfig = {
  chainSpec: 'chain-spec.json',
  dataDir: 'data',
  keys: { node: 'node.json' },
  p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: [] },
  rpc: { host: '127.0.0.1', port: 8545 },
  bitcoin: { url: 'http://127.0.0.1:18443' },
  log: { level: 'info' },
}

function read(changes: object, overrides?: ConfigOverrides): NodeConfig {
  const file = join(folder, 'config.json')
  writeFileSync(file, JSON.stringify({ ...plain, ...changes }))
  return readConfig(file, overrides)
}

describe('the configuration', () => {
  it('takes every limit at its bounds and refuses it beyond them, naming the field', () => {
    for (const name of RPC_LIMIT_NAMES) {
      const { least, most } = RPC_LIMIT_SETTINGS[name]
      const withLimit = (value: unknown) => read({ rpc: { ...plain.rpc, limits: { [name]: value } } })
      for (const value of [least, most]) expect(withLimit(value).rpc?.limits).toEqual({ [name]: value })
      for (const value of [least - 1, most + 1, least + 0.5, String(least), null])
        expect(() => withLimit(value), `${name} ${value}`).toThrow(`rpc.limits.${name}: a whole number from ${least}`)
    }
  })
  it('refuses unknown fields, origins with a path, hosts with a port, unknown namespaces, and a short history', () => {
    expect(() => read({ rpc: { ...plain.rpc, limits: { maxBatches: 3 } } })).toThrow('rpc.limits.maxBatches')
    expect(() => read({ rpc: { ...plain.rpc, corsOrigins: ['https://a.example/x'] } })).toThrow('rpc.corsOrigins.0')
    expect(() => read({ rpc: { ...plain.rpc, vhosts: ['a:1'] } })).toThrow('rpc.vhosts.0: a host name without port')
    expect(() => read({ rpc: { ...plain.rpc, api: ['admin'] } })).toThrow('rpc.api.0')
    for (const history of [127, 0, -1, 128.5, 'all', null])
      expect(() => read({ history })).toThrow('history: "archive", or a whole number of blocks from 128')
    expect(read({ history: 'archive' }).history).toBe('archive')
  })
  it('gives way to the command line, field by field', () => {
    const rpc = { ...plain.rpc, vhosts: ['a.example'], limits: { maxBatch: 5, maxSockets: 6 } }
    const config = read({ rpc, history: 500 }, { history: 'archive', rpc: { port: 1, limits: { maxBatch: 7 } } })
    expect(config.history).toBe('archive')
    expect(config.rpc).toEqual({ ...rpc, port: 1, limits: { maxBatch: 7, maxSockets: 6 } })
    expect(read({ rpc }, { rpc: { host: undefined, port: undefined } }).rpc).toEqual(rpc)
  })
  it('turns JSON-RPC on by a port alone', () => {
    expect(read({ rpc: null }, { rpc: { port: 8545 } }).rpc).toMatchObject({ host: '127.0.0.1', port: 8545 })
    expect(() => read({ rpc: null }, { rpc: { api: ['eth'] } })).toThrow('give --rpc-port to turn it on')
  })
  it('turns metrics on by a port alone, and refuses their address without one', () => {
    expect(read({}).metrics).toBeUndefined()
    expect(read({ metrics: null }, { metrics: { port: 9464 } }).metrics).toEqual({ host: '127.0.0.1', port: 9464 })
    const own = { metrics: { host: '0.0.0.0', port: 9464 } }
    expect(read(own, { metrics: { port: 9465 } }).metrics).toEqual({ host: '0.0.0.0', port: 9465 })
    expect(() => read({}, { metrics: { host: '0.0.0.0' } })).toThrow('give --metrics-port to turn them on')
    expect(() => read({ metrics: { host: 'x', port: 70_000 } })).toThrow('metrics.port')
  })
})
