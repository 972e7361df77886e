import type { Message as EvmMessage } from '@ethereumjs/evm'
import { toHex } from '@hawser/primitives'
import type { TraceEnd, Tracer, TraceStart } from './tracer.ts'

/** Counts the selectors that were called, with the sizes of their arguments: `selector-bytes` to count. */
export class FourByteTracer implements Tracer {
  readonly #counts: Record<string, number> = {}

  enter(message: EvmMessage): void {
    if (!message.to || message.data.length < 4) return
    const key = `${toHex(message.data.subarray(0, 4))}-${message.data.length - 4}`
    this.#counts[key] = (this.#counts[key] ?? 0) + 1
  }

  finish(_start: TraceStart, _end: TraceEnd): Record<string, number> {
    return this.#counts
  }
}
