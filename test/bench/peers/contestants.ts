import { spawn, type ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { DEVNET_CHAIN_ID } from '@hawser/genesis'
import { DEV_MNEMONIC, freePort } from '@hawser/node'
import { hardhatProject } from '../../e2e/support/hardhat-project.ts'
import { bin, eventually } from '../../kit/devnet.ts'
import { ask } from '../json-rpc-load.ts'
import { startSingleValidator } from '../single-validator.ts'

/** Accounts that send, each with more than it will spend. */
export const ACCOUNTS = 50
/** So that no block is full. */
export const GAS_LIMIT = 1_000_000_000
/** Linux counts processor time in these. */
const TICKS_PER_SECOND = 100

/** A server that answers JSON-RPC, with blocks of one second. */
export interface Contestant {
  readonly name: string
  readonly rpcUrl: string
  /** Processor time that its processes have used, in ms; undefined where the system does not tell. */
  cpuMs(): number | undefined
  residentMb(): number | undefined
  stop(): Promise<void>
}

export async function startOurs(): Promise<Contestant> {
  const node = await startSingleValidator({ accounts: ACCOUNTS, gasLimit: GAS_LIMIT })
  return { name: 'Hawser', rpcUrl: node.rpcUrl, ...observe(node.pid), stop: node.stop }
}

export async function startAnvil(): Promise<Contestant> {
  const port = await freePort()
  const args = [
    '--port',
    port,
    '--block-time',
    1,
    '--gas-limit',
    GAS_LIMIT,
    '--chain-id',
    DEVNET_CHAIN_ID,
    '--accounts',
    ACCOUNTS,
    '--mnemonic',
    DEV_MNEMONIC,
    '--silent',
  ]
  return start('anvil', bin('anvil'), args.map(String), port)
}

/** @returns why there is none, where Hardhat cannot be installed */
export async function startHardhat(): Promise<Contestant | string> {
  const project = await hardhatProject()
  if (typeof project === 'string') return project
  const port = await freePort()
  const { command, args, cwd } = project.command(['node', '--network', 'peer', '--port', String(port)])
  const env = {
    HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true',
    // Of the project's other network, which has to be there.
    HAWSER_RPC_URL: 'http://127.0.0.1:8545',
    HAWSER_PRIVATE_KEY: `0x${'11'.repeat(32)}`,
    HAWSER_PEER_GAS_LIMIT: String(GAS_LIMIT),
    HAWSER_PEER_ACCOUNTS: String(ACCOUNTS),
  }
  return start('Hardhat', command, args, port, { cwd, env: { ...process.env, ...env } })
}

async function start(
  name: string,
  command: string,
  args: readonly string[],
  port: number,
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Contestant> {
  const child = spawn(command, [...args], { ...options, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => (output = (output + part.toString()).slice(-4_000)))
  const rpcUrl = `http://127.0.0.1:${port}`
  try {
    await eventually(`${name} to answer`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
      return ask(rpcUrl, 'eth_chainId').then(
        () => true,
        () => undefined,
      )
    })
  } catch (cause) {
    await stop(child)
    throw new Error(`${name} did not come up:\n${output}`, { cause })
  }
  return { name, rpcUrl, ...observe(child.pid as number), stop: () => stop(child) }
}

/** Ends it with the processes that it started: npm's launchers hand signals on to nobody. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  process.kill(-(child.pid as number), 'SIGKILL')
  await ended
}

/** What /proc says of a process and all that descend from it. */
function observe(root: number): Pick<Contestant, 'cpuMs' | 'residentMb'> {
  const total = (read: (pid: number) => number) => {
    try {
      return family(root).reduce((sum, pid) => sum + read(pid), 0)
    } catch {
      return undefined
    }
  }
  return {
    cpuMs: () =>
      total((pid) => {
        const fields = statOf(pid)
        return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
      }),
    residentMb: () =>
      total((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024),
  }
}

/** The fields of /proc/PID/stat from the third on, behind the name in brackets. */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function family(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc'))
    if (/^\d+$/.test(name))
      try {
        parents.set(Number(name), Number(statOf(Number(name))[1]))
      } catch {
        // It has ended meanwhile.
      }
  const members = [root]
  for (const member of members) for (const [pid, parent] of parents) if (parent === member) members.push(pid)
  return members
}
