import { RLP } from '@ethereumjs/rlp'
import { EmbeddedChain } from '@hawser/bitcoin/embedded'
import { bitcoinLightClientAbi, systemContracts } from '@hawser/contracts'
import { concatBytes, fromHex, keccak256, toHex, uintBE, type Hex } from '@hawser/primitives'
import { encodeFunctionData } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alice, bob, CODE, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
let counter: Hex
beforeAll(async () => {
  world = await RpcWorld.start()
  counter = await world.deploy(CODE.counter)
  await world.chain.mine({ transactions: [world.sign({ to: counter as never }), world.legacy({ to: bob, value: 3n })] })
})
afterAll(() => world.stop())

const SLOT = toHex(uintBE(0, 32))
const NOBODY = `0x${'77'.repeat(20)}`

/** Whether each node is named by the one above it, from a root down. */
function expectChained(root: Hex, nodes: readonly Hex[]): void {
  let above = root as string
  for (const node of nodes) {
    expect(above).toContain(toHex(keccak256(fromHex(node))).slice(2))
    above = node
  }
}

describe('state', () => {
  it('is read at any block, by tag, number, hash and EIP-1898 object', async () => {
    const { hash } = (await world.call('eth_getBlockByNumber', ['0x1'])) as { hash: Hex }
    const value = (block: unknown) => world.call('eth_getStorageAt', [counter, '0x0', block])
    expect(await value('latest')).toBe(toHex(uintBE(1, 32)))
    expect(await value('pending')).toBe(toHex(uintBE(1, 32)))
    for (const block of ['0x1', hash, { blockNumber: '0x1' }, { blockHash: hash, requireCanonical: true }])
      expect(await value(block)).toBe(SLOT)
    expect(await world.call('eth_getCode', [counter, 'latest'])).toBe(CODE.counter)
    expect(await world.call('eth_getCode', [counter, 'earliest'])).toBe('0x')
    expect(await world.call('eth_getBalance', [bob])).toBe('0x3')
    expect(await world.call('eth_getTransactionCount', [alice])).toBe('0x3')
  })

  it('is proven: accounts and slots that are there, and those that are not', async () => {
    const { stateRoot } = (await world.call('eth_getBlockByNumber', ['latest'])) as { stateRoot: Hex }
    const proof = (await world.call('eth_getProof', [counter, [SLOT, '0x1'], 'latest'])) as {
      accountProof: Hex[]
      storageHash: Hex
      codeHash: Hex
      balance: Hex
      nonce: Hex
      storageProof: { key: string; value: Hex; proof: Hex[] }[]
    }
    expectChained(stateRoot, proof.accountProof)
    expect(proof).toMatchObject({
      nonce: '0x1',
      balance: '0x0',
      codeHash: toHex(keccak256(fromHex(CODE.counter))),
      storageProof: [
        { key: SLOT, value: '0x1' },
        { key: '0x1', value: '0x0' },
      ],
    })
    // The leaf holds the account: nonce, balance, storage root, code hash.
    const leaf = RLP.decode(fromHex(proof.accountProof.at(-1) as Hex)) as Uint8Array[]
    expect(toHex(leaf[1] as Uint8Array)).toBe(
      toHex(RLP.encode([Uint8Array.of(1), new Uint8Array(), fromHex(proof.storageHash), fromHex(proof.codeHash)])),
    )
    expectChained(proof.storageHash, proof.storageProof[0]?.proof ?? [])
    const absent = (await world.call('eth_getProof', [NOBODY, [], 'latest'])) as typeof proof
    expectChained(stateRoot, absent.accountProof)
    expect(absent).toMatchObject({ nonce: '0x0', balance: '0x0', storageProof: [] })
  })

  it('is read slot by slot for many accounts at once', async () => {
    expect(await world.call('eth_getStorageValues', [{ [counter]: [SLOT, '0x1'], [NOBODY]: ['0x0'] }])).toEqual({
      [counter]: [toHex(uintBE(1, 32)), SLOT],
      [NOBODY]: [SLOT],
    })
    expect(await world.ask('eth_getStorageValues', [{ [counter]: [] }])).toMatchObject({ error: { code: -32602 } })
    expect(await world.ask('eth_getStorageValues', [{ [counter]: Array(1_025).fill('0x0') }])).toMatchObject({
      error: { code: -38026 },
    })
  })
})

