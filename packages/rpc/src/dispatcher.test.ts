import { describe, expect, it } from 'vitest'
import { AppError, silentLogger } from '@hawser/primitives'
import { Dispatcher } from './dispatcher.ts'
import { reverted } from './errors.ts'
import { DEFAULT_LIMITS } from './limits.ts'

const { maxBatch, maxResponseChars } = DEFAULT_LIMITS
const caller = { address: '127.0.0.1' }

const dispatcher = new Dispatcher(
  {
    echo: (params) => params,
    nothing: () => undefined,
    large: () => 'x'.repeat(maxResponseChars / 2),
    refuse: () => {
      throw new AppError({ code: 'TX_NONCE_TOO_LOW', fault: 'user' }, 'nonce too low: next nonce 2, tx nonce 1')
    },
    bug: () => {
      throw new TypeError('cannot read properties of undefined')
    },
    revertLarge: () => {
      throw reverted(new Uint8Array(maxResponseChars / 4), undefined)
    },
    // Error("no"), as Solidity encodes it.
    revert: () => {
      const output = new Uint8Array(100)
      output.set([0x08, 0xc3, 0x79, 0xa0])
      output[35] = 0x20
      output[67] = 2
      output.set([0x6e, 0x6f], 68)
      throw reverted(output, 'no')
    },
  },
  DEFAULT_LIMITS,
  silentLogger,
)
const send = async (body: unknown) => {
  const answer = await dispatcher.handle(typeof body === 'string' ? body : JSON.stringify(body), caller)
  return answer === undefined ? undefined : (JSON.parse(answer) as unknown)
}
const call = (method: string, params?: unknown) => send({ jsonrpc: '2.0', id: 7, method, params })

describe('Dispatcher', () => {
  it('answers a call with its id, and null for nothing', async () => {
    expect(await call('echo', [1, 'a'])).toEqual({ jsonrpc: '2.0', id: 7, result: [1, 'a'] })
    expect(await call('nothing')).toEqual({ jsonrpc: '2.0', id: 7, result: null })
  })

  it.each([
    ['text that is not JSON', '{"jsonrpc":', -32700, null],
    ['an empty batch', [], -32600, null],
    ['a number', 5, -32600, null],
    ['a request without a method', { id: 1 }, -32600, null],
    ['an id that is an object', { id: {}, method: 'echo' }, -32600, null],
    ['an unknown method', { id: 1, method: 'eth_magic' }, -32601, 1],
    ['a method name of Object.prototype', { id: 1, method: 'constructor' }, -32601, 1],
    ['parameters that are no list', { id: 1, method: 'echo', params: { a: 1 } }, -32602, 1],
    ['what the pool refuses', { id: 1, method: 'refuse' }, -32000, 1],
    ['a bug of ours', { id: 1, method: 'bug' }, -32603, 1],
    ['a call that reverts', { id: 1, method: 'revert' }, 3, 1],
  ])('answers %s with the right code', async (_what, body, code, id) => {
    expect(await send(body)).toMatchObject({ id, error: { code } })
  })

  it('gives a revert’s reason and data', async () => {
    expect(await call('revert')).toMatchObject({
      error: { message: 'execution reverted: no', data: expect.stringMatching(/^0x08c379a0/) as string },
    })
  })

  it('answers a batch in order, without its notifications, and nothing when all are', async () => {
    expect(
      await send([
        { id: 1, method: 'echo', params: [1] },
        { method: 'echo', params: [2] },
        { id: 3, method: 'missing' },
      ]),
    ).toMatchObject([
      { id: 1, result: [1] },
      { id: 3, error: { code: -32601 } },
    ])
    expect(await send([{ method: 'echo' }])).toBeUndefined()
    expect(await send({ method: 'echo' })).toBeUndefined()
  })

  it('answers a batch only as far as its answers are not too much together', async () => {
    const batch = Array.from({ length: 4 }, (_, id) => ({ id, method: 'large' }))
    const answers = (await send(batch)) as { result?: string; error?: { code: number } }[]
    expect(answers.map((answer) => answer.error?.code)).toEqual([undefined, -32005, -32005, -32005])
  })

  it('counts what reverted calls returned as part of a batch’s answer', async () => {
    const batch = Array.from({ length: 4 }, (_, id) => ({ id, method: 'revertLarge' }))
    const answers = (await send(batch)) as { error: { code: number } }[]
    expect(answers.map(({ error }) => error.code)).toEqual([3, -32005, -32005, -32005])
  })

  it('lets other work go on during a batch of methods that do not wait', async () => {
    const busy = new Dispatcher(
      {
        work: () => {
          for (const end = performance.now() + 5; performance.now() < end;);
        },
      },
      DEFAULT_LIMITS,
      silentLogger,
    )
    const batch = Array.from({ length: 20 }, (_, id) => ({ id, method: 'work' }))
    let turns = 0
    const look = () => {
      turns++
      if (!done) setImmediate(look)
    }
    let done = false
    setImmediate(look)
    await busy.handle(JSON.stringify(batch), caller)
    done = true
    expect(turns).toBeGreaterThan(4)
  })

  it('refuses a batch beyond the limit whole', async () => {
    const batch = Array.from({ length: maxBatch + 1 }, (_, id) => ({ id, method: 'echo' }))
    expect(await send(batch)).toMatchObject({
      error: { code: -32600, message: expect.stringContaining('batch too large') as string },
    })
  })
})
