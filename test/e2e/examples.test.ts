import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Devnet } from '@hawser/node'
import { build } from 'esbuild'
import { Window } from 'happy-dom'
import { createWalletClient, http, type Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin, eventually, ROOT, runCommand, startDevnet } from '../kit/devnet.ts'
import { readerOf } from './support/clients.ts'
import { hardhatProject } from './support/hardhat-project.ts'

const EXAMPLES = join(ROOT, 'examples')
const LIMIT_MS = 90_000

let devnet: Devnet
let folder: string
/** What every example is told. */
const env = () => ({ HAWSER_RPC_URL: devnet.rpcUrl, NO_COLOR: '1' })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hawser-examples-'))
  devnet = await startDevnet({ mineEveryMs: 1_000 })
})
afterAll(async () => {
  await devnet?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

it('the TypeScript examples have no type errors', async () => {
  const { code, stdout } = await runCommand(bin('tsc'), ['-p', EXAMPLES], { limitMs: LIMIT_MS })
  expect(code, stdout).toBe(0)
})

it('viem: deposits, withdraws with every state told, and proves the reserves', async () => {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@hawser/source',
      '--import',
      'tsx',
      join(EXAMPLES, 'viem', 'main.ts'),
      join(devnet.dataDir, 'chain-spec.json'),
    ],
    { cwd: ROOT, env: { ...process.env, ...env() } },
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  try {
    const to = await eventually('a deposit address', () => /to (bcrt1p\w+)/.exec(output)?.[1])
    await devnet.wallet.send([{ to, sats: 1_000_000n }])
    const code = await Promise.race([
      ended,
      eventually('the example to end', () => child.exitCode ?? undefined, { limitMs: LIMIT_MS }),
    ])
    expect(code, output).toBe(0)
  } catch (error) {
    throw new Error(`${String(error)}\n${output}`, { cause: error })
  } finally {
    child.kill()
  }
  expect(output).toContain('balance: 0.01 BTC')
  expect(output).toMatch(/withdrawal \d+: settled/)
  expect(output.trim().split('\n').at(-1)).toBe('covered')
}, 120_000)

it('ethers: transfers and withdraws', async () => {
  const script = join(EXAMPLES, 'ethers', 'main.mjs')
  const { code, stdout, stderr } = await runCommand(process.execPath, [script], { env: env(), limitMs: LIMIT_MS })
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/chain 18443: 0x\w{40} has 10\.0 BTC/)
  expect(stdout).toMatch(/withdrawal \d+ of 180000 sat/)
  expect(stdout.trim()).toMatch(/settled$/)
}, 120_000)

