/** Where text goes: stdout, stderr, or an array in tests. */
export interface Stream {
  readonly isTTY?: boolean
  /** Width of the terminal. */
  readonly columns?: number
  write(text: string): unknown
}

const DEFAULT_COLUMNS = 120

export interface OutputOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  readonly stdout?: Stream
  readonly stderr?: Stream
}

/**
 * What a command says: results on stdout (text for people, or one JSON document for scripts), progress on stderr. Progress
 * rewrites one line, and only on a terminal.
 */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  readonly #stdout: Stream
  readonly #stderr: Stream
  #progressShown = false

  constructor(options: OutputOptions = {}) {
    this.json = options.json ?? false
    this.quiet = options.quiet ?? false
    this.#stdout = options.stdout ?? process.stdout
    this.#stderr = options.stderr ?? process.stderr
  }

  /** Whether progress can be seen by somebody. */
  get isInteractive(): boolean {
    return !this.json && !this.quiet && this.#stderr.isTTY === true
  }

  /** A command's result: the value for scripts, the lines for people. */
  result(value: unknown, lines: readonly string[] | string): void {
    this.endProgress()
    const text = this.json ? toJson(value) : typeof lines === 'string' ? lines : lines.join('\n')
    this.#stdout.write(`${text}\n`)
  }

  /** A line beside the result: not in JSON, not when quiet. */
  line(text = ''): void {
    if (this.json || this.quiet) return
    this.endProgress()
    this.#stdout.write(`${text}\n`)
  }

  /** Replaces the line of progress; nothing without a terminal. */
  progress(text: string): void {
    if (!this.isInteractive) return
    // A line that wraps could not be wiped. Some terminals say that they are 0 wide.
    const width = (this.#stderr.columns || DEFAULT_COLUMNS) - 1
    this.#stderr.write(`\r\x1b[2K${text.length > width ? `${text.slice(0, width - 1)}…` : text}`)
    this.#progressShown = true
  }

  /** Removes the line of progress, so that what follows starts clean. */
  endProgress(): void {
    if (this.#progressShown) this.#stderr.write('\r\x1b[2K')
    this.#progressShown = false
  }

  /** A warning or an error, on stderr. */
  complain(text: string): void {
    this.endProgress()
    this.#stderr.write(`${text}\n`)
  }
}

/** JSON with bigints as decimal strings. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? inner.toString() : inner), 2)
}
