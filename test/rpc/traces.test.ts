import { fromHex, keccak256, toHex } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alice, bob, callerOf, CODE, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
beforeAll(async () => {
  world = await RpcWorld.start()
})
afterAll(() => world.stop())

const EMPTY = {}

describe('debug_traceTransaction', () => {
  it('tells the calls of a transaction as a tree, with what reverted under what went on', async () => {
    const reverter = await world.deploy(CODE.reverter)
    const caller = await world.deploy(callerOf(reverter))
    const tx = world.sign({ to: caller })
    await world.chain.mine({ transactions: [tx] })
    const trace = await world.call('debug_traceTransaction', [toHex(tx.hash()), { tracer: 'callTracer' }])
    const receipt = (await world.call('eth_getTransactionReceipt', [toHex(tx.hash())])) as { gasUsed: string }
    expect(trace).toMatchObject({
      type: 'CALL',
      from: alice,
      to: caller,
      gas: '0x7a120',
      gasUsed: receipt.gasUsed,
      value: '0x0',
      calls: [
        { type: 'CALL', from: caller, to: reverter, error: 'execution reverted', revertReason: 'no', input: '0x' },
      ],
    })
    const top = await world.call('debug_traceTransaction', [
      toHex(tx.hash()),
      { tracer: 'callTracer', tracerConfig: { onlyTopCall: true } },
    ])
    expect(top).not.toHaveProperty('calls')
  })

  it('tells logs with their places in the block, and none of what reverted', async () => {
    const counter = await world.deploy(CODE.counter)
    const transactions = [world.sign({ to: counter }), world.sign({ to: counter })]
    await world.chain.mine({ transactions })
    const config = { tracer: 'callTracer', tracerConfig: { withLog: true } }
    const traces = (await world.call('debug_traceBlockByNumber', ['latest', config])) as {
      txHash: string
      result: { logs: { index: string; position: string; topics: string[] }[] }
    }[]
    expect(traces.map(({ txHash }) => txHash)).toEqual(transactions.map((tx) => toHex(tx.hash())))
    expect(traces.map(({ result }) => result.logs)).toEqual(
      ['0x0', '0x1'].map((index) => [
        { address: counter, topics: [`0x${'1'.padStart(64, '0')}`], data: '0x', position: '0x0', index },
      ]),
    )
  })

  it('tells a plain transfer without a step, and as one call', async () => {
    const tx = world.legacy({ to: bob, value: 5n })
    await world.chain.mine({ transactions: [tx] })
    expect(await world.call('debug_traceTransaction', [toHex(tx.hash())])).toEqual({
      gas: 21_000,
      failed: false,
      returnValue: '0x',
      structLogs: [],
    })
    expect(await world.call('debug_traceTransaction', [toHex(tx.hash()), { tracer: 'callTracer' }])).toEqual({
      type: 'CALL',
      from: alice,
      to: bob,
      gas: '0x7a120',
      gasUsed: '0x5208',
      value: '0x5',
      input: '0x',
    })
  })

  it('tells every opcode with stack, storage and costs; what is left out on demand is not there', async () => {
    const counter = await world.deploy(CODE.counter)
    const tx = world.sign({ to: counter })
    await world.chain.mine({ transactions: [tx] })
    const trace = (await world.call('debug_traceTransaction', [toHex(tx.hash())])) as {
      gas: number
      structLogs: { op: string; gas: number; gasCost: number; storage?: object; depth: number; stack?: string[] }[]
    }
    const ops = trace.structLogs.map(({ op }) => op)
    expect(ops.slice(0, 4)).toEqual(['PUSH1', 'SLOAD', 'PUSH1', 'ADD'])
    // What is left before a step is what was left before the one before it, less its cost.
    trace.structLogs.forEach((step, i) => {
      const next = trace.structLogs[i + 1]
      if (next) expect(step.gas - step.gasCost).toBe(next.gas)
    })
    const slot = `0x${'0'.repeat(64)}`
    expect(trace.structLogs.find(({ op }) => op === 'SLOAD')?.storage).toEqual({ [slot]: slot })
    expect(trace.structLogs.find(({ op }) => op === 'SSTORE')?.storage).toEqual({ [slot]: `${slot.slice(0, -1)}1` })
    const short = (await world.call('debug_traceTransaction', [
      toHex(tx.hash()),
      { disableStack: true, disableStorage: true, limit: 2 },
    ])) as typeof trace
    expect(short.structLogs).toHaveLength(2)
    expect(short.structLogs[1]).not.toHaveProperty('stack')
    expect(short.structLogs[1]).not.toHaveProperty('storage')
    expect(short.gas).toBe(trace.gas)
  })

  it('tells accounts and slots as they were, and what became of them', async () => {
    const counter = await world.deploy(CODE.counter)
    const tx = world.sign({ to: counter })
    await world.chain.mine({ transactions: [tx] })
    const slot = `0x${'0'.repeat(64)}`
    const before = await world.call('debug_traceTransaction', [toHex(tx.hash()), { tracer: 'prestateTracer' }])
    expect(before).toMatchObject({
      [counter]: {
        code: CODE.counter,
        codeHash: toHex(keccak256(fromHex(CODE.counter))),
        nonce: 1,
        storage: { [slot]: slot },
      },
      [alice]: {},
    })
    const { pre, post } = (await world.call('debug_traceTransaction', [
      toHex(tx.hash()),
      { tracer: 'prestateTracer', tracerConfig: { diffMode: true, disableCode: true } },
    ])) as { pre: Record<string, { nonce?: number; balance?: string }>; post: Record<string, object> }
    expect(post[counter]).toEqual({ storage: { [slot]: `${slot.slice(0, -1)}1` } })
    expect(post[alice]).toMatchObject({ nonce: Number(tx.nonce) + 1 })
    expect(pre[alice]?.nonce).toBe(Number(tx.nonce))
  })
})

