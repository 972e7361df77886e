import type { EVMInterface, EVMResult, InterpreterStep, Message as EvmMessage } from '@ethereumjs/evm'
import { AppError, type Address } from '@hawser/primitives'
import type { StateManagerInterface } from '@ethereumjs/common'
import type { Budget } from '../budget.ts'
import type { InspectionError } from '../errors.ts'

/** More memory than 2^24 gas pays for, and than any block has had gas for. */
export const MAX_MEMORY_BYTES = 16n * 1024n * 1024n

/** The transaction or call that is traced. */
export interface TraceStart {
  readonly from: Address
  readonly to?: Address
  readonly gas: bigint
  readonly value: bigint
  readonly data: Uint8Array
  readonly coinbase: Address
  /** Logs of the block before it. */
  readonly logIndex: number
  /** Whose accounts get code by it (EIP-7702); undefined where the signature is none. */
  readonly authorizations: readonly (Address | undefined)[]
}

/** How it ended. */
export interface TraceEnd {
  readonly gasUsed: bigint
  readonly output: Uint8Array
  /** EthereumJS's word for what went wrong; `revert` for a revert. */
  readonly exception?: string
}

/** What a tracer may look at and must keep to. */
export interface TraceContext {
  readonly state: StateManagerInterface
  readonly room: TraceRoom
}

/** Hears an execution and tells it in its own form. */
export interface Tracer {
  start?(start: TraceStart): Promise<void> | void
  step?(step: InterpreterStep): Promise<void> | void
  enter?(message: EvmMessage): void
  exit?(result: EVMResult): void
  finish(start: TraceStart, end: TraceEnd): unknown
}

/** The characters that a trace may still take. */
export class TraceRoom {
  readonly #maxChars: number
  #left: number

  constructor(maxChars: number) {
    this.#maxChars = maxChars
    this.#left = maxChars
  }

  /** @throws TRACE_TOO_LARGE */
  take(chars: number): void {
    this.#left -= chars
    if (this.#left < 0)
      throw new AppError<InspectionError>(
        { code: 'TRACE_TOO_LARGE', fault: 'local' },
        `the trace is larger than ${this.#maxChars} characters: leave out memory, stack or storage, set a limit, or use the callTracer`,
      )
  }
}

/**
 * Lets a tracer hear what an EVM does while something runs; what the tracer throws ends the execution. Gives what ended the outermost
 * message too, if something did.
 */
export async function listening<T>(
  evm: EVMInterface,
  tracer: Tracer,
  budget: Budget,
  run: () => Promise<T>,
): Promise<{ readonly result: T; readonly exception?: string }> {
  let failure: unknown
  let exception: string | undefined
  // EthereumJS awaits a listener with two parameters but does not hear it fail, so the next event of one parameter throws.
  const onStep = (step: InterpreterStep, resolve?: () => void) => {
    const heard = tracer.step?.(step)
    const turn = budget.turn()
    if (!heard && !turn) return resolve?.()
    Promise.all([heard, turn])
      .catch((error: unknown) => (failure ??= error))
      .finally(resolve)
  }
  const afterStep = (_step: InterpreterStep) => {
    if (failure !== undefined) throw failure as Error
  }
  const onEnter = (message: EvmMessage) => tracer.enter?.(message)
  const onExit = (result: EVMResult) => {
    exception = result.execResult.exceptionError?.error
    tracer.exit?.(result)
  }
  const { events } = evm
  if (tracer.step) events?.on('step', onStep)
  if (tracer.step) events?.on('step', afterStep)
  events?.on('beforeMessage', onEnter)
  events?.on('afterMessage', onExit)
  try {
    return { result: await run(), exception }
  } finally {
    events?.off('step', onStep)
    events?.off('step', afterStep)
    events?.off('beforeMessage', onEnter)
    events?.off('afterMessage', onExit)
  }
}
