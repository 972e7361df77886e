import type { Devnet, NodeConfig } from '@hawser/node'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, startDevnet, startHawser } from '../kit/devnet.ts'
import { readerOf } from './support/clients.ts'

/** Anybody's 32 bytes: a libp2p identity of its own. */
const OTHER_NODE_KEY = `0x${'5a'.repeat(32)}`

describe('the key of a running validator, started a second time', { timeout: 120_000 }, () => {
  let dataDir: string
  let devnet: Devnet

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hawser-e2e-twin-'))
    devnet = await startDevnet({ dataDir })
  })
  afterAll(async () => {
    await devnet?.stop()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it('hears itself before it signs anything, and ends; the first one goes on', async () => {
    const twin = join(dataDir, 'validators', 'twin')
    cpSync(join(dataDir, 'validators', '0'), twin, {
      recursive: true,
      filter: (path) => !/chain$|signer-guard|node\.log|pool-journal/.test(path),
    })
    const config = JSON.parse(readFileSync(join(twin, 'config.json'), 'utf8')) as NodeConfig
    writeFileSync(join(twin, 'other-node-key.json'), JSON.stringify({ secretKey: OTHER_NODE_KEY }))
    const changed: NodeConfig = {
      ...config,
      dataDir: twin,
      keys: { ...config.keys, node: join(twin, 'other-node-key.json') },
      p2p: { ...config.p2p, listen: ['/ip4/127.0.0.1/tcp/0'] },
      rpc: null,
      log: { level: 'info' },
    }
    writeFileSync(join(twin, 'config.json'), JSON.stringify(changed))
    // Its guard is fresh: nothing but listening can keep it from signing.
    const second = await startHawser(['node', '--config', join(twin, 'config.json'), '--allow-fresh-guard'])
    try {
      expect(await second.ended).toBe(1)
    } finally {
      await second.stop()
    }
    expect(second.output()).toMatch(/our own key has (sealed|voted)/)
    expect(second.output()).not.toContain('sealed a block')
    const head = await readerOf(devnet.rpcUrl).getBlockNumber()
    await eventually('the others to go on', async () => (await readerOf(devnet.rpcUrl).getBlockNumber()) > head + 4n)
    expect(devnet.validators.every((validator) => validator.running)).toBe(true)
  })
})
