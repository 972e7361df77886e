import { once } from 'node:events'
import { toHex } from '@hawser/primitives'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { bob, CODE, RpcWorld } from './rpc-world.ts'

let world: RpcWorld
beforeAll(async () => {
  world = await RpcWorld.start()
})
afterAll(() => world.stop())

interface Message {
  readonly id?: number
  readonly result?: unknown
  readonly params?: { readonly subscription: string; readonly result: Record<string, unknown> }
}

/** A client whose messages are read one after the other. */
class Client {
  readonly #socket = new WebSocket(world.url.replace('http', 'ws'))
  readonly #messages: Message[] = []
  readonly #waiting: ((message: Message) => void)[] = []

  static async open(): Promise<Client> {
    const client = new Client()
    client.#socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Message
      const next = client.#waiting.shift()
      if (next) next(message)
      else client.#messages.push(message)
    })
    await once(client.#socket, 'open')
    return client
  }

  next(): Promise<Message> {
    const message = this.#messages.shift()
    return message ? Promise.resolve(message) : new Promise((resolve) => this.#waiting.push(resolve))
  }

  async ask(method: string, ...params: unknown[]): Promise<unknown> {
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
    return (await this.next()).result
  }

  close(): void {
    this.#socket.terminate()
  }
}

describe('eth_subscribe', () => {
  it('tells new blocks, and no longer after eth_unsubscribe', async () => {
    const client = await Client.open()
    const subscription = await client.ask('eth_subscribe', 'newHeads')
    const { block } = await world.chain.mine()
    expect(await client.next()).toMatchObject({
      method: 'eth_subscription',
      params: { subscription, result: { hash: toHex(block.hash()), number: `0x${block.header.number.toString(16)}` } },
    })
    expect(await client.ask('eth_unsubscribe', subscription)).toBe(true)
    await world.chain.mine()
    expect(await client.ask('eth_unsubscribe', subscription)).toBe(false)
    client.close()
  })

  it('tells logs, takes those of an abandoned fork back as removed, and polling filters hear the same', async () => {
    const counter = await world.deploy(CODE.counter)
    const client = await Client.open()
    const filter = await world.call('eth_newFilter', [{ address: counter }])
    await client.ask('eth_subscribe', 'logs', { address: counter })
    const parent = world.chain.head()
    const tx = world.sign({ to: counter })
    const { block } = await world.chain.mine({ transactions: [tx] })
    const blockHash = toHex(block.hash())
    expect((await client.next()).params?.result).toMatchObject({ blockHash, removed: false, address: counter })
    // Two blocks beside it are the longer fork.
    const { sealed } = await world.chain.build({ parent, skipSlots: 1 })
    await world.chain.importer.import(sealed, 'gossip')
    const second = await world.chain.build({ parent: sealed })
    await world.chain.importer.import(second.sealed, 'gossip')
    expect((await client.next()).params?.result).toMatchObject({ blockHash, removed: true, address: counter })
    expect(await world.call('eth_getFilterChanges', [filter])).toMatchObject([
      { blockHash, removed: false },
      { blockHash, removed: true },
    ])
    expect(await world.call('eth_getFilterChanges', [filter])).toEqual([])
    expect(await world.call('eth_getFilterLogs', [filter])).toEqual([])
    expect(await world.call('eth_uninstallFilter', [filter])).toBe(true)
    expect(await world.ask('eth_getFilterChanges', [filter])).toMatchObject({ error: { message: 'filter not found' } })
    await world.chain.mine({ transactions: [tx] })
    client.close()
  })

  it('tells transactions that come into the pool, whole or by hash', async () => {
    const client = await Client.open()
    const hashes = await client.ask('eth_subscribe', 'newPendingTransactions')
    const filter = await world.call('eth_newPendingTransactionFilter')
    const tx = world.sign({ to: bob, value: 1n, gasLimit: 21_000n })
    const hash = await world.call('eth_sendRawTransaction', [toHex(tx.serialize())])
    expect((await client.next()).params).toEqual({ subscription: hashes, result: hash })
    expect(await world.call('eth_getFilterChanges', [filter])).toEqual([hash])
    expect(await world.call('eth_getTransactionByHash', [hash])).toMatchObject({ hash, blockHash: null })
    expect(await world.call('txpool_status')).toEqual({ pending: '0x1', queued: '0x0' })
    expect(await world.call('txpool_contentFrom', [tx.getSenderAddress().toString()])).toMatchObject({
      pending: { [tx.nonce.toString()]: { hash } },
      queued: {},
    })
    expect(await world.call('txpool_inspect')).toMatchObject({
      pending: {
        [tx.getSenderAddress().toString()]: {
          [tx.nonce.toString()]: `${bob}: 1 wei + 21000 gas × 10000000 wei`,
        },
      },
    })
    client.close()
  })

  it('knows syncing, and says what there is for anything else', async () => {
    const client = await Client.open()
    expect(await client.ask('eth_subscribe', 'syncing')).toMatch(/^0x/)
    client.close()
    expect(await world.ask('eth_subscribe', ['newHeads'])).toMatchObject({ error: { code: -32000 } })
  })

  it('hears nothing of those who have gone', async () => {
    const client = await Client.open()
    await client.ask('eth_subscribe', 'newHeads')
    client.close()
    await world.chain.mine()
    expect(await world.call('eth_syncing')).toBe(false)
  })
})

describe('a batch', () => {
  it('of transactions is taken whole, each answered in its place', async () => {
    const transactions = Array.from({ length: 50 }, () => world.sign({ to: bob, value: 1n, gasLimit: 21_000n }))
    const batch = [
      { jsonrpc: '2.0', id: 'a', method: 'eth_chainId' },
      ...transactions.map((tx, id) => ({
        jsonrpc: '2.0',
        id,
        method: 'eth_sendRawTransaction',
        params: [toHex(tx.serialize())],
      })),
    ]
    const answers = (await world.post(batch)) as unknown as { id: unknown; result: string }[]
    expect(answers.map(({ id }) => id)).toEqual(['a', ...transactions.keys()])
    expect(answers.slice(1).map(({ result }) => result)).toEqual(transactions.map((tx) => toHex(tx.hash())))
  })
})
