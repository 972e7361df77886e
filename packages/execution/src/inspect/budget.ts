import type { EVMInterface } from '@ethereumjs/evm'
import { AppError, type Clock } from '@hawser/primitives'
import { FastEvm } from '../interpreter/fast-evm.ts'
import { watchJumps } from '../jump-destinations.ts'
import type { InspectionError } from './errors.ts'

/** How long the event loop may wait for one call, in ms: other requests, blocks and votes go in between. */
const MAX_STRETCH_MS = 10
/** Loop turns between two looks at the clock. */
const TURNS_PER_LOOK = 64

/** What one request may take of the processor: it gives way regularly and ends at the deadline. */
export class Budget {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #deadlineMs: number
  #stretchEndMs: number
  #turns = 0

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock
    this.#timeoutMs = timeoutMs
    this.#deadlineMs = clock.nowMs() + timeoutMs
    this.#stretchEndMs = clock.nowMs() + MAX_STRETCH_MS
  }

  /** @throws CALL_TIMEOUT after the deadline */
  check(): void {
    if (this.#clock.nowMs() > this.#deadlineMs)
      throw new AppError<InspectionError>(
        { code: 'CALL_TIMEOUT', fault: 'local' },
        `execution aborted (timeout = ${this.#timeoutMs / 1000}s)`,
      )
  }

  /** Lets others run when it is time. */
  async pause(): Promise<void> {
    if (this.#clock.nowMs() < this.#stretchEndMs) return
    await new Promise((resolve) => setImmediate(resolve))
    this.#stretchEndMs = this.#clock.nowMs() + MAX_STRETCH_MS
  }

  /** Both, but only every so many times: for loops. */
  turn(): Promise<void> | undefined {
    if (++this.#turns % TURNS_PER_LOOK !== 0) return undefined
    this.check()
    return this.pause()
  }
}

/**
 * Runs something on an EVM within a budget. No code runs long without a JUMPDEST or a message: loops and recursion pass them, so
 * that is where the clock is looked at; other opcodes cost nothing more. Our own interpreter asks by itself, by gas.
 */
export async function withBudget<T>(evm: EVMInterface, budget: Budget, run: () => Promise<T>): Promise<T> {
  const unwatch = watchJumps(evm, () => budget.turn())
  // EthereumJS awaits a listener with two parameters, and hears what one with a single parameter throws.
  const check = (_message: unknown) => budget.check()
  const pause = (_message: unknown, resolve?: () => void) => {
    void budget.pause().then(resolve)
  }
  evm.events?.on('beforeMessage', check)
  evm.events?.on('beforeMessage', pause)
  const fast = evm instanceof FastEvm ? evm : undefined
  const before = fast?.pause
  if (fast)
    fast.pause = () => {
      budget.check()
      return budget.pause()
    }
  try {
    return await run()
  } finally {
    if (fast) fast.pause = before
    evm.events?.off('beforeMessage', check)
    evm.events?.off('beforeMessage', pause)
    unwatch()
  }
}
