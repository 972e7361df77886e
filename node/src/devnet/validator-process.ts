import { fork, type ChildProcess } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { AppError } from '@hawser/primitives'
import type { NodeError } from '../errors.ts'

/** How long a validator may take to say that it is up, and to stop when it is asked to. */
const START_LIMIT_MS = 30_000
const STOP_LIMIT_MS = 10_000
const LOG_TAIL_BYTES = 2_000

/** What a node tells the process that started it. */
export interface ReadyMessage {
  readonly type: 'ready'
  readonly rpcPort?: number
  readonly metricsPort?: number
}

/** A node as a process of its own, started from a configuration file. */
export class ValidatorProcess {
  readonly name: string
  readonly #child: ChildProcess
  readonly #logFile: string
  readonly #ended: Promise<void>
  #expected = false
  #metricsPort: number | undefined

  private constructor(name: string, child: ChildProcess, logFile: string, onDeath: (why: string) => void) {
    this.name = name
    this.#child = child
    this.#logFile = logFile
    this.#ended = new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        if (!this.#expected)
          onDeath(`${name} ended by itself (${signal ?? `exit code ${code}`}); its log is ${logFile}`)
        resolve()
      }),
    )
  }

  /** @throws DEVNET_PROCESS_DIED with the end of its log when it does not come up */
  static async start(options: {
    readonly name: string
    /** The bundled command. */
    readonly program: string
    readonly args: readonly string[]
    /** Node.js' own options. */
    readonly execArgv?: readonly string[]
    readonly logFile: string
    readonly onDeath: (why: string) => void
  }): Promise<ValidatorProcess> {
    const log = openSync(options.logFile, 'a')
    // A group of its own: Ctrl-C in the terminal must reach the devnet alone, which then stops its validators in order.
    const child = fork(options.program, options.args, {
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
      execArgv: [...(options.execArgv ?? [])],
    })
    closeSync(log)
    let up = false
    const validator = new ValidatorProcess(options.name, child, options.logFile, (why) => up && options.onDeath(why))
    const ready = new Promise<void>((resolve) =>
      child.on('message', (message: ReadyMessage) => {
        if (message.type !== 'ready') return
        validator.#metricsPort = message.metricsPort
        resolve()
      }),
    )
    const late = AbortSignal.timeout(START_LIMIT_MS)
    const timeout = new Promise<'late'>((resolve) => late.addEventListener('abort', () => resolve('late')))
    const outcome = await Promise.race([
      ready.then(() => 'up' as const),
      validator.#ended.then(() => 'ended' as const),
      timeout,
    ])
    if (outcome !== 'up') {
      child.kill('SIGKILL')
      throw new AppError<NodeError>(
        { code: 'DEVNET_PROCESS_DIED', fault: 'local' },
        `${options.name} ${outcome === 'late' ? `was not up after ${START_LIMIT_MS / 1000} s` : 'ended at its start'}:\n${validator.#logTail()}`,
      )
    }
    up = true
    return validator
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  /** Where it tells its metrics and health. */
  get monitorUrl(): string {
    return `http://127.0.0.1:${this.#metricsPort}`
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** SIGKILL: what a crash or a power cut does. */
  async kill(): Promise<void> {
    this.#expected = true
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** SIGTERM, and SIGKILL for one that does not listen. */
  async stop(): Promise<void> {
    this.#expected = true
    if (this.running) this.#child.kill('SIGTERM')
    const cancel = AbortSignal.timeout(STOP_LIMIT_MS)
    cancel.addEventListener('abort', () => this.running && this.#child.kill('SIGKILL'))
    await this.#ended
  }

  #logTail(): string {
    try {
      return readFileSync(this.#logFile, 'utf8').slice(-LOG_TAIL_BYTES)
    } catch {
      return '(no log)'
    }
  }
}
