import { createEOACode7702Tx, type TypedTransaction } from '@ethereumjs/tx'
import { fromHex, toHex, uintBE, type Hex } from '@hawser/primitives'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testAddress, testKey } from '../kit/index.ts'
import { alice, bob, CODE, deploying, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
beforeAll(async () => {
  world = await RpcWorld.start()
})
afterAll(() => world.stop())

interface Receipt {
  readonly gasUsed: Hex
  readonly status: Hex
  readonly logs: readonly { readonly address: Hex; readonly topics: readonly Hex[]; readonly data: Hex }[]
}

const FEES = { maxFeePerGas: '0x989680', maxPriorityFeePerGas: '0x7a120' }
const quantity = (value: bigint): Hex => `0x${value.toString(16)}`

/** The call that a transaction is, as eth_simulateV1 takes it. */
function callOf(tx: TypedTransaction, more: object = {}) {
  return {
    from: alice,
    ...(tx.to ? { to: tx.to.toString() } : {}),
    nonce: quantity(tx.nonce),
    gas: quantity(tx.gasLimit),
    value: quantity(tx.value),
    input: toHex(tx.data),
    ...FEES,
    ...more,
  }
}

/** What receipts and simulated calls have in common. */
function essence({ gasUsed, status, logs }: Receipt) {
  return { gasUsed, status, logs: logs.map(({ address, topics, data }) => ({ address, topics, data })) }
}

/** Simulates calls, mines them as transactions, and expects the same of both. */
async function expectSame(transactions: readonly TypedTransaction[], calls: readonly object[]): Promise<Receipt[]> {
  const [block] = (await world.call('eth_simulateV1', [
    { blockStateCalls: [{ calls }], validation: true },
    'latest',
  ])) as { calls: Receipt[]; baseFeePerGas: Hex; number: Hex }[]
  await world.chain.mine({ transactions })
  const receipts = (await world.call('eth_getBlockReceipts', ['latest'])) as Receipt[]
  expect(receipts).toHaveLength(transactions.length)
  expect(block?.calls.map(essence)).toEqual(receipts.map(essence))
  expect(await world.call('eth_getBlockByNumber', ['latest'])).toMatchObject({
    number: block?.number,
    baseFeePerGas: block?.baseFeePerGas,
  })
  return receipts
}

describe('a simulated block', () => {
  it('comes to what the same transactions come to when they are mined', async () => {
    const counter = await world.deploy(CODE.counter)
    const toggle = await world.deploy(CODE.toggle)
    const destroyer = await world.deploy(CODE.destroyer)
    const reverter = await world.deploy(CODE.reverter)
    const loop = await world.deploy(CODE.loop)
    const transactions = [
      world.sign({ to: bob, value: 7n }),
      world.sign({ to: counter }),
      world.sign({ to: toggle, data: '0x01' }),
      // Clears the slot: a refund.
      world.sign({ to: toggle }),
      world.sign({ to: destroyer }),
      world.sign({ to: reverter }),
      world.sign({ to: loop, gasLimit: 60_000n }),
      world.sign({ data: deploying(CODE.gas) }),
      // Runs and destroys itself where it is made.
      world.sign({ data: CODE.destroyer }),
      // EIP-7623: the floor for data is more than its execution.
      world.sign({ to: bob, data: `0x${'11'.repeat(2_000)}` }),
    ]
    const receipts = await expectSame(
      transactions,
      transactions.map((tx) => callOf(tx)),
    )
    expect(receipts.map(({ status }) => status)).toEqual([
      '0x1',
      '0x1',
      '0x1',
      '0x1',
      '0x1',
      '0x0',
      '0x0',
      '0x1',
      '0x1',
      '0x1',
    ])
    expect(receipts.at(-1)?.gasUsed).toBe(quantity(21_000n + 10n * 4n * 2_000n))
  })

  it('runs authorizations as signed transactions do (EIP-7702), and gives back what is known', async () => {
    const counter = await world.deploy(CODE.counter)
    const carol = privateKeyToAccount(toHex(testKey('carol')))
    const dave = privateKeyToAccount(toHex(testKey('dave')))
    // Carol's account exists, dave's does not.
    await world.chain.mine({ transactions: [world.sign({ to: testAddress('carol'), value: 1n })] })
    const authorizations = await Promise.all(
      [carol, dave].map((account) => account.signAuthorization({ chainId: 18443, contractAddress: counter, nonce: 0 })),
    )
    // A wrong nonce: passed over, but paid for.
    authorizations.push(await carol.signAuthorization({ chainId: 18443, contractAddress: counter, nonce: 5 }))
    const list = authorizations.map(({ chainId, address, nonce, yParity, r, s }) => ({
      chainId: quantity(BigInt(chainId)),
      address,
      nonce: quantity(BigInt(nonce)),
      yParity: quantity(BigInt(yParity ?? 0)),
      r,
      s,
    }))
    const blank = world.sign({ to: testAddress('carol') })
    const bytes = (value: bigint) =>
      value === 0n ? new Uint8Array() : uintBE(value, Math.ceil(value.toString(16).length / 2))
    const tx = createEOACode7702Tx(
      {
        chainId: 18443n,
        nonce: blank.nonce,
        gasLimit: blank.gasLimit,
        maxFeePerGas: BigInt(FEES.maxFeePerGas),
        maxPriorityFeePerGas: BigInt(FEES.maxPriorityFeePerGas),
        to: testAddress('carol'),
        authorizationList: list.map(
          (item): [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array] => [
            bytes(BigInt(item.chainId)),
            fromHex(item.address),
            bytes(BigInt(item.nonce)),
            bytes(BigInt(item.yParity)),
            bytes(BigInt(item.r)),
            bytes(BigInt(item.s)),
          ],
        ),
      },
      { common: world.chain.common },
    ).sign(testKey('alice'))
    const [receipt] = await expectSame([tx], [callOf(tx, { authorizationList: list })])
    // Carol's account runs the counter's code: its log is there.
    expect(receipt?.logs).toMatchObject([{ address: testAddress('carol') }])
    expect(await world.call('eth_getCode', [dave.address, 'latest'])).toBe(`0xef0100${counter.slice(2)}`)
    const trace = (await world.call('debug_traceTransaction', [
      toHex(tx.hash()),
      { tracer: 'prestateTracer', tracerConfig: { diffMode: true } },
    ])) as { post: Record<string, { code?: Hex }> }
    expect(trace.post[testAddress('dave')]?.code).toBe(`0xef0100${counter.slice(2)}`)
  })

  it('takes the gas of all its calls from what the node allows for one simulation', async () => {
    const small = await RpcWorld.start({ limits: { gasCap: 100_000n } })
    try {
      const calls = Array(5).fill({ to: bob })
      const { result, error } = await small.ask('eth_simulateV1', [
        { blockStateCalls: [{ stateOverrides: { [bob]: { code: CODE.gas } }, calls: calls.slice(0, 2) }] },
      ])
      expect(error).toBeUndefined()
      const [first, second] = (result as { calls: { returnData: Hex; gasUsed: Hex }[] }[])[0]?.calls ?? []
      expect(BigInt(first?.returnData ?? 0) - BigInt(second?.returnData ?? 0)).toBe(BigInt(first?.gasUsed ?? 0))
      expect(await small.ask('eth_simulateV1', [{ blockStateCalls: [{ calls }] }])).toMatchObject({
        error: { code: -38013 },
      })
    } finally {
      await small.stop()
    }
  })
})
