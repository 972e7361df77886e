import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedChain, serveEmbeddedRpc } from '@hawser/bitcoin/embedded'
import { L1Wallet } from '@hawser/bitcoin/source'
import { devnetSpec } from '@hawser/genesis'
import {
  DEV_WALLET_SEED,
  devAccounts,
  devValidatorKeys,
  openSource,
  validatorSpecOf,
  writeKeyFile,
  type NodeConfig,
} from '@hawser/node'
import { SATS_PER_BTC } from '@hawser/primitives'
import type { Address, Hex } from 'viem'
import { eventually, startHawser } from '../kit/devnet.ts'
import { ask } from './json-rpc-load.ts'
import type { Sender } from './transfer-rates.ts'

const FUNDED_SATS = SATS_PER_BTC

/** One validator, alone on its chain, with everything that a real one has: LevelDB, guard, network, Bitcoin. */
export async function startSingleValidator(options: { readonly accounts?: number; readonly gasLimit?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hawser-bench-'))
  const cookieFile = join(folder, '.cookie')
  const l1 = await serveEmbeddedRpc(new EmbeddedChain(), { cookieFile })
  const keys = devValidatorKeys(0)
  const genesisTime = Math.floor(Date.now() / 1000)
  const devnet = devnetSpec({ genesisTime, validators: [validatorSpecOf(keys)] })
  const spec =
    options.gasLimit === undefined ? devnet : { ...devnet, gasLimits: [{ fromBlock: 0, gasLimit: options.gasLimit }] }
  writeFileSync(join(folder, 'chain-spec.json'), JSON.stringify(spec))
  mkdirSync(join(folder, 'keys'))
  for (const name of ['node', 'session', 'bitcoin'] as const)
    writeKeyFile(join(folder, 'keys', `${name}.json`), keys[name])
  const config: NodeConfig = {
    chainSpec: 'chain-spec.json',
    dataDir: '.',
    keys: { node: 'keys/node.json', session: 'keys/session.json', bitcoin: 'keys/bitcoin.json' },
    p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: [] },
    rpc: { host: '127.0.0.1', port: 0 },
    bitcoin: { url: l1.url, cookieFile },
    log: { level: 'info' },
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
  const node = await startHawser([
    'node',
    '--config',
    join(folder, 'config.json'),
    '--allow-fresh-guard',
    '--i-am-only',
  ])
  const stop = async () => {
    await node.stop()
    await l1.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const port = await eventually('the node to be up', () => /"rpc":(\d+)/.exec(node.output())?.[1])
    const rpcUrl = `http://127.0.0.1:${port}`
    const senders: Sender[] = devAccounts(options.accounts).map(({ address, privateKey }) => ({
      address: address as Address,
      privateKey,
    }))
    const wallet = new L1Wallet(openSource({ url: l1.url, auth: { cookieFile } }), DEV_WALLET_SEED)
    await wallet.ensureFunds(FUNDED_SATS * BigInt(senders.length + 1))
    const outputs = await Promise.all(
      senders.map(async ({ address }) => {
        const { address: to } = await ask<{ address: string }>(rpcUrl, 'bridge_getDepositAddress', [address])
        return { to, sats: FUNDED_SATS }
      }),
    )
    await wallet.send(outputs)
    await wallet.mine(1)
    await eventually('the deposits', async () => {
      const balances = await Promise.all(
        senders.map(({ address }) => ask<Hex>(rpcUrl, 'eth_getBalance', [address, 'latest'])),
      )
      return balances.every((balance) => BigInt(balance) > 0n)
    })
    return { rpcUrl, senders, pid: node.pid, stop }
  } catch (error) {
    const log = node.output().slice(-2_000)
    await stop()
    throw new Error(`the single validator did not come up:\n${log}`, { cause: error })
  }
}
