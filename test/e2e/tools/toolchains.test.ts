import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { request, type IncomingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Devnet } from '@hawser/node'
import { parseEther, type Address, type Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin, eventually, ROOT, runCommand, startDevnet } from '../../kit/devnet.ts'
import { readerOf } from '../support/clients.ts'
import type { CompiledContract } from '../support/compile-solidity.ts'
import { ACCOUNT, compileContract, deploy, TOKEN_SUPPLY } from '../support/deploy.ts'
import { hardhatProject } from '../support/hardhat-project.ts'

/** What the devnet is told of its JSON-RPC, as by `hawser devnet --rpc-…`; it must reach every validator. */
const RPC = {
  corsOrigins: ['https://app.example'],
  vhosts: ['node.example'],
  limits: { maxBatch: 50, maxBodyBytes: 100_000 },
}

let devnet: Devnet
let token: CompiledContract
/** Deployed by Hardhat's account, for the forks. */
let tokenAddress: Address

const keyOf = (index: number) => devnet.accounts[index]?.privateKey as Hex
const addressOf = (index: number) => devnet.accounts[index]?.address as Address

beforeAll(async () => {
  token = compileContract('TestToken')
  devnet = await startDevnet({ rpc: RPC })
  tokenAddress = (await deploy(devnet, ACCOUNT.hardhat, token)).address
})
afterAll(() => devnet?.stop())

