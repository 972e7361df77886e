import type { EVMResult, InterpreterStep, Message as EvmMessage } from '@ethereumjs/evm'
import type { TracerConfig } from '@hawser/chain'
import { toHex, uintBE, type Hex } from '@hawser/primitives'
import { failureReason } from '../reasons.ts'
import { revertReason } from '../revert-reason.ts'
import { MAX_MEMORY_BYTES, type TraceContext, type TraceEnd, type Tracer, type TraceStart } from './tracer.ts'

const FRAME_CHARS = 300
const LOG_CHARS = 500

type Options = Extract<TracerConfig, { kind: 'callTracer' }>

interface CallLog {
  readonly address: Hex
  readonly topics: readonly Hex[]
  readonly data: Hex
  index?: Hex
  /** How many calls the frame had made before. */
  readonly position: Hex
}

interface CallFrame {
  from: Hex
  gas: Hex
  gasUsed: Hex
  to?: Hex
  input: Hex
  output?: Hex
  error?: string
  revertReason?: string
  calls?: CallFrame[]
  logs?: CallLog[]
  value?: Hex
  type: string
}

/** Tells the calls of a transaction as a tree. */
export class CallTracer implements Tracer {
  readonly #options: Options
  readonly #context: TraceContext
  readonly #open: { readonly frame: CallFrame; lastOp: string }[] = []
  #root: CallFrame | undefined

  constructor(options: Options, context: TraceContext) {
    this.#options = options
    this.#context = context
  }

