import { toHex, uintBE, type Hex } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alice, bob, callerOf, CODE, RICH, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
beforeAll(async () => {
  world = await RpcWorld.start()
})
afterAll(() => world.stop())

const word = (value: bigint | number): Hex => toHex(uintBE(value, 32))
const withCode = (code: string, more: object = {}) => ({ [bob]: { code, ...more } })

describe('eth_call', () => {
  it('sees a state that is made up: code, balance, one slot or the whole storage', async () => {
    const slot = word(0)
    const read = (override: object) => world.call('eth_call', [{ to: bob }, 'latest', withCode(CODE.reader, override)])
    expect(await read({})).toBe(word(0))
    expect(await read({ stateDiff: { [slot]: word(7) } })).toBe(word(7))
    expect(await read({ state: { '0x0': '0x8' } })).toBe(word(8))
    const counter = await world.deploy(CODE.counter)
    await world.chain.mine({ transactions: [world.sign({ to: counter })] })
    expect(await world.call('eth_getStorageAt', [counter, '0x0', 'latest'])).toBe(word(1))
    // The whole storage is another one: what is not given is zero.
    const replaced = { [counter]: { code: CODE.reader, state: { [word(5)]: word(5) } } }
    expect(await world.call('eth_call', [{ to: counter }, 'latest', replaced])).toBe(word(0))
    expect(
      await world.ask('eth_call', [{ to: bob }, 'latest', withCode('0x', { state: {}, stateDiff: {} })]),
    ).toMatchObject({
      error: { code: -32000, message: expect.stringContaining("both 'state' and 'stateDiff'") as string },
    })
    expect(await world.call('eth_getCode', [bob, 'latest'])).toBe('0x')
  })

  it('sees a block that is made up', async () => {
    const output = (await world.call('eth_call', [
      { to: bob, gasPrice: '0x989680', from: alice, gas: '0x186a0' },
      'latest',
      withCode(CODE.block),
      {
        number: '0x10',
        time: '0x77777777',
        feeRecipient: alice,
        baseFeePerGas: '0x5',
        prevRandao: word(9),
        gasLimit: '0x1000000',
      },
    ])) as string
    expect(output).toBe(
      `0x${[16n, 0x77777777n, BigInt(alice), 5n, 9n, 0x1000000n].map((value) => word(value).slice(2)).join('')}`,
    )
  })

  it('reads base fee 0 without a price, and the real one with it', async () => {
    const { baseFeePerGas } = (await world.call('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas: string }
    const baseFee = async (fields: object) => {
      const output = await world.call('eth_call', [{ to: bob, ...fields }, 'latest', withCode(CODE.block)])
      return BigInt(`0x${(output as string).slice(2 + 3 * 64, 2 + 4 * 64)}`)
    }
    expect(await baseFee({})).toBe(0n)
    expect(await baseFee({ from: alice, gas: '0x186a0', maxFeePerGas: '0x989680' })).toBe(BigInt(baseFeePerGas))
  })

  it('refuses a price below the base fee, and gas that the caller cannot pay', async () => {
    expect(await world.ask('eth_call', [{ from: alice, to: bob, gas: '0x5208', maxFeePerGas: '0x1' }])).toMatchObject({
      error: { code: -32000, message: expect.stringContaining('less than block base fee') as string },
    })
    expect(await world.ask('eth_call', [{ from: bob, to: alice, gas: '0x5208', gasPrice: '0x989680' }])).toMatchObject({
      error: { code: -32000, message: expect.stringContaining('insufficient funds for gas * price + value') as string },
    })
  })

  it('gives at most as much gas as the node allows', async () => {
    const capped = await RpcWorld.start({ limits: { gasCap: 100_000n } })
    try {
      for (const fields of [{}, { gas: '0x7fffffffffffffff' }]) {
        const left = await capped.call('eth_call', [{ to: bob, ...fields }, 'latest', withCode(CODE.gas)])
        expect(BigInt(left as string)).toBe(100_000n - 21_000n - 2n)
      }
    } finally {
      await capped.stop()
    }
  })

  it.each([
    ['a loop', CODE.loop],
    ['recursion without a loop', CODE.recursion],
  ])('ends %s when its time is up, and the node answers others meanwhile', async (_what, code) => {
    const short = await RpcWorld.start({ limits: { gasCap: 10n ** 12n, evmTimeoutMs: 1_500 } })
    try {
      let ended = false
      const endless = short.ask('eth_call', [{ to: bob }, 'latest', withCode(code)]).finally(() => (ended = true))
      expect(await short.call('eth_blockNumber')).toBe('0x0')
      expect(ended).toBe(false)
      expect(await endless).toMatchObject({
        error: { code: -32000, message: expect.stringContaining('execution aborted (timeout = 1.5s)') as string },
      })
      expect(await short.call('eth_call', [{ to: bob }, 'latest', withCode(CODE.reader)])).toBe(word(0))
    } finally {
      await short.stop()
    }
  })

  it('tells a revert with its reason and data', async () => {
    expect(await world.ask('eth_call', [{ to: bob }, 'latest', withCode(CODE.reverter)])).toMatchObject({
      error: { code: 3, message: 'execution reverted: no', data: expect.stringMatching(/^0x08c379a0/) as string },
    })
  })

  it('runs by an authorization (EIP-7702), which eth_estimateGas counts', async () => {
    const authorizationList = [{ chainId: '0x0', address: alice, nonce: '0x0', yParity: '0x0', r: word(1), s: word(2) }]
    const plain = await world.call('eth_estimateGas', [{ from: alice, to: bob }])
    const more = await world.call('eth_estimateGas', [{ from: alice, to: bob, authorizationList }])
    expect(BigInt(more as string) - BigInt(plain as string)).toBe(25_000n)
    expect(await world.ask('eth_call', [{ from: alice, authorizationList }])).toMatchObject({ error: { code: -32000 } })
    expect(await world.ask('eth_call', [{ to: bob, authorizationList: [] }])).toMatchObject({ error: { code: -32602 } })
  })

  it('refuses blobs, which this chain does not have', async () => {
    expect(await world.ask('eth_call', [{ to: bob, blobVersionedHashes: [word(1)] }])).toMatchObject({
      error: { code: -32602, message: 'blob transactions are refused on this chain' },
    })
  })
})

describe('eth_createAccessList', () => {
  it('lists slots and foreign accounts, and what the call costs with them', async () => {
    const counter = await world.deploy(CODE.counter)
    const caller = await world.deploy(callerOf(counter))
    const { accessList, gasUsed } = (await world.call('eth_createAccessList', [{ from: alice, to: caller }])) as {
      accessList: { address: string; storageKeys: string[] }[]
      gasUsed: Hex
    }
    expect(accessList).toEqual([{ address: counter, storageKeys: [word(0)] }])
    const tx = world.sign({ to: caller })
    await world.chain.mine({ transactions: [tx] })
    const { gasUsed: without } = (await world.call('eth_getTransactionReceipt', [toHex(tx.hash())])) as { gasUsed: Hex }
    // 2,400 and 1,900 for the list; 2,500 and 2,000 less for touching what is warm.
    expect(BigInt(gasUsed)).toBe(BigInt(without) + 4_300n - 4_500n)
    expect(await world.call('eth_createAccessList', [{ from: alice, to: bob, value: '0x1' }])).toEqual({
      accessList: [],
      gasUsed: '0x5208',
    })
  })
})

describe('eth_fillTransaction', () => {
  it('gives what the caller left out', async () => {
    const nonce = await world.call('eth_getTransactionCount', [alice, 'pending'])
    const { tx } = (await world.call('eth_fillTransaction', [{ from: alice, to: bob, value: '0x1' }])) as {
      tx: Record<string, unknown>
    }
    expect(tx).toMatchObject({
      type: '0x2',
      nonce,
      gas: '0x5208',
      to: bob,
      value: '0x1',
      chainId: '0x480b',
      input: '0x',
    })
    expect(BigInt(tx['maxFeePerGas'] as string)).toBeGreaterThan(BigInt(tx['maxPriorityFeePerGas'] as string))
  })
})

describe('eth_simulateV1', () => {
  const simulate = (blockStateCalls: object[], options: object = {}) =>
    world.ask('eth_simulateV1', [{ blockStateCalls, ...options }, 'latest'])
  type Block = { number: Hex; hash: Hex; parentHash: Hex; calls: { status: Hex; returnData: Hex; logs: unknown[] }[] }

  it('runs blocks one on top of the other, and BLOCKHASH sees those before', async () => {
    const head = (await world.call('eth_getBlockByNumber', ['latest', false])) as { number: Hex; hash: Hex }
    const next = BigInt(head.number) + 1n
    const { result } = await simulate([
      {
        stateOverrides: { [bob]: { code: CODE.blockhash } },
        calls: [{ to: bob, input: word(BigInt(head.number)) }],
      },
      { blockOverrides: { number: `0x${(next + 2n).toString(16)}` }, calls: [{ to: bob, input: word(next) }] },
    ])
    const blocks = result as Block[]
    expect(blocks.map(({ number }) => BigInt(number))).toEqual([next, next + 1n, next + 2n])
    expect(blocks[0]?.parentHash).toBe(head.hash)
    expect(blocks[0]?.calls[0]?.returnData).toBe(head.hash)
    expect(blocks[2]?.calls[0]?.returnData).toBe(blocks[0]?.hash)
    expect(blocks[2]?.parentHash).toBe(blocks[1]?.hash)
    expect(await world.call('eth_getBlockByNumber', ['latest', false])).toMatchObject({ hash: head.hash })
  })

  it('tells transfers as logs on demand, with the places of logs in the block', async () => {
    const stateOverrides = { [alice]: { balance: '0x10' } }
    const calls = [{ from: alice, to: bob, value: '0x1' }]
    const logsOf = (answer: { result?: unknown }) => (answer.result as Block[])[0]?.calls[0]?.logs
    expect(logsOf(await simulate([{ stateOverrides, calls }]))).toEqual([])
    expect(logsOf(await simulate([{ stateOverrides, calls }], { traceTransfers: true }))).toMatchObject([
      { address: `0x${'ee'.repeat(20)}`, data: word(1), logIndex: '0x0' },
    ])
  })

  it.each([
    ['no block', [], {}, -32602],
    ['numbers that go back', [{ blockOverrides: { number: '0x0' } }], {}, -38020],
    ['too many blocks', [{ blockOverrides: { number: '0xfffff' } }], {}, -38026],
    ['times that go back', [{ blockOverrides: { time: '0x1' } }], {}, -38021],
    [
      'a nonce that is used up',
      [{ calls: [{ from: alice, to: bob, nonce: '0x0', maxFeePerGas: '0xf4240' }] }],
      { validation: true },
      -38010,
    ],
    [
      'a nonce that is too high',
      [{ calls: [{ from: alice, to: bob, nonce: '0xffff', maxFeePerGas: '0xf4240' }] }],
      { validation: true },
      -38011,
    ],
    ['a price below the base fee', [{ calls: [{ from: alice, to: bob }] }], { validation: true }, -38012],
    ['gas below the intrinsic', [{ calls: [{ from: alice, to: bob, gas: '0x1' }] }], {}, -38013],
    [
      'what the caller cannot pay',
      [{ calls: [{ from: bob, to: alice, value: `0x${RICH.toString(16)}` }] }],
      {},
      -38014,
    ],
    ['more gas than the block has', [{ calls: [{ to: bob, gas: '0xfffffffff' }] }], {}, -38015],
    ['too long init code', [{ calls: [{ from: alice, input: `0x${'00'.repeat(49_153)}` }] }], {}, -38025],
  ])('refuses %s', async (_what, blocks, options, code) => {
    expect(await simulate(blocks, options)).toMatchObject({ error: { code } })
  })

  it('goes on after a call that fails', async () => {
    const { result } = await simulate([
      {
        stateOverrides: { [bob]: { code: CODE.reverter } },
        calls: [{ to: bob }, { from: alice, to: alice }],
      },
    ])
    expect((result as Block[])[0]?.calls).toMatchObject([
      { status: '0x0', error: { code: 3, message: 'execution reverted: no' } },
      { status: '0x1' },
    ])
  })
})
