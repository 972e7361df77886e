import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedChain, serveEmbeddedRpc } from '@hawser/bitcoin/embedded'
import type { Devnet, NodeConfig } from '@hawser/node'
import { parseEther, type Hash } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, runHawser, startDevnet, startHawser } from '../kit/devnet.ts'
import { readerOf, walletOf } from './support/clients.ts'

const STRANGER = '0x00000000000000000000000000000000000a11ce'

async function finalizedOf(url: string) {
  const { number, hash } = await readerOf(url).getBlock({ blockTag: 'finalized' })
  return { number, hash: hash as Hash }
}

const headOf = (url: string) => readerOf(url).getBlockNumber()

/** Waits until a node has made blocks final beyond one. */
const finalBeyond = (url: string, number: bigint, limitMs = 30_000) =>
  eventually(
    `a final block beyond ${number}`,
    async () => {
      const final = await finalizedOf(url)
      return final.number > number && final
    },
    { limitMs },
  )

describe('a devnet of four validators', { timeout: 120_000 }, () => {
  let devnet: Devnet
  const url = (index: number) => devnet.rpcUrls[index] as string

  beforeAll(async () => {
    devnet = await startDevnet()
  })
  afterAll(() => devnet?.stop())

  it('goes on making blocks final when one of them is killed', async () => {
    await devnet.validators[3]?.kill()
    const { number } = await finalizedOf(url(0))
    const wallet = walletOf(devnet, 0)
    const hash = await wallet.sendTransaction({ to: STRANGER, value: parseEther('1') })
    const { blockNumber } = await wallet.waitForTransactionReceipt({ hash })
    await finalBeyond(url(0), blockNumber > number + 5n ? blockNumber : number + 5n)
    expect(await wallet.getBalance({ address: STRANGER, blockTag: 'finalized' })).toBe(parseEther('1'))
  })

  it('tells Prometheus and people how each of them is', async () => {
    const get = (index: number, path: string) => fetch(`${devnet.validators[index]?.monitorUrl}${path}`)
    const missed = await eventually('the slots that the killed one missed', async () => {
      const text = await (await get(0, '/metrics')).text()
      return /hawser_missed_slots_total\{validator="0x[0-9a-f]{40}"\} (\d+)/.exec(text)?.[1] && text
    })
    expect(missed.match(/hawser_missed_slots_total/g)?.length).toBeGreaterThanOrEqual(1)
    for (const pattern of [
      /^hawser_peers 2$/m,
      /^hawser_validator_peers 2$/m,
      /^hawser_grandpa_threshold_weight 3$/m,
      /^hawser_messages_total\{direction="in",name="votes"\} [1-9]/m,
      /^hawser_messages_total\{direction="out",name="votes"\} [1-9]/m,
      /^hawser_guard_last_sealed_slot [1-9]/m,
    ])
      expect(missed).toMatch(pattern)
    const health = await eventually('a node that is well', async () => {
      const answer = await get(1, '/health')
      return answer.status === 200 && ((await answer.json()) as object)
    })
    expect(health).toMatchObject({
      healthy: true,
      peers: 2,
      validator: { address: expect.stringMatching(/^0x/) as string, inSet: true },
    })
  })

  it('makes blocks but none final when a second one is killed', async () => {
    await devnet.validators[2]?.kill()
    // What two of four voted for before the kill may still become final: after two more blocks it has.
    const killedAt = await headOf(url(0))
    await eventually('two blocks after the kill', async () => (await headOf(url(0))) >= killedAt + 2n)
    const stuck = await finalizedOf(url(0))
    await eventually('blocks without finality', async () => (await headOf(url(0))) >= killedAt + 6n)
    expect(await finalizedOf(url(0))).toEqual(stuck)
    expect(await finalizedOf(url(1))).toEqual(stuck)
    await eventually('a health that says so', async () => {
      const answer = await fetch(`${devnet.validators[0]?.monitorUrl}/health`)
      const { reasons } = (await answer.json()) as { reasons: string[] }
      return answer.status === 503 && reasons.includes('finality makes no progress')
    })
    // Users see the difference: a transaction is in a block, and not final.
    const wallet = walletOf(devnet, 0)
    const hash = await wallet.sendTransaction({ to: STRANGER, value: 1n })
    await wallet.waitForTransactionReceipt({ hash })
    expect(await wallet.getBalance({ address: STRANGER, blockTag: 'latest' })).toBe(parseEther('1') + 1n)
    expect(await wallet.getBalance({ address: STRANGER, blockTag: 'finalized' })).toBe(parseEther('1'))
  })

  it('makes blocks final again when one returns, and that one catches up to the same chain', async () => {
    const head = await headOf(url(0))
    await devnet.restartValidator(2)
    const final = await finalBeyond(url(0), head, 60_000)
    await finalBeyond(url(2), final.number, 60_000)
    for (const index of [1, 2])
      expect((await readerOf(url(index)).getBlock({ blockNumber: final.number })).hash).toBe(final.hash)
    expect(await readerOf(url(2)).getBalance({ address: STRANGER, blockTag: 'finalized' })).toBe(parseEther('1') + 1n)
    // And the one that was away for longest.
    await devnet.restartValidator(3)
    await finalBeyond(url(3), final.number, 60_000)
    expect((await readerOf(url(3)).getBlock({ blockNumber: final.number })).hash).toBe(final.hash)
  })

  it('goes on from where it was when all of them are killed at the same time', async () => {
    const final = await finalizedOf(url(0))
    await Promise.all(devnet.validators.map((validator) => validator.kill()))
    await Promise.all(devnet.validators.map((_, index) => devnet.restartValidator(index)))
    expect((await finalizedOf(url(0))).number).toBeGreaterThanOrEqual(final.number)
    for (const index of devnet.validators.keys()) {
      await finalBeyond(url(index), final.number + 2n)
      expect((await readerOf(url(index)).getBlock({ blockNumber: final.number })).hash).toBe(final.hash)
    }
    expect(await readerOf(url(1)).getBalance({ address: STRANGER })).toBe(parseEther('1') + 1n)
  })
})

