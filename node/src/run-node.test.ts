import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { devnetSpec } from '@hawser/genesis'
import { silentLogger } from '@hawser/primitives'
import { MemoryStore } from '@hawser/storage'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from './config.ts'
import { createNode } from './create-node.ts'
import { devValidatorKeys, validatorSpecOf } from './devnet/dev-keys.ts'
import { startL1, type RunningL1 } from './devnet/devnet-l1.ts'
import { writeKeyFile } from './key-file.ts'
import { runNode } from './run-node.ts'

let folder: string
let l1: RunningL1
let configFile: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hawser-run-node-'))
  l1 = await startL1('embedded', join(folder, 'bitcoin'))
  const keys = devValidatorKeys(0)
  const spec = devnetSpec({ genesisTime: Math.floor(Date.now() / 1000), validators: [validatorSpecOf(keys)] })
  writeFileSync(join(folder, 'chain-spec.json'), JSON.stringify(spec))
  writeKeyFile(join(folder, 'node.json'), keys.node)
  configFile = join(folder, 'config.json')
  const config = {
    chainSpec: 'chain-spec.json',
    dataDir: '.',
    keys: { node: 'node.json' },
    p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: [] },
    rpc: null,
    bitcoin: { url: l1.url, ...l1.auth },
    log: { level: 'silent' },
  }
  writeFileSync(configFile, JSON.stringify(config))
})
afterAll(async () => {
  await l1.stop()
  rmSync(folder, { recursive: true, force: true })
})

it('lets a node be stopped that still looks for a state to begin at', async () => {
  const ended = runNode({ configFile, allowFreshGuard: false, iAmOnly: false, overrides: { sync: 'state' } })
  // Nobody has a state here: without the signal it would look for one for ever.
  process.emit('SIGTERM')
  expect(await ended).toBe(0)
})

it('says why a node cannot be made, whatever its end says', async () => {
  class StuckStore extends MemoryStore {
    override close(): Promise<void> {
      return Promise.reject(new Error('the database does not close'))
    }
  }
  const told: unknown[] = []
  const made = createNode({
    config: readConfig(configFile),
    logger: { ...silentLogger, error: (...line) => told.push(line) },
    onFatal: () => undefined,
    makes: {
      openStore: async () => new StuckStore(),
      startTransport: () => Promise.reject(new Error('the address is taken')),
    },
  })
  await expect(made).rejects.toThrow('the address is taken')
  expect(told).toEqual([[{ err: 'the database does not close' }, 'what was begun did not stop in order']])
})
