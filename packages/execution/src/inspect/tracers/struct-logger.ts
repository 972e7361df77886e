import type { EVMResult, InterpreterStep, Message as EvmMessage } from '@ethereumjs/evm'
import type { TracerConfig } from '@hawser/chain'
import { toHex, uintBE, type Hex } from '@hawser/primitives'
import { failureReason } from '../reasons.ts'
import type { TraceContext, TraceEnd, Tracer, TraceStart } from './tracer.ts'

const CALL_STIPEND = 2_300n
/** Characters of a step without stack, memory and storage. */
const STEP_CHARS = 100
const WORD_CHARS = 70

type Options = Extract<TracerConfig, { kind: 'structLogger' }>

interface StructLog {
  pc: number
  op: string
  gas: number
  gasCost: number
  depth: number
  refund?: number
  error?: string
  stack?: Hex[]
  returnData?: Hex
  memory?: Hex[]
  storage?: Record<Hex, Hex>
}

/** The default tracer: every opcode with what stood on the stack, as `debug_traceTransaction` tells it. */
export class StructLogger implements Tracer {
  readonly #options: Options
  readonly #context: TraceContext
  readonly #logs: StructLog[] = []
  /** Storage that was read or written, by account. */
  readonly #storage = new Map<string, Record<Hex, Hex>>()
  /** The last step of each open frame. */
  readonly #last: (StructLog | undefined)[] = []
  #returnData: Uint8Array = new Uint8Array()

  constructor(options: Options, context: TraceContext) {
    this.#options = options
    this.#context = context
  }

  step(step: InterpreterStep): Promise<void> | void {
    const { enableMemory, disableStack, disableStorage, enableReturnData, limit } = this.#options
    if (limit > 0 && this.#logs.length >= limit) return
    const log: StructLog = {
      pc: step.pc,
      op: opcodeName(step.opcode),
      gas: Number(step.gasLeft),
      gasCost: Number(step.opcode.dynamicFee ?? step.opcode.fee),
      depth: step.depth + 1,
    }
    if (step.gasRefund > 0n) log.refund = Number(step.gasRefund)
    let chars = STEP_CHARS
    if (!disableStack) {
      log.stack = step.stack.map((word): Hex => `0x${word.toString(16)}`)
      chars += step.stack.length * (WORD_CHARS / 4)
    }
    if (enableReturnData && this.#returnData.length > 0) {
      log.returnData = toHex(this.#returnData)
      chars += log.returnData.length
    }
    if (enableMemory && step.memory.length > 0) {
      chars += (step.memory.length / 32) * WORD_CHARS
      this.#context.room.take(chars)
      chars = 0
      log.memory = []
      for (let i = 0; i < step.memory.length; i += 32) log.memory.push(toHex(step.memory.subarray(i, i + 32)))
    }
    this.#context.room.take(chars)
    this.#logs.push(log)
    this.#last[step.depth] = log
    if (!disableStorage && (log.op === 'SLOAD' || log.op === 'SSTORE')) return this.#touch(step, log)
  }

  enter(message: EvmMessage): void {
    const caller = message.depth > 0 ? this.#last[message.depth - 1] : undefined
    // What goes with a call is part of its cost, but for the stipend, which is nobody's.
    if (caller && /CALL/.test(caller.op)) {
      const stipend = message.value > 0n && !message.delegatecall ? CALL_STIPEND : 0n
      caller.gasCost += Number(message.gasLimit - stipend)
    }
    this.#last[message.depth] = undefined
    this.#last.length = message.depth + 1
    this.#returnData = new Uint8Array()
  }

  exit({ execResult }: EVMResult): void {
    const last = this.#last.pop()
    const exception = execResult.exceptionError?.error
    if (last && exception !== undefined && exception !== 'revert') last.error = failureReason(exception)
    this.#returnData = execResult.returnValue
  }

  finish(_start: TraceStart, { gasUsed, output, exception }: TraceEnd) {
    return {
      gas: Number(gasUsed),
      failed: exception !== undefined,
      returnValue: exception === undefined || exception === 'revert' ? toHex(output) : '0x',
      structLogs: this.#logs,
    }
  }

  async #touch(step: InterpreterStep, log: StructLog): Promise<void> {
    const slot = step.stack.at(-1)
    if (slot === undefined) return
    const account = step.address.toString()
    const touched = this.#storage.get(account) ?? {}
    this.#storage.set(account, touched)
    const key = uintBE(slot, 32)
    let word: Uint8Array
    if (log.op === 'SSTORE') {
      const value = step.stack.at(-2)
      if (value === undefined) return
      word = uintBE(value, 32)
    } else {
      const value = await this.#context.state.getStorage(step.address, key)
      word = new Uint8Array(32)
      word.set(value, 32 - value.length)
    }
    touched[toHex(key)] = toHex(word)
    log.storage = { ...touched }
    this.#context.room.take(Object.keys(touched).length * 2 * WORD_CHARS)
  }
}

/** Geth's name of an opcode. */
export function opcodeName({ name, code }: { readonly name: string; readonly code: number }): string {
  if (name === 'INVALID') return code === 0xfe ? 'INVALID' : `opcode 0x${code.toString(16)} not defined`
  return name === 'PREVRANDAO' ? 'DIFFICULTY' : name
}