describe('blocks', () => {
  it('come raw as they hash', async () => {
    const { hash, transactions } = (await world.call('eth_getBlockByNumber', ['0x2'])) as {
      hash: Hex
      transactions: Hex[]
    }
    const header = (await world.call('debug_getRawHeader', ['0x2'])) as Hex
    expect(toHex(keccak256(fromHex(header)))).toBe(hash)
    expect(await world.call('debug_getRawBlock', ['0x2'])).toContain(header.slice(2))
    for (const transaction of transactions) {
      const raw = (await world.call('debug_getRawTransaction', [transaction])) as Hex
      expect(toHex(keccak256(fromHex(raw)))).toBe(transaction)
      expect(await world.call('eth_getRawTransactionByHash', [transaction])).toBe(raw)
    }
    expect(await world.call('debug_getRawReceipts', ['0x2'])).toHaveLength(2)
    expect(await world.call('debug_getBadBlocks')).toEqual([])
  })

  it('tell what fees were', async () => {
    const history = (await world.call('eth_feeHistory', ['0x2', 'latest', [0, 50, 100]])) as {
      oldestBlock: Hex
      baseFeePerGas: Hex[]
      reward: Hex[][]
      gasUsedRatio: number[]
    }
    expect(history.oldestBlock).toBe('0x1')
    expect(history.baseFeePerGas).toHaveLength(3)
    expect(history.baseFeePerGas[2]).toBe(await world.call('eth_baseFee'))
    const { gasUsed, gasLimit } = (await world.call('eth_getBlockByNumber', ['0x2'])) as Record<string, Hex>
    expect(history.gasUsedRatio[1]).toBeCloseTo(Number(gasUsed) / Number(gasLimit), 12)
    // The legacy transfer pays its whole price above the base fee; the other one its tip.
    expect(history.reward[1]?.[0]).toBe('0x7a120')
    expect(BigInt(history.reward[1]?.[2] ?? 0)).toBe(10_000_000n - BigInt(history.baseFeePerGas[1] ?? 0))
  })

  it('are described: forks, what is kept, what is not', async () => {
    expect(await world.call('eth_config')).toMatchObject({
      current: { activationTime: 0, chainId: '0x480b', precompiles: { ECREC: `0x${'1'.padStart(40, '0')}` } },
      next: null,
      last: null,
    })
    expect(await world.call('eth_capabilities')).toMatchObject({
      head: { number: await world.call('eth_blockNumber') },
      state: { disabled: false, oldestBlock: '0x0' },
    })
    expect(await world.ask('eth_getBlockAccessList', ['latest'])).toMatchObject({ error: { code: -32001 } })
    expect(await world.call('eth_getBlockAccessList', ['0xffff'])).toBeNull()
    expect(await world.ask('debug_getRawBlockAccessList', ['latest'])).toMatchObject({ error: { code: -32001 } })
    expect(await world.call('eth_getUncleByBlockNumberAndIndex', ['latest', '0x0'])).toBeNull()
  })

  it('with news from Bitcoin are traced like any other', async () => {
    const bitcoin = new EmbeddedChain({ clock: world.chain.clock })
    bitcoin.mine(2, Uint8Array.of(0x51))
    const headers = concatBytes(...[1, 2].map((height) => bitcoin.atHeight(height)?.header.raw ?? new Uint8Array()))
    const data = fromHex(
      encodeFunctionData({ abi: bitcoinLightClientAbi, functionName: 'submitHeaders', args: [toHex(headers)] }),
    )
    const to = systemContracts.bitcoinLightClient
    await world.chain.mine({
      inherents: [{ to, data, gasLimit: 5_000_000n, label: 'headers' }],
      transactions: [world.legacy({ to: bob })],
    })
    const traces = (await world.call('debug_traceBlockByNumber', ['latest', { tracer: 'callTracer' }])) as {
      result: { to: string; gasUsed: string }
    }[]
    const receipts = (await world.call('eth_getBlockReceipts', ['latest'])) as { gasUsed: string }[]
    expect(traces.map(({ result }) => result)).toMatchObject([{ to }, { to: bob }])
    expect(traces.map(({ result }) => result.gasUsed)).toEqual(receipts.map(({ gasUsed }) => gasUsed))
  })
})