it('hardhat: deploys a contract that reads Bitcoin', { timeout: 240_000 }, async (context) => {
  const installed = await hardhatProject()
  if (typeof installed === 'string') {
    if (process.env['CI'] === 'true') throw new Error(installed)
    return context.skip(installed)
  }
  const { command, args, cwd } = installed.command(['run', 'scripts/deploy.mjs', '--network', 'hawser'])
  // node_modules is found one folder above, where the fixture's lock files were installed.
  const project = join(dirname(cwd), 'example')
  rmSync(project, { recursive: true, force: true })
  // Without what a reader of the example has installed and built there.
  const isSource = (path: string) => !/[\\/](node_modules|artifacts|cache)$/.test(path)
  cpSync(join(EXAMPLES, 'hardhat'), project, { recursive: true, filter: isSource })
  const result = await runCommand(command, args, {
    cwd: project,
    env: { ...env(), HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true' },
    limitMs: LIMIT_MS,
  })
  expect(result.code, result.stderr).toBe(0)
  await expectHeight(/Moored (0x\w{40}) sees Bitcoin at height (\d+)/.exec(result.stdout))
})

it('foundry: deploys the same by forge script', async () => {
  const project = join(folder, 'foundry')
  cpSync(join(EXAMPLES, 'foundry'), project, { recursive: true })
  const mnemonic = 'test test test test test test test test test test test junk'
  const readme = readFileSync(join(EXAMPLES, 'foundry', 'README.md'), 'utf8')
  const sender = /--sender (0x\w{40})/.exec(readme)?.[1] as string
  const result = await runCommand(
    bin('forge'),
    [
      ...['script', 'script/Deploy.s.sol', '--rpc-url', devnet.rpcUrl, '--broadcast'],
      ...['--mnemonics', mnemonic, '--mnemonic-indexes', '3', '--sender', sender],
      // npm's solc instead of a download.
      ...['--use', join(ROOT, 'packages', 'contracts', 'bin', 'solcw'), '--offline'],
    ],
    { cwd: project, env: env(), limitMs: LIMIT_MS },
  )
  expect(result.code, result.stderr).toBe(0)
  expect(result.stdout).toContain('ONCHAIN EXECUTION COMPLETE & SUCCESSFUL')
  const run = JSON.parse(readFileSync(join(project, 'broadcast/Deploy.s.sol/18443/run-latest.json'), 'utf8')) as {
    receipts: { contractAddress: string }[]
  }
  const address = run.receipts[0]?.contractAddress ?? ''
  const height = await runCommand(
    bin('cast'),
    ['call', address, 'bitcoinHeight()(uint32)', '--rpc-url', devnet.rpcUrl],
    { env: env() },
  )
  await expectHeight([height.stdout, address, height.stdout.trim()])
}, 120_000)

// There is no browser here that every machine has: the page runs in happy-dom, with a wallet that signs by viem.
describe('browser', () => {
  it('connects a wallet that does not know the chain, shows balance and deposit address, and sends', async () => {
    const key = devnet.accounts[4]?.privateKey as Hex
    const wallet = stubWallet(key)
    const window = new Window({ url: `http://127.0.0.1:8000/?rpc=${devnet.rpcUrl}` })
    const { document } = window
    document.write(readFileSync(join(EXAMPLES, 'browser', 'index.html'), 'utf8').replace(/<script[^]*<\/script>/, ''))
    const page = { window: Object.assign(window, { ethereum: wallet }), document, location: window.location }
    const before = Object.keys(page).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
    for (const [name, value] of Object.entries(page))
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true })
    try {
      await import(/* @vite-ignore */ pathToFileURL(await bundlePage()).href)
      const text = (id: string) => document.getElementById(id)?.textContent ?? ''
      document.getElementById('connect')?.dispatchEvent(new window.Event('click'))
      await eventually('the deposit address', () => text('deposit') || undefined)
      expect(text('status')).toBe('connected to Hawser devnet')
      expect(text('account')).toBe(privateKeyToAccount(key).address)
      expect(text('balance')).toBe('10 BTC')
      const { address } = await devnet.rpc<{ address: string }>('bridge_getDepositAddress', [text('account')])
      expect(text('deposit')).toBe(address)
      expect(wallet.asked).toEqual(['eth_requestAccounts', 'wallet_addEthereumChain', 'wallet_switchEthereumChain'])

      const to = '0x00000000000000000000000000000000000b0b55'
      for (const [id, value] of [
        ['to', to],
        ['amount', '0.25'],
      ] as const)
        document.getElementById(id)?.setAttribute('value', value)
      document.getElementById('send')?.dispatchEvent(new window.Event('submit'))
      await eventually('the transaction to be in a block', () => text('status').startsWith('in block') || undefined)
      expect(await readerOf(devnet.rpcUrl).getBalance({ address: to })).toBe(25n * 10n ** 16n)
      await eventually('the balance to fall', () => text('balance').startsWith('9.74') || undefined)
    } finally {
      for (const [name, descriptor] of before)
        if (descriptor) Object.defineProperty(globalThis, name, descriptor)
        else Reflect.deleteProperty(globalThis, name)
      await window.happyDOM.close()
    }
  }, 60_000)
})

async function expectHeight(found: readonly (string | undefined)[] | null): Promise<void> {
  const [, address, height] = found ?? []
  expect(address).toMatch(/^0x/)
  const { lightClient } = await devnet.rpc<{ lightClient: { height: number } }>('btc_getStatus')
  expect(Number(height)).toBeGreaterThan(0)
  expect(Number(height)).toBeLessThanOrEqual(lightClient.height)
}

/** The page's module as the README's command makes it: it must need nothing of Node. */
async function bundlePage(): Promise<string> {
  const outfile = join(folder, 'main.mjs')
  await build({
    entryPoints: [join(EXAMPLES, 'browser', 'main.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['@hawser/source'],
    outfile,
    logLevel: 'silent',
  })
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  return outfile
}

/** A wallet as pages see it (EIP-1193): it learns a chain by wallet_addEthereumChain, signs, and sends to that chain's node. */
function stubWallet(key: Hex) {
  const account = privateKeyToAccount(key)
  let rpcUrl = ''
  let chainId = 1
  const asked: string[] = []
  const client = () => createWalletClient({ account, transport: http(rpcUrl) })
  return {
    asked,
    async request({ method, params = [] }: { method: string; params?: unknown[] }): Promise<unknown> {
      if (asked.length < 3) asked.push(method)
      switch (method) {
        case 'eth_requestAccounts':
        case 'eth_accounts':
          return [account.address]
        case 'eth_chainId':
          return `0x${chainId.toString(16)}`
        case 'wallet_addEthereumChain': {
          const [chain] = params as [{ chainId: Hex; rpcUrls: string[]; nativeCurrency: { decimals: number } }]
          // What MetaMask insists on.
          expect(chain.nativeCurrency.decimals).toBe(18)
          rpcUrl = chain.rpcUrls[0] as string
          chainId = Number(chain.chainId)
          return null
        }
        case 'wallet_switchEthereumChain':
          expect(Number((params as [{ chainId: Hex }])[0].chainId)).toBe(chainId)
          return null
        case 'eth_sendTransaction': {
          const [{ to, value }] = params as [{ to: Hex; value: Hex }]
          return client().sendTransaction({ to, value: BigInt(value), chain: null })
        }
        default:
          return client().request({ method, params } as never)
      }
    },
  }
}
