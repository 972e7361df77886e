import { execFile, spawn as spawnProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { delay } from '@hawser/primitives'
import { bitcoinError } from '../errors.ts'
import { BitcoindClient } from './bitcoind-client.ts'

const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 20_000
const STEP_MS = 100

export interface StartBitcoindOptions {
  readonly binary: string
  /** Its own folder: created when absent. */
  readonly dataDir: string
  /** Any free port unless given. */
  readonly rpcPort?: number
  /** Knots only: Bitcoin Core's relay policy (default) or its own strict one. */
  readonly strictPolicy?: boolean
  readonly extraArguments?: readonly string[]
}

export interface RunningBitcoind {
  readonly url: string
  readonly cookieFile: string
  readonly client: BitcoindClient
  /** Stops it and waits for its end. */
  stop(): Promise<void>
}

/** Starts a bitcoind on regtest with no peers, for tests and devnets. @throws BITCOIND_UNREACHABLE when it does not come up */
export async function startBitcoind(options: StartBitcoindOptions): Promise<RunningBitcoind> {
  const { binary, dataDir } = options
  mkdirSync(dataDir, { recursive: true })
  const rpcPort = options.rpcPort ?? (await freePort())
  const help = await promisify(execFile)(binary, ['-help'], { maxBuffer: 4 * 1024 * 1024 })
  const policy = help.stdout.includes('-corepolicy') && !options.strictPolicy ? ['-corepolicy=1'] : []
  const child = spawnProcess(
    binary,
    [
      '-regtest',
      '-server=1',
      '-listen=0',
      '-dnsseed=0',
      '-fixedseeds=0',
      '-disablewallet=1',
      '-printtoconsole=0',
      '-dbcache=50',
      `-datadir=${dataDir}`,
      `-rpcport=${rpcPort}`,
      '-rpcbind=127.0.0.1',
      '-rpcallowip=127.0.0.1',
      ...policy,
      ...(options.extraArguments ?? []),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString('utf8')).slice(-2_000)))
  let ended = false
  const exit = new Promise<void>((resolve) => {
    const finish = (): void => {
      ended = true
      resolve()
    }
    child.once('exit', finish)
    child.once('error', (error) => {
      complaint += error.message
      finish()
    })
  })
  const url = `http://127.0.0.1:${rpcPort}`
  const cookieFile = join(dataDir, 'regtest', '.cookie')
  const client = new BitcoindClient({ url, auth: { cookieFile } })

  async function stop(): Promise<void> {
    await client.call('stop').catch(() => child.kill('SIGTERM'))
    const giveUp = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
    await exit
    clearTimeout(giveUp)
    client.close()
  }

  for (let waitedMs = 0; waitedMs < START_LIMIT_MS && !ended; waitedMs += STEP_MS) {
    const isUp = await client.call('getblockchaininfo').then(
      () => true,
      () => false,
    )
    if (isUp) return { url, cookieFile, client, stop }
    await delay(STEP_MS)
  }
  if (!ended) child.kill('SIGKILL')
  throw bitcoinError('BITCOIND_UNREACHABLE', 'local', `bitcoind did not start: ${complaint.trim() || 'no answer'}`)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
