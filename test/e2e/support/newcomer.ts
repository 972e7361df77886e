import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeKeyFile, type Devnet, type NodeConfig } from '@hawser/node'
import { keccak256, utf8 } from '@hawser/primitives'
import { eventually, startHawser } from '../../kit/devnet.ts'

export interface NewcomerOptions {
  /** Its folder in the devnet's, and what its libp2p identity is made of. */
  readonly name: string
  /** The 32-byte secret that it signs with. */
  readonly session?: Uint8Array
  /** Further arguments of `hawser node`. */
  readonly args?: readonly string[]
}

/** A `hawser node` beside a devnet's own: it has the chain spec, a bootnode list and keys of its own, and a disk that it keeps. */
export async function startNewcomer(devnet: Devnet, { name, session, args = [] }: NewcomerOptions) {
  const folder = join(devnet.dataDir, name)
  mkdirSync(join(folder, 'keys'), { recursive: true })
  const model = JSON.parse(readFileSync(join(devnet.dataDir, 'validators', '2', 'config.json'), 'utf8')) as NodeConfig
  const keys = { node: keccak256(utf8(name)), ...(session && { session }) }
  for (const [key, secret] of Object.entries(keys)) writeKeyFile(join(folder, 'keys', `${key}.json`), secret)
  const config: NodeConfig = {
    ...model,
    chainSpec: '../chain-spec.json',
    keys: { node: 'keys/node.json', ...(session && { session: 'keys/session.json' }) },
    p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: model.p2p.bootnodes },
    rpc: { host: '127.0.0.1', port: 0 },
    metrics: { host: '127.0.0.1', port: 0 },
  }
  const configFile = join(folder, 'config.json')
  writeFileSync(configFile, JSON.stringify(config))
  const node = await startHawser(['node', '--config', configFile, ...args])
  const [rpc, metrics] = await eventually(
    `${name} to be up`,
    () => /"rpc":(\d+),"metrics":(\d+)/.exec(node.output())?.slice(1),
    { limitMs: 60_000 },
  )
  return { ...node, configFile, rpcUrl: `http://127.0.0.1:${rpc}`, monitorUrl: `http://127.0.0.1:${metrics}` }
}