describe('Foundry', () => {
  const to = '0x00000000000000000000000000000000000ca570'
  let folder: string

  const run = async (tool: 'cast' | 'forge', args: readonly string[]) => {
    const result = await runCommand(bin(tool), args, {
      cwd: folder,
      env: { ETH_RPC_URL: devnet.rpcUrl, NO_COLOR: '1' },
    })
    if (result.code !== 0) throw new Error(`${tool} ${args.join(' ')}: ${result.stderr}`)
    return result.stdout.trim()
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hawser-forge-'))
    cpSync(join(ROOT, 'test', 'e2e', 'forge'), folder, { recursive: true })
    writeFileSync(
      join(folder, 'foundry.toml'),
      `[profile.default]\nsrc = "."\nscript = "."\nlibs = []\noffline = true\nevm_version = "osaka"\nsolc = ${JSON.stringify(join(ROOT, 'packages', 'contracts', 'bin', 'solcw'))}\n`,
    )
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('cast reads the chain and sends', async () => {
    expect(await run('cast', ['chain-id'])).toBe('18443')
    expect(await run('cast', ['balance', addressOf(ACCOUNT.cast)])).toBe(parseEther('10').toString())
    const send = ['send', to, '--value', '0.5ether', '--private-key', keyOf(ACCOUNT.cast), '--json']
    const sent = JSON.parse(await run('cast', send)) as { transactionHash: Hex; status: Hex }
    expect(sent.status).toBe('0x1')
    expect(await run('cast', ['balance', to, '--ether'])).toBe('0.500000000000000000')
    const receipt = JSON.parse(await run('cast', ['receipt', sent.transactionHash, '--json'])) as { gasUsed: Hex }
    expect(receipt.gasUsed).toBe('0x5208')
    const final = JSON.parse(await run('cast', ['block', 'finalized', '--json'])) as { number: Hex; hash: Hex }
    expect(BigInt(final.number)).toBeGreaterThan(0n)
    const { hash } = await readerOf(devnet.rpcUrl).getBlock({ blockNumber: BigInt(final.number) })
    expect(final.hash).toBe(hash)
    const multicall = '0xcA11bde05977b3631167028862bE2a173976CA11'
    expect(await run('cast', ['call', multicall, 'getChainId()(uint256)'])).toContain('18443')
    expect((await run('cast', ['code', multicall])).length).toBeGreaterThan(1_000)
    expect(await run('cast', ['code', to])).toBe('0x')
  })

  it('cast traces a transaction: by running it again on its own, and by the node', async () => {
    const send = [
      'send',
      tokenAddress,
      'approve(address,uint256)',
      to,
      '7',
      '--private-key',
      keyOf(ACCOUNT.cast),
      '--json',
    ]
    const { transactionHash, gasUsed } = JSON.parse(await run('cast', send)) as { transactionHash: Hex; gasUsed: Hex }
    const replayed = await run('cast', ['run', transactionHash])
    expect(replayed).toContain('Transaction successfully executed')
    expect(replayed).toContain(`Gas used: ${Number(gasUsed)}`)
    const trace = await run('cast', ['rpc', 'debug_traceTransaction', transactionHash, '{"tracer":"callTracer"}'])
    expect(JSON.parse(trace)).toMatchObject({ type: 'CALL', to: tokenAddress, gasUsed })
    const logs = JSON.parse(
      await run('cast', [
        'logs',
        '--address',
        tokenAddress,
        '--from-block',
        '0',
        '--json',
        'Approval(address,address,uint256)',
      ]),
    ) as { transactionHash: Hex }[]
    expect(logs.map((log) => log.transactionHash)).toEqual([transactionHash])
    expect(await run('cast', ['access-list', tokenAddress, 'balanceOf(address)', to])).toContain('access list')
    const proof = JSON.parse(await run('cast', ['proof', tokenAddress, '0x2'])) as { storageProof: { value: Hex }[] }
    // The total supply.
    expect(BigInt(proof.storageProof[0]?.value ?? 0)).toBe(TOKEN_SUPPLY)
  })

  it('forge create deploys a contract', async () => {
    const options = ['--private-key', keyOf(ACCOUNT.forge), '--broadcast', '--json', '--constructor-args', '3']
    const { deployedTo } = JSON.parse(await run('forge', ['create', 'Counter.sol:Counter', ...options])) as {
      deployedTo: Address
    }
    expect(await run('cast', ['call', deployedTo, 'count()(uint256)'])).toBe('3')
  })

  it('forge script --broadcast sends what the script did', async () => {
    const output = await run('forge', [
      'script',
      'Deploy.s.sol:Deploy',
      '--rpc-url',
      devnet.rpcUrl,
      '--private-key',
      keyOf(ACCOUNT.forge),
      '--broadcast',
    ])
    expect(output).toContain('ONCHAIN EXECUTION COMPLETE & SUCCESSFUL')
    expect(readdirSync(join(folder, 'broadcast', 'Deploy.s.sol'))).toContain('18443')
    const record = createRequire(import.meta.url)(
      join(folder, 'broadcast', 'Deploy.s.sol', '18443', 'run-latest.json'),
    ) as {
      receipts: readonly { status: Hex; contractAddress: Address | null }[]
    }
    expect(record.receipts.map(({ status }) => status)).toEqual(['0x1', '0x1'])
    const counter = record.receipts.find(({ contractAddress }) => contractAddress)?.contractAddress as Address
    expect(await run('cast', ['call', counter, 'count()(uint256)'])).toBe('8')
  })
})

describe('Hardhat', () => {
  it('deploys through an HTTP network', { timeout: 240_000 }, async (context) => {
    const project = await hardhatProject()
    if (typeof project === 'string') {
      if (process.env['CI'] === 'true') throw new Error(project)
      return context.skip(project)
    }
    const { code, stdout, stderr } = await project.run(['run', 'scripts/deploy.mjs'], {
      HAWSER_RPC_URL: devnet.rpcUrl,
      HAWSER_PRIVATE_KEY: keyOf(ACCOUNT.hardhat),
    })
    expect(code, stderr).toBe(0)
    const { receipt } = JSON.parse(stdout.trim().split('\n').at(-1) as string) as {
      receipt: { status: Hex; contractAddress: Address }
    }
    expect(receipt.status).toBe('0x1')
    const greeting = await readerOf(devnet.rpcUrl).readContract({
      address: receipt.contractAddress,
      abi: [
        { type: 'function', name: 'greeting', stateMutability: 'view', inputs: [], outputs: [{ type: 'string' }] },
      ] as const,
      functionName: 'greeting',
    })
    expect(greeting).toBe('Moored')
  })

  it('runs its tests on a fork of the devnet', { timeout: 240_000 }, async (context) => {
    const project = await hardhatProject()
    if (typeof project === 'string') {
      if (process.env['CI'] === 'true') throw new Error(project)
      return context.skip(project)
    }
    const { code, stdout, stderr } = await project.run(['test', 'nodejs'], {
      HAWSER_RPC_URL: devnet.rpcUrl,
      HAWSER_PRIVATE_KEY: keyOf(ACCOUNT.hardhat),
      HAWSER_TOKEN: tokenAddress,
      HAWSER_HOLDER: addressOf(ACCOUNT.hardhat),
      HAWSER_FORK_BLOCK: String(await readerOf(devnet.rpcUrl).getBlockNumber()),
    })
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toContain('3 passing')
  })
})

describe('anvil on a fork of the devnet', () => {
  const receiver = '0x000000000000000000000000000000000000f0f0'
  let anvil: ChildProcess
  let url: string

  const cast = async (args: readonly string[]) => {
    const { code, stdout, stderr } = await runCommand(bin('cast'), args, { env: { ETH_RPC_URL: url, NO_COLOR: '1' } })
    if (code !== 0) throw new Error(`cast ${args.join(' ')}: ${stderr}`)
    return stdout.trim()
  }
  const balanceOf = (account: string) => cast(['call', tokenAddress, 'balanceOf(address)(uint256)', account])

  beforeAll(async () => {
    const port = await unusedPort()
    url = `http://127.0.0.1:${port}`
    anvil = spawn(bin('anvil'), ['--fork-url', devnet.rpcUrl, '--port', String(port), '--silent'], { stdio: 'ignore' })
    await eventually('anvil to answer', async () => (await readerOf(url).getChainId()) === 18443)
  })
  afterAll(async () => {
    const ended = new Promise((resolve) => anvil.once('exit', resolve))
    anvil.kill()
    await ended
  })

  it('reads the state of the devnet, and changes it for itself alone', async () => {
    const holder = addressOf(ACCOUNT.hardhat)
    expect(await balanceOf(holder)).toContain(TOKEN_SUPPLY.toString())
    await cast(['rpc', 'anvil_impersonateAccount', holder])
    const transfer = [
      'send',
      tokenAddress,
      'transfer(address,uint256)',
      receiver,
      '1000',
      '--from',
      holder,
      '--unlocked',
    ]
    const sent = JSON.parse(await cast([...transfer, '--json'])) as { status: Hex; logs: unknown[] }
    expect(sent).toMatchObject({ status: '0x1' })
    expect(sent.logs).toHaveLength(1)
    expect(await balanceOf(receiver)).toContain('1000')
    const own = await readerOf(devnet.rpcUrl).readContract({
      ...token,
      address: tokenAddress,
      functionName: 'balanceOf',
      args: [receiver],
    })
    expect(own).toBe(0n)
  })
})

describe('every validator of the devnet', () => {
  const chainId = { jsonrpc: '2.0', id: 1, method: 'eth_chainId' }
  const post = (url: string, body: string, headers: Record<string, string> = {}) =>
    new Promise<{ readonly status?: number; readonly answer: string; readonly headers: IncomingHttpHeaders }>(
      (resolve, reject) =>
        request(url, { method: 'POST', headers }, (response) => {
          let answer = ''
          response.setEncoding('utf8').on('data', (part: string) => (answer += part))
          response.on('end', () => resolve({ status: response.statusCode, answer, headers: response.headers }))
        })
          .on('error', reject)
          .end(body),
    )

  it('serves JSON-RPC as it was told: hosts, origins, batches, bodies', async () => {
    const { maxBatch, maxBodyBytes } = RPC.limits
    const one = JSON.stringify(chainId)
    const batch = (count: number) => JSON.stringify(Array<unknown>(count).fill(chainId))
    for (const url of devnet.rpcUrls) {
      expect(await post(url, one, { host: 'node.example' })).toMatchObject({ status: 200 })
      expect(await post(url, one, { host: 'other.example' })).toMatchObject({ status: 403 })
      const own = await post(url, one, { origin: 'https://app.example' })
      expect(own.headers['access-control-allow-origin']).toBe('https://app.example')
      expect(await post(url, one, { origin: 'https://other.example' })).toMatchObject({ status: 403 })
      expect(JSON.parse((await post(url, batch(maxBatch))).answer)).toHaveLength(maxBatch)
      expect(JSON.parse((await post(url, batch(maxBatch + 1))).answer)).toMatchObject({ error: { code: -32600 } })
      expect((await post(url, one.padEnd(maxBodyBytes))).status).toBe(200)
      expect((await post(url, one.padEnd(maxBodyBytes + 1))).status).toBe(413)
    }
  })
})

function unusedPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