  step(step: InterpreterStep): Promise<void> | void {
    const top = this.#open[step.depth]
    if (!top) return
    const { name } = step.opcode
    top.lastOp = name
    if (this.#options.withLog && name.startsWith('LOG')) this.#log(step, top.frame)
    if (name === 'SELFDESTRUCT' && this.#tells(step.depth + 1)) return this.#selfdestruct(step, top.frame)
  }

  enter(message: EvmMessage): void {
    const parent = this.#open[message.depth - 1]
    const type = message.depth === 0 ? (message.to ? 'CALL' : 'CREATE') : callType(message, parent?.lastOp)
    const delegated = type === 'DELEGATECALL'
    const frame: CallFrame = {
      from: (delegated ? message.to : message.caller)?.toString() ?? '0x',
      gas: quantity(message.gasLimit),
      gasUsed: '0x0',
      ...(message.to ? { to: message.codeAddress.toString() } : {}),
      input: toHex(message.data),
      ...(type === 'STATICCALL' ? {} : { value: quantity(message.value) }),
      type,
    }
    if (message.depth === 0) this.#root = frame
    else if (this.#tells(message.depth)) {
      this.#context.room.take(FRAME_CHARS + frame.input.length)
      if (parent) (parent.frame.calls ??= []).push(frame)
    }
    this.#open[message.depth] = { frame, lastOp: '' }
    this.#open.length = message.depth + 1
  }

  exit({ execResult, createdAddress }: EVMResult): void {
    const closed = this.#open.pop()
    if (!closed) return
    const { frame, lastOp } = closed
    frame.gasUsed = quantity(execResult.executionGasUsed)
    if (createdAddress) frame.to = createdAddress.toString()
    const exception = execResult.exceptionError?.error
    if (exception !== undefined && lastOp === 'SELFDESTRUCT') frame.calls?.pop()
    close(frame, execResult.returnValue, exception)
  }

  finish(start: TraceStart, end: TraceEnd): CallFrame {
    // A plain transfer needs no interpreter, so nothing was heard of it.
    const root: CallFrame = this.#root ?? {
      from: start.from,
      gas: quantity(start.gas),
      gasUsed: '0x0',
      ...(start.to === undefined ? {} : { to: start.to }),
      input: toHex(start.data),
      value: quantity(start.value),
      type: start.to === undefined ? 'CREATE' : 'CALL',
    }
    if (this.#root === undefined) close(root, end.output, end.exception)
    root.gas = quantity(start.gas)
    root.gasUsed = quantity(end.gasUsed)
    if (this.#options.withLog) numberLogs(root, { next: start.logIndex }, false)
    return ordered(root)
  }

  #tells(depth: number): boolean {
    return depth === 0 || !this.#options.onlyTopCall
  }

  #log({ address, stack, memory, opcode, depth }: InterpreterStep, frame: CallFrame): void {
    if (!this.#tells(depth)) return
    const topics = Number(opcode.name.slice(3))
    const [offset, length] = [stack.at(-1), stack.at(-2)]
    // Nobody can pay for more memory than that; such a LOG fails.
    if (offset === undefined || length === undefined || length > MAX_MEMORY_BYTES) return
    if (stack.length < 2 + topics) return
    this.#context.room.take(LOG_CHARS + 2 * Number(length))
    const data = new Uint8Array(Number(length))
    data.set(memory.subarray(Number(offset), Number(offset) + Number(length)))
    ;(frame.logs ??= []).push({
      address: address.toString(),
      topics: Array.from({ length: topics }, (_, i) => toHex(uintBE(stack.at(-3 - i) ?? 0n, 32))),
      data: toHex(data),
      position: quantity(BigInt(frame.calls?.length ?? 0)),
    })
  }

  async #selfdestruct({ address, stack }: InterpreterStep, frame: CallFrame): Promise<void> {
    const heir = stack.at(-1)
    if (heir === undefined) return
    const account = await this.#context.state.getAccount(address)
    this.#context.room.take(FRAME_CHARS)
    ;(frame.calls ??= []).push({
      from: address.toString(),
      gas: '0x0',
      gasUsed: '0x0',
      to: toHex(uintBE(heir & ((1n << 160n) - 1n), 20)),
      input: '0x',
      value: quantity(account?.balance ?? 0n),
      type: 'SELFDESTRUCT',
    })
  }
}

function callType(message: EvmMessage, lastOp: string | undefined): string {
  if (lastOp !== undefined && /^(CALL|CALLCODE|DELEGATECALL|STATICCALL|CREATE|CREATE2)$/.test(lastOp)) return lastOp
  if (!message.to) return message.salt ? 'CREATE2' : 'CREATE'
  return message.delegatecall ? 'DELEGATECALL' : 'CALL'
}

/** What a frame came to, as Geth tells it. */
function close(frame: CallFrame, output: Uint8Array, exception: string | undefined): void {
  if (exception === undefined) {
    if (output.length > 0) frame.output = toHex(output)
    return
  }
  frame.error = failureReason(exception)
  if (frame.type.startsWith('CREATE')) delete frame.to
  if (exception !== 'revert' || output.length === 0) return
  frame.output = toHex(output)
  const reason = revertReason(output)
  if (reason !== undefined) frame.revertReason = reason
}

/** Numbers the logs that came to stand and drops those of frames that failed, with all under them. */
function numberLogs(frame: CallFrame, counter: { next: number }, failedAbove: boolean): void {
  const failed = failedAbove || frame.error !== undefined
  if (failed) delete frame.logs
  const logs = frame.logs ?? []
  const calls = frame.calls ?? []
  let told = 0
  calls.forEach((call, place) => {
    while (told < logs.length && Number((logs[told] as CallLog).position) <= place) number(logs[told++] as CallLog)
    numberLogs(call, counter, failed)
  })
  while (told < logs.length) number(logs[told++] as CallLog)

  function number(log: CallLog): void {
    log.index = quantity(BigInt(counter.next++))
  }
}

/** The fields in Geth's order, so that a reader finds the type at the end of each frame. */
function ordered({
  from,
  gas,
  gasUsed,
  to,
  input,
  output,
  error,
  revertReason: reason,
  calls,
  logs,
  value,
  type,
}: CallFrame): CallFrame {
  return {
    from,
    gas,
    gasUsed,
    ...(to === undefined ? {} : { to }),
    input,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(reason === undefined ? {} : { revertReason: reason }),
    ...(calls === undefined ? {} : { calls: calls.map(ordered) }),
    ...(logs === undefined ? {} : { logs }),
    ...(value === undefined ? {} : { value }),
    type,
  }
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