describe('a data folder', { timeout: 120_000 }, () => {
  let dataDir: string
  let final: { number: bigint; hash: Hash }
  let spec: string

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'hawser-e2e-data-'))
    const devnet = await startDevnet({ dataDir })
    try {
      const wallet = walletOf(devnet, 0)
      const hash = await wallet.sendTransaction({ to: STRANGER, value: parseEther('2') })
      const { blockNumber } = await wallet.waitForTransactionReceipt({ hash })
      final = await finalBeyond(devnet.rpcUrl, blockNumber)
      spec = readFileSync(join(dataDir, 'chain-spec.json'), 'utf8')
    } finally {
      await devnet.stop()
    }
  })
  afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

  it('keeps chain and balances over a restart of the whole devnet, and the chain goes on', async () => {
    const devnet = await startDevnet({ dataDir })
    try {
      const wallet = walletOf(devnet, 0)
      expect(readFileSync(join(dataDir, 'chain-spec.json'), 'utf8')).toBe(spec)
      expect((await wallet.getBlock({ blockNumber: final.number })).hash).toBe(final.hash)
      expect(await wallet.getBalance({ address: STRANGER })).toBe(parseEther('2'))
      expect(await wallet.getTransactionCount({ address: wallet.account.address })).toBe(1)
      const hash = await wallet.sendTransaction({ to: STRANGER, value: 1n })
      const receipt = await wallet.waitForTransactionReceipt({ hash })
      expect(receipt.status).toBe('success')
      const later = await finalBeyond(devnet.rpcUrl, receipt.blockNumber)
      expect(later.number).toBeGreaterThan(final.number)
    } finally {
      await devnet.stop()
    }
  })

  it('is refused to a devnet on another Bitcoin, and a taken port or an absent Bitcoin to any', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const before = digest(dataDir)
    const fresh = join(dataDir, 'fresh')
    for (const [args, exitCode, code, message] of [
      [['--data-dir', dataDir, '--l1', 'http://127.0.0.1:9'], 1, 'DATA_FOLDER_INVALID', /made with --l1 embedded/],
      [['--data-dir', fresh, '--rpc-port', String(port)], 1, 'RPC_PORT_TAKEN', new RegExp(`port ${port}`)],
      [['--data-dir', fresh, '--rpc-port', '0', '--l1', 'http://127.0.0.1:9'], 4, 'L1_UNREACHABLE', /127\.0\.0\.1:9/],
    ] as const) {
      const result = await runHawser(['--json', 'devnet', ...args])
      expect(JSON.parse(result.stdout)).toMatchObject({
        error: { code, message: expect.stringMatching(message) as string },
      })
      expect(result.code, code).toBe(exitCode)
    }
    server.close()
    expect(digest(dataDir)).toEqual(before)
  })

  describe('of one validator', () => {
    let l1: { readonly url: string; close(): Promise<void> }
    let folder: string

    /** A copy of the first validator's folder with another configuration. */
    const variant = (change: (config: NodeConfig) => NodeConfig = (config) => config) => {
      const copy = mkdtempSync(join(folder, 'node-'))
      cpSync(join(dataDir, 'validators', '0'), copy, { recursive: true })
      const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8')) as NodeConfig
      const local: NodeConfig = {
        ...config,
        chainSpec: join(dataDir, 'chain-spec.json'),
        p2p: { listen: ['/ip4/127.0.0.1/tcp/0'], bootnodes: [] },
        rpc: { host: '127.0.0.1', port: 0 },
        bitcoin: { url: l1.url, cookieFile: join(folder, '.cookie') },
      }
      writeFileSync(join(copy, 'config.json'), JSON.stringify(change(local)))
      return copy
    }

    /** The error that `hawser node` ends with. */
    const failure = async (copy: string) => {
      const { code, stdout, stderr } = await runHawser(['--json', 'node', '--config', join(copy, 'config.json')])
      const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
      expect(stderr).toContain(`hawser: ${error.message}`)
      return { exitCode: code, ...error }
    }

    /** Starts and stops the node. */
    const startsWell = async (copy: string) => {
      const node = await startHawser(['node', '--config', join(copy, 'config.json')])
      await eventually('the node to be up', () => node.output().includes('the node is up'))
      expect(await node.stop()).toBe(0)
    }

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'hawser-e2e-node-'))
      l1 = await serveEmbeddedRpc(new EmbeddedChain({}), { cookieFile: join(folder, '.cookie') })
    })
    afterAll(async () => {
      await l1?.close()
      rmSync(folder, { recursive: true, force: true })
    })

    it('starts where nothing is wrong', async () => {
      await startsWell(variant())
    })

    it('is refused with a damaged database, which stays as it is', async () => {
      const copy = variant()
      const chain = join(copy, 'chain')
      writeFileSync(join(chain, 'CURRENT'), 'MANIFEST-999999\n')
      const before = digest(chain)
      expect(await failure(copy)).toMatchObject({
        exitCode: 1,
        code: 'STORAGE_CORRUPT',
        message: expect.stringMatching(/cannot be opened.*restore it from a copy, or delete the data folder/) as string,
      })
      expect(digest(chain)).toEqual(before)
    })

    it('is refused for a chain with another genesis, and serves its own chain afterwards', async () => {
      const copy = variant()
      const own = readFileSync(join(copy, 'config.json'), 'utf8')
      const spec = JSON.parse(readFileSync(join(dataDir, 'chain-spec.json'), 'utf8')) as { genesisTime: number }
      writeFileSync(join(copy, 'other-spec.json'), JSON.stringify({ ...spec, genesisTime: spec.genesisTime + 1 }))
      const config = { ...(JSON.parse(own) as NodeConfig), chainSpec: 'other-spec.json' }
      writeFileSync(join(copy, 'config.json'), JSON.stringify(config))
      const guard = readFileSync(join(copy, 'signer-guard.json'), 'utf8')
      expect(await failure(copy)).toMatchObject({
        exitCode: 1,
        code: 'STORAGE_FOREIGN',
        message: expect.stringContaining('chain') as string,
      })
      expect(readFileSync(join(copy, 'signer-guard.json'), 'utf8')).toBe(guard)
      writeFileSync(join(copy, 'config.json'), own)
      await startsWell(copy)
    })

    it('is refused with a chain spec that breaks a rule, before anything is opened', async () => {
      const copy = variant()
      const spec = JSON.parse(readFileSync(join(dataDir, 'chain-spec.json'), 'utf8')) as object
      const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8')) as NodeConfig
      const before = digest(join(copy, 'chain'))
      for (const [changed, message] of [
        [{ slotSeconds: 0 }, /slotSeconds/],
        [{ chainId: 'eighteen' }, /chainId/],
        [{ surprise: true }, /surprise/],
      ] as const) {
        writeFileSync(join(copy, 'bad-spec.json'), JSON.stringify({ ...spec, ...changed }))
        writeFileSync(join(copy, 'config.json'), JSON.stringify({ ...config, chainSpec: 'bad-spec.json' }))
        expect(await failure(copy)).toMatchObject({
          exitCode: 1,
          code: 'SPEC_INVALID',
          message: expect.stringMatching(message) as string,
        })
      }
      expect(digest(join(copy, 'chain'))).toEqual(before)
    })

    it('is refused when its JSON-RPC port is taken', async () => {
      const server: Server = createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => server.once('listening', resolve))
      const { port } = server.address() as AddressInfo
      const copy = variant((config) => ({ ...config, rpc: { host: '127.0.0.1', port } }))
      const guard = readFileSync(join(copy, 'signer-guard.json'), 'utf8')
      expect(await failure(copy)).toMatchObject({
        exitCode: 1,
        code: 'RPC_PORT_TAKEN',
        message: expect.stringContaining(`127.0.0.1:${port}`) as string,
      })
      server.close()
      expect(readFileSync(join(copy, 'signer-guard.json'), 'utf8')).toBe(guard)
      await startsWell(copy)
    })

    it('is refused without its Bitcoin node, before anything is opened', async () => {
      const copy = variant((config) => ({
        ...config,
        bitcoin: { url: 'http://127.0.0.1:9', user: 'a', password: 'b' },
      }))
      const before = digest(copy)
      expect(await failure(copy)).toMatchObject({
        exitCode: 4,
        code: 'L1_UNREACHABLE',
        message: expect.stringContaining('http://127.0.0.1:9') as string,
      })
      expect(digest(copy)).toEqual(before)
    })

    it('is refused to a validator whose guard is missing', async () => {
      const copy = variant()
      rmSync(join(copy, 'signer-guard.json'))
      expect(await failure(copy)).toMatchObject({
        exitCode: 1,
        message: expect.stringMatching(/guard/) as string,
      })
    })

    it('is refused while another process has it open', async () => {
      const copy = variant()
      const node = await startHawser(['node', '--config', join(copy, 'config.json')])
      await eventually('the node to be up', () => node.output().includes('the node is up'))
      try {
        expect(await failure(copy)).toMatchObject({ exitCode: 1, code: 'STORAGE_LOCKED' })
      } finally {
        await node.stop()
      }
    })
  })
})

/** Every file below a folder with the hash of its bytes, but for LevelDB's own note of when it was opened. */
function digest(folder: string): Record<string, string> {
  mkdirSync(folder, { recursive: true })
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !/^LOG(\.old)?$/.test(entry.name),
  )
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name)
      return [path, createHash('sha256').update(readFileSync(path)).digest('hex')]
    }),
  )
}
