import { execFile, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Devnet, type DevnetOptions } from '@hawser/node'
import { delay, messageOf } from '@hawser/primitives'

/** The repository's top folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const POLL_MS = 100
const BUILD_LIMIT_MS = 120_000
/** A lock whose holder is gone for so long is nobody's. */
const LOCK_STALE_MS = 60_000
/** What a command may print before it is cut off. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Polls until the probe gives something; what it throws counts as not yet. */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { limitMs = 30_000, everyMs = POLL_MS }: { readonly limitMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const end = Date.now() + limitMs
  let trouble = ''
  do {
    try {
      const value = await probe()
      if (value !== undefined && value !== false) return value
      trouble = ''
    } catch (error) {
      trouble = ` (${messageOf(error)})`
    }
    await delay(everyMs)
  } while (Date.now() < end)
  throw new Error(`waited ${limitMs / 1000} s in vain for ${what}${trouble}`)
}

export interface CommandResult {
  /** The exit code, or the signal that ended it. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end; an exit code other than 0 is a result, not an error. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv; readonly limitMs?: number } = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(
      command,
      [...args],
      {
        cwd: options.cwd ?? ROOT,
        env: { ...process.env, ...options.env },
        timeout: options.limitMs ?? 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: MAX_OUTPUT_BYTES,
      },
      (error, stdout, stderr) =>
        resolve({ code: error ? (error.code ?? error.signal ?? messageOf(error)) : 0, stdout, stderr }),
    )
  })
}

/** A command of node_modules/.bin. */
export function bin(name: string): string {
  return join(ROOT, 'node_modules', '.bin', name)
}

let built: Promise<string> | undefined

/**
 * The bundled hawser command, built anew when a source is newer. HAWSER_PROGRAM names another one to test instead.
 * Test files run in processes of their own: a lock keeps two of them from writing the bundle at the same time.
 */
export function bundledProgram(): Promise<string> {
  return (built ??= build())
}

async function build(): Promise<string> {
  const named = process.env['HAWSER_PROGRAM']
  if (named) return named
  await withLock('hawser-bundle', BUILD_LIMIT_MS, async () => {
    const result = await runCommand(process.execPath, [join(ROOT, 'scripts', 'bundle.mjs'), '--if-stale'], {
      limitMs: BUILD_LIMIT_MS,
    })
    if (result.code !== 0) throw new Error(`the hawser command does not build:\n${result.stderr}`)
  })
  return join(ROOT, 'dist', 'hawser.mjs')
}

/** Runs a task while no other process of this repository runs one under the same name. */
export async function withLock<T>(name: string, limitMs: number, task: () => Promise<T>): Promise<T> {
  const repository = createHash('sha256').update(ROOT).digest('hex').slice(0, 12)
  const lock = join(tmpdir(), `${name}-${repository}.lock`)
  await eventually(`the lock ${lock}`, () => takeLock(lock), { limitMs })
  try {
    return await task()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

/** A folder is made by one process alone; one that was left behind by a process that is gone is taken away. */
function takeLock(lock: string): boolean {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (!isHolderAlive(lock) && age > 1_000) rmSync(lock, { recursive: true, force: true })
    if (age > LOCK_STALE_MS * 10) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

function isHolderAlive(lock: string): boolean {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0)
    return true
  } catch {
    return false
  }
}

/** A devnet on free ports in a temporary folder, with a Bitcoin that mines on demand alone unless told otherwise. */
export async function startDevnet(options: Partial<DevnetOptions> = {}): Promise<Devnet> {
  const program = await bundledProgram()
  // A validator that ends by itself is always worth a word, with the end of its log, which goes with the devnet's folder.
  const onDeath = (why: string) => {
    const log = / its log is (.+)$/.exec(why)?.[1]
    console.error(why, log === undefined ? '' : `\n${readFileSync(log, 'utf8').slice(-MAX_OUTPUT_BYTES / 8)}`)
  }
  return Devnet.start({ program, l1: 'embedded', rpcPort: 0, mineEveryMs: 0, onDeath, ...options })
}

/** Runs the bundled hawser command to its end. */
export async function runHawser(
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly limitMs?: number } = {},
): Promise<CommandResult> {
  return runCommand(process.execPath, [await bundledProgram(), ...args], options)
}

/** A hawser command that goes on until it is stopped, with what it printed so far. */
export async function startHawser(args: readonly string[]) {
  const child = spawn(process.execPath, [await bundledProgram(), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part: Buffer) => (output = (output + part.toString()).slice(-MAX_OUTPUT_BYTES)))
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  )
  return {
    pid: child.pid as number,
    output: () => output,
    ended,
    stop(signal: NodeJS.Signals = 'SIGTERM') {
      child.kill(signal)
      return ended
    },
  }
}
