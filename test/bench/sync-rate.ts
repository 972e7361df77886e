import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedChain, serveEmbeddedRpc } from '@hawser/bitcoin/embedded'
import { freePort, writeKeyFile, type NodeConfig } from '@hawser/node'
import { peerIdOf } from '@hawser/p2p'
import type { Hex } from 'viem'
import { eventually, startHawser } from '../kit/devnet.ts'
import { ask } from './json-rpc-load.ts'
import { writeLongChain } from './long-chain.ts'

const LIMIT_MS = 30 * 60_000
const POLL_MS = 200

export interface SyncRate {
  readonly how: 'full' | 'state'
  readonly blocks: number
  readonly seconds: number
}

/** How long a new node takes to be in step with one that has so many empty blocks: by every block, and by the state. */
export async function measureSync(blocks: number): Promise<SyncRate[]> {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-sync-'))
  const cookieFile = join(folder, '.cookie')
  const l1 = await serveEmbeddedRpc(new EmbeddedChain(), { cookieFile })
  const port = await freePort()
  const nodeKey = (index: number) => new Uint8Array(32).fill(60 + index)
  const bootnode = `/ip4/127.0.0.1/tcp/${port}/p2p/${peerIdOf(nodeKey(0))}`
  const start = async (index: number, dataDir: string, sync: 'full' | 'state') => {
    const home = join(folder, `node${index}`)
    mkdirSync(home, { recursive: true })
    writeKeyFile(join(home, 'node.json'), nodeKey(index))
    const config: NodeConfig = {
      chainSpec: join(folder, 'source', 'chain-spec.json'),
      dataDir,
      keys: { node: 'node.json' },
      p2p: {
        listen: [`/ip4/127.0.0.1/tcp/${index === 0 ? port : 0}`],
        bootnodes: index === 0 ? [] : [bootnode],
      },
      rpc: { host: '127.0.0.1', port: 0 },
      sync,
      bitcoin: { url: l1.url, cookieFile },
      log: { level: 'info' },
    }
    writeFileSync(join(home, 'config.json'), JSON.stringify(config))
    const node = await startHawser(['node', '--config', join(home, 'config.json')])
    const rpcPort = await eventually('the node to be up', () => /"rpc":(\d+)/.exec(node.output())?.[1], {
      limitMs: LIMIT_MS,
    })
    return { ...node, rpcUrl: `http://127.0.0.1:${rpcPort}` }
  }
  try {
    await writeLongChain(join(folder, 'source'), blocks)
    const source = await start(0, join(folder, 'source'), 'full')
    const rates: SyncRate[] = []
    for (const [index, how] of (['full', 'state'] as const).entries()) {
      const began = performance.now()
      const node = await start(index + 1, join(folder, `data-${how}`), how)
      await eventually(
        'the node to be in step',
        async () => BigInt(await ask<Hex>(node.rpcUrl, 'eth_blockNumber', [])) === BigInt(blocks),
        { limitMs: LIMIT_MS, everyMs: POLL_MS },
      )
      rates.push({ how, blocks, seconds: (performance.now() - began) / 1000 })
      await node.stop()
    }
    await source.stop()
    return rates
  } finally {
    await l1.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