describe('debug_traceCall', () => {
  it('tells accounts that are not there on demand only', async () => {
    const nobody = `0x${'77'.repeat(20)}`
    const told = (tracerConfig: object) =>
      world.ask('debug_traceCall', [{ to: nobody }, 'latest', { tracer: 'prestateTracer', tracerConfig }])
    expect((await told({})).result).not.toHaveProperty(nobody)
    expect((await told({ includeEmpty: true })).result).toMatchObject({ [nobody]: { balance: '0x0' } })
    expect(await told({ includeEmpty: true, diffMode: true })).toMatchObject({ error: { code: -32602 } })
  })

  it('traces what was never sent, on a state and in a block that are made up', async () => {
    const trace = await world.call('debug_traceCall', [
      { from: alice, to: bob },
      'latest',
      {
        tracer: 'callTracer',
        stateOverrides: { [bob]: { code: CODE.block } },
        blockOverrides: { number: '0x1234' },
      },
    ])
    expect(trace).toMatchObject({ to: bob, output: expect.stringContaining('1234') as string })
  })

  it('counts selectors', async () => {
    expect(
      await world.call('debug_traceCall', [
        { to: bob, data: '0xa9059cbb0000' },
        'latest',
        { tracer: '4byteTracer', stateOverrides: { [bob]: { code: CODE.gas } } },
      ]),
    ).toEqual({ '0xa9059cbb-2': 1 })
    expect(await world.call('debug_traceCall', [{ to: bob }, 'latest', { tracer: 'noopTracer' }])).toEqual(EMPTY)
  })

  it('refuses a trace that is too large, and says what to do', async () => {
    const small = await RpcWorld.start({ limits: { maxResponseChars: 20_000, gasCap: 200_000n } })
    try {
      const { error } = await small.ask('debug_traceCall', [
        { to: bob },
        'latest',
        { stateOverrides: { [bob]: { code: CODE.loop } } },
      ])
      expect(error).toMatchObject({
        code: -32005,
        message: expect.stringMatching(/larger than 20000 .* limit/) as string,
      })
    } finally {
      await small.stop()
    }
  })
})
