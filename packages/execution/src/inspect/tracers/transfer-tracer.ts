import type { EVMResult, InterpreterStep, Message as EvmMessage } from '@ethereumjs/evm'
import type { Log } from '@hawser/chain'
import { toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import { MAX_MEMORY_BYTES, type TraceContext, type Tracer } from './tracer.ts'

/** Whose logs the transfers of the native coin are told as. */
const NATIVE_COIN = '0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee' as Address
/** Transfer(address,address,uint256) */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef' as Hash32
const LOG_CHARS = 500
const ADDRESS_MASK = (1n << 160n) - 1n

interface OpenFrame {
  readonly message: EvmMessage
  /** How many logs there were before it. */
  readonly before: number
  /** The place of its own transfer's log. */
  readonly transfer: number | undefined
}

/** Tells a call's logs, and transfers of the native coin among them as if it were a token (eth_simulateV1's traceTransfers). */
export class TransferTracer implements Tracer {
  readonly #context: TraceContext
  readonly #open: OpenFrame[] = []
  #logs: Log[] = []

  constructor(context: TraceContext) {
    this.#context = context
  }

  step({ opcode, stack, memory, address }: InterpreterStep): Promise<void> | void {
    const { name } = opcode
    if (name === 'SELFDESTRUCT') {
      const heir = stack.at(-1)
      if (heir === undefined) return
      return this.#context.state.getAccount(address).then((account) => {
        const value = account?.balance ?? 0n
        if (value > 0n) this.#push(transfer(address.bytes, uintBE(heir & ADDRESS_MASK, 20), value))
      })
    }
    if (!name.startsWith('LOG')) return
    const [offset, length] = [stack.at(-1), stack.at(-2)]
    if (offset === undefined || length === undefined || length > MAX_MEMORY_BYTES) return
    const data = new Uint8Array(Number(length))
    data.set(memory.subarray(Number(offset), Number(offset) + Number(length)))
    const topics = Array.from({ length: Number(name.slice(3)) }, (_, i) => toHex(uintBE(stack.at(-3 - i) ?? 0n, 32)))
    this.#push({ address: address.toString() as Address, topics: topics as Hash32[], data })
  }

  enter(message: EvmMessage): void {
    const before = this.#logs.length
    const moves = message.value > 0n && !message.delegatecall
    if (moves) this.#push(transfer(message.caller.bytes, message.to?.bytes ?? new Uint8Array(20), message.value))
    this.#open.push({ message, before, transfer: moves ? before : undefined })
  }

  exit({ execResult, createdAddress }: EVMResult): void {
    const frame = this.#open.pop()
    if (!frame) return
    if (execResult.exceptionError) this.#logs.length = frame.before
    else if (frame.transfer !== undefined && createdAddress)
      this.#logs[frame.transfer] = transfer(frame.message.caller.bytes, createdAddress.bytes, frame.message.value)
  }

  finish(): readonly Log[] {
    const logs = this.#logs
    this.#logs = []
    return logs
  }

  #push(log: Log): void {
    this.#context.room.take(LOG_CHARS + 2 * log.data.length)
    this.#logs.push(log)
  }
}

function transfer(from: Uint8Array, to: Uint8Array, value: bigint): Log {
  const topic = (address: Uint8Array) => `0x${toHex(address).slice(2).padStart(64, '0')}` as Hash32
  return { address: NATIVE_COIN, topics: [TRANSFER, topic(from), topic(to)], data: uintBE(value, 32) }
}
