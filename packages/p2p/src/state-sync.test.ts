import { setImmediate } from 'node:timers/promises'
import type { Cancellable, StateSink } from '@hawser/chain'
import { AppError, silentLogger, type Hash32 } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { decodeStateRequest, encodeStateRange } from './state-messages.ts'
import { fetchState } from './state-sync.ts'

const KEYS = [0x00, 0x10].map((byte) => new Uint8Array(32).fill(byte))
const [FIRST, SECOND] = KEYS as [Uint8Array, Uint8Array]
const ANSWER = encodeStateRange({ leaves: [], end: FIRST, proof: [] })

/** A sink of two parts that takes everything, and writes down what it is asked. */
function sinkOf(calls: string[]): StateSink {
  return {
    block: { number: 5n, hash: `0x${'aa'.repeat(32)}` as Hash32 },
    missing: () => KEYS.map((origin) => ({ origin, limit: origin })),
    accounts: (origin) => {
      calls.push(`accounts ${origin[0]}`)
      return { storages: [], codes: [], next: undefined, commit: async () => void calls.push(`commit ${origin[0]}`) }
    },
    storage: async () => ({ next: undefined }),
    code: async () => true,
    finish: async ({ signal }: Cancellable = {}) => {
      signal?.throwIfAborted()
      calls.push('finish')
      return []
    },
  }
}

/** One peer, and what it does with a request for the part that begins at a key. */
function transportOf(answer: (origin: Uint8Array, signal: AbortSignal | undefined) => Promise<Uint8Array>) {
  return {
    peers: () => [{ id: 'peer', score: 0 }],
    report: () => undefined,
    request: async (_peer: string, _protocol: string, message: Uint8Array, { signal }: Cancellable = {}) =>
      answer(decodeStateRequest(message).origin, signal),
  }
}

describe('fetching a state', () => {
  it('leaves the sink alone when it has failed, whatever still comes', async () => {
    const calls: string[] = []
    let deliver!: () => void
    const late = new Promise<Uint8Array>((resolve) => (deliver = () => resolve(ANSWER)))
    const transport = transportOf(async (origin, signal) => {
      if (origin[0] === FIRST[0]) throw new AppError({ code: 'PEER_REFUSED', fault: 'peer', retry: true }, 'not here')
      // An answer that comes in the moment of the failure.
      signal?.addEventListener('abort', deliver)
      return late
    })
    await expect(fetchState({ transport, sink: sinkOf(calls), logger: silentLogger })).rejects.toMatchObject({
      code: 'STATE_UNAVAILABLE',
    })
    deliver()
    await setImmediate()
    expect(calls).toEqual([])
  })

  it('throws only when all that it had begun has come to an end', async () => {
    const calls: string[] = []
    const sink = sinkOf(calls)
    let write!: () => void
    const written = new Promise<void>((resolve) => (write = resolve))
    const fetched = fetchState({
      transport: transportOf(async (origin) => {
        if (origin[0] === SECOND[0]) return ANSWER
        throw new AppError({ code: 'PEER_REFUSED', fault: 'peer', retry: true }, 'not here')
      }),
      sink: {
        ...sink,
        accounts: (...range) => {
          const taken = sink.accounts(...range)
          return taken && { ...taken, commit: () => written.then(() => taken.commit()) }
        },
      },
      logger: silentLogger,
    }).catch(() => calls.push('thrown'))
    await setImmediate()
    write()
    await fetched
    expect(calls).toEqual(['accounts 16', 'commit 16', 'thrown'])
  })

  it('ends when it is told to: no request goes on, nothing is built', async () => {
    const calls: string[] = []
    const stopping = new AbortController()
    const reason = new Error('told to stop')
    const open: (AbortSignal | undefined)[] = []
    const transport = transportOf(
      (_origin, signal) =>
        new Promise((_resolve, reject) => {
          open.push(signal)
          signal?.addEventListener('abort', () => reject(new Error('cut off')))
          if (open.length === KEYS.length) stopping.abort(reason)
        }),
    )
    const fetched = fetchState({ transport, sink: sinkOf(calls), logger: silentLogger, signal: stopping.signal })
    await expect(fetched).rejects.toBe(reason)
    expect(open.map((signal) => signal?.aborted)).toEqual([true, true])

    const late = new AbortController()
    const sink = sinkOf(calls)
    const build: StateSink['finish'] = (options) => {
      late.abort(reason)
      return sink.finish(options)
    }
    const told = { transport, sink: { ...sink, missing: () => [], finish: build }, logger: silentLogger }
    await expect(fetchState({ ...told, signal: late.signal })).rejects.toBe(reason)
    expect(calls).toEqual([])
  })
})
