import { describe, expect, it } from 'vitest'
import { ExecutionGate } from './execution-gate.ts'
import { DEFAULT_LIMITS, MAX_WAITING_CLAIMS, MAX_WAITING_FACTOR } from './limits.ts'

const caller = { address: '192.0.2.1' }
const clock = { ms: 0, nowMs: () => clock.ms, after: () => () => undefined }

/** Until what is waiting on promises, and on a turn, has run. */
async function settled() {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Calls that end when they are told to. */
function held(method: string, limits = {}) {
  const running: (() => void)[] = []
  const gate = new ExecutionGate({ ...DEFAULT_LIMITS, maxExecutions: 2, ...limits }, clock)
  const methods = gate.guard({
    [method]: () => new Promise<string>((resolve) => running.push(() => resolve('done'))),
    eth_chainId: () => '0x1',
  })
  const call = () => methods[method]?.([], caller) as Promise<string>
  return { running, call, methods }
}

describe('ExecutionGate', () => {
  it('lets so many run, the next when one ends, and refuses when too many wait', async () => {
    const { running, call } = held('eth_call')
    const calls = Array.from({ length: 2 + 2 * MAX_WAITING_FACTOR }, call)
    await settled()
    expect(running).toHaveLength(2)
    await expect(call()).rejects.toMatchObject({ code: -32005 })
    running[0]?.()
    await calls[0]
    await settled()
    expect(running).toHaveLength(3)
    for (let i = 1; i < calls.length; i++) {
      running[i]?.()
      expect(await calls[i]).toBe('done')
      await settled()
    }
    expect(running).toHaveLength(calls.length)
  })

  it('gives every client its turn, however many requests another one has waiting', async () => {
    const started: string[] = []
    const gate = new ExecutionGate({ ...DEFAULT_LIMITS, maxExecutions: 1 }, clock)
    const ends: (() => void)[] = []
    const { eth_call } = gate.guard({
      eth_call: (_, { address }) => {
        started.push(address)
        return new Promise<void>((resolve) => ends.push(resolve))
      },
    })
    const call = (address: string) => (eth_call?.([], { address }) as Promise<void>).catch((error: unknown) => error)
    const greedy = Array.from({ length: 1 + MAX_WAITING_FACTOR }, () => call('greedy'))
    void call('modest')
    void call('modest')
    // The queue was full: the greedy client's last requests gave way.
    expect(await greedy.at(-1)).toMatchObject({ code: -32005 })
    for (let i = 0; i < 4; i++) {
      ends[i]?.()
      await settled()
    }
    expect(started).toEqual(['greedy', 'greedy', 'modest', 'greedy', 'modest'])
  })

  it('lets the node’s own work go on between requests that wait for nothing', async () => {
    const { eth_getProof } = new ExecutionGate(DEFAULT_LIMITS, clock).guard({
      eth_getProof: () => {
        for (const end = performance.now() + 15; performance.now() < end;);
      },
    })
    let own = 0
    let done = false
    const look = () => {
      own++
      if (!done) setImmediate(look)
    }
    setImmediate(look)
    for (let i = 0; i < 8; i++) await eth_getProof?.([], caller)
    done = true
    expect(own).toBeGreaterThanOrEqual(6)
  })

  it('looks for one claimed deposit at a time, beside the executions', async () => {
    const { running, call } = held('bridge_claim')
    const calls = Array.from({ length: 1 + MAX_WAITING_CLAIMS }, call)
    await settled()
    expect(running).toHaveLength(1)
    await expect(call()).rejects.toMatchObject({ code: -32005 })
    running[0]?.()
    expect(await calls[0]).toBe('done')
    await settled()
    expect(running).toHaveLength(2)
  })

  it('leaves cheap methods alone', () => {
    expect(held('eth_call').methods['eth_chainId']?.([], caller)).toBe('0x1')
  })

  it('counts traces by client and second', async () => {
    const { call, methods } = held('debug_traceCall', { maxTracesPerSecond: 2, maxExecutions: 100 })
    void call()
    void call()
    await settled()
    await expect(call()).rejects.toMatchObject({ code: -32005 })
    const other = methods['debug_traceCall']?.([], { address: '192.0.2.2' })
    clock.ms += 1_000
    const later = call()
    expect(await Promise.race([other, later, Promise.resolve('both run')])).toBe('both run')
  })

  it('counts deposit addresses by client and second, and apart from traces', async () => {
    const limits = { ...DEFAULT_LIMITS, maxAddressesPerSecond: 2, maxTracesPerSecond: 1 }
    const methods = new ExecutionGate(limits, clock).guard({
      bridge_getDepositAddress: () => 'bcrt1p',
      debug_traceCall: () => 'trace',
    })
    const ask = (method: string, address: string) => methods[method]?.([], { address }) as Promise<string>
    expect(await ask('bridge_getDepositAddress', 'a')).toBe('bcrt1p')
    expect(await ask('bridge_getDepositAddress', 'a')).toBe('bcrt1p')
    await expect(ask('bridge_getDepositAddress', 'a')).rejects.toThrow('at most 2 deposit addresses a second')
    expect(await ask('bridge_getDepositAddress', 'b')).toBe('bcrt1p')
    expect(await ask('debug_traceCall', 'a')).toBe('trace')
    clock.ms += 1_000
    expect(await ask('bridge_getDepositAddress', 'a')).toBe('bcrt1p')
  })
})
