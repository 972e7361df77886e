import { cliError } from './errors.ts'

const FORCED_EXIT_CODE = 130
/** Two signals this close together are one Ctrl-C: the terminal's own and the one that npm passes on, milliseconds. */
const SAME_REQUEST_MS = 500

/** Ctrl-C and its kin: the first asks to stop in order, the second ends the process at once. */
export class StopRequest {
  readonly #requested: Promise<void>
  #isRequested = false

  constructor(onFirst: () => void) {
    this.#requested = new Promise((resolve) => {
      let firstAtMs = 0
      const onSignal = () => {
        if (this.#isRequested) {
          if (Date.now() - firstAtMs < SAME_REQUEST_MS) return
          // The validators end by themselves when the process that started them is gone.
          process.exit(FORCED_EXIT_CODE)
        }
        firstAtMs = Date.now()
        this.#isRequested = true
        onFirst()
        resolve()
      }
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
    })
  }

  /** Resolves when somebody asked to stop. */
  get requested(): Promise<void> {
    return this.#requested
  }

  get isRequested(): boolean {
    return this.#isRequested
  }

  /** @throws INTERRUPTED once somebody asked to stop */
  check(): void {
    if (this.#isRequested) throw cliError('INTERRUPTED', 'stopped before it was done; nothing is left running')
  }
}
