import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ROOT, runCommand, withLock, type CommandResult } from '../../kit/devnet.ts'

const FIXTURE = join(ROOT, 'test', 'e2e', 'hardhat')
const INSTALL_LIMIT_MS = 180_000

/** A Hardhat project ready to run, under the Node that it wants. */
export interface HardhatProject {
  /** What starts Hardhat with these arguments, for a process that goes on. */
  command(args: readonly string[]): { readonly command: string; readonly args: readonly string[]; readonly cwd: string }
  run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandResult>
}

/**
 * Installs the fixture into the user's cache, once for each pair of lock files.
 * @returns why it is impossible, or the project
 */
export async function hardhatProject(): Promise<HardhatProject | string> {
  const locks = [join(FIXTURE, 'runtime', 'package-lock.json'), join(FIXTURE, 'package-lock.json')]
  const hash = createHash('sha256')
  for (const lock of locks) hash.update(readFileSync(lock))
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(cache, 'hawser', `hardhat-${hash.digest('hex').slice(0, 16)}`)
  return withLock('hawser-hardhat', INSTALL_LIMIT_MS, async () => {
    const failure = existsSync(join(folder, 'installed')) ? undefined : await install(folder)
    if (failure !== undefined) return failure
    // The project itself is taken anew each time; node_modules is found one folder above it.
    const project = join(folder, 'project')
    rmSync(project, { recursive: true, force: true })
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n')
    for (const name of ['hardhat.config.mjs', 'contracts', 'scripts', 'test'])
      cpSync(join(FIXTURE, name), join(project, name), { recursive: true })
    const cli = join(folder, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js')
    const command: HardhatProject['command'] = (args) => ({
      command: join(folder, 'runtime', 'node_modules', '.bin', 'node'),
      args: [cli, '--config', 'hardhat.config.mjs', ...args],
      cwd: project,
    })
    return {
      command,
      run: (args, env) => {
        const { command: node, args: all, cwd } = command(args)
        return runCommand(node, all, { cwd, env: { HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', ...env } })
      },
    }
  })
}

/** npm leaves packages out that the running Node is too old for, so the newer Node comes first and then runs npm. */
async function install(folder: string): Promise<string | undefined> {
  rmSync(folder, { recursive: true, force: true })
  const runtime = join(folder, 'runtime')
  mkdirSync(runtime, { recursive: true })
  for (const name of ['package.json', 'package-lock.json']) {
    cpSync(join(FIXTURE, name), join(folder, name))
    cpSync(join(FIXTURE, 'runtime', name), join(runtime, name))
  }
  const path = `${join(runtime, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`
  for (const cwd of [runtime, folder]) {
    const result = await runCommand('npm', ['install', '--no-audit', '--no-fund'], {
      cwd,
      env: { PATH: path },
      limitMs: INSTALL_LIMIT_MS / 2,
    })
    if (result.code !== 0) {
      rmSync(folder, { recursive: true, force: true })
      return `npm could not install Hardhat: ${result.stderr.trim().split('\n').slice(-3).join(' ')}`
    }
  }
  writeFileSync(join(folder, 'installed'), '')
  return undefined
}
