import { connect } from 'node:net'
import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import type { RpcServerOptions } from '@hawser/rpc'
import { bob, CODE, RpcWorld, type Answer } from './rpc-world.ts'

let world: RpcWorld | undefined
afterEach(() => world?.stop())

async function start(options: Partial<RpcServerOptions> = {}): Promise<RpcWorld> {
  world = await RpcWorld.start(options)
  return world
}

const blockNumber = { jsonrpc: '2.0', id: 1, method: 'eth_blockNumber', params: [] }

/** A raw request, as fetch would not send it. */
function raw(
  port: number,
  headers: Record<string, string>,
  method = 'POST',
): Promise<{ status: number; headers: object; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', method, headers }, (response) => {
      let body = ''
      response.on('data', (part: Buffer) => (body += part.toString()))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    request.on('error', reject)
    request.end(method === 'POST' ? JSON.stringify(blockNumber) : undefined)
  })
}

describe('the endpoint', () => {
  it('answers to localhost, IP addresses and the names that it was given, and to no other', async () => {
    const { server } = await start({ vhosts: ['node.example'] })
    const status = async (host: string) => (await raw(server.port, { host })).status
    for (const host of ['localhost', 'localhost:8545', '127.0.0.1:8545', '[::1]:8545', 'Node.Example:443'])
      expect(await status(host), host).toBe(200)
    for (const host of ['attacker.example', 'localhost.attacker.example', 'node.example.attacker.example'])
      expect(await status(host), host).toBe(403)
    const { body } = await raw(server.port, { host: 'attacker.example' })
    expect(body).toMatch(/host not allowed: \\"attacker.example\\"; add it to --rpc-vhosts/)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}`, { headers: { host: 'attacker.example' } })
    await expect(once(socket, 'open')).rejects.toThrow('403')
  })

  it('lets web pages read of the origins that it was given, and of no other', async () => {
    const { server } = await start({ corsOrigins: ['https://app.example'] })
    const good = await raw(server.port, { origin: 'https://app.example' })
    expect(good).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': 'https://app.example' } })
    const bad = await raw(server.port, { origin: 'https://attacker.example' })
    expect(bad.status).toBe(403)
    expect(bad.headers).not.toHaveProperty('access-control-allow-origin')
    const asked = await raw(server.port, { origin: 'https://attacker.example' }, 'OPTIONS')
    expect(asked.headers).not.toHaveProperty('access-control-allow-origin')
    expect((await raw(server.port, {})).status).toBe(200)
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}`, { origin: 'https://attacker.example' })
    await expect(once(socket, 'open')).rejects.toThrow('403')
  })

  it('serves the namespaces that it was given, and no other', async () => {
    const node = await start({ api: ['eth', 'net'] })
    expect(await node.call('eth_chainId')).toBe('0x480b')
    expect(await node.call('net_version')).toBe('18443')
    for (const method of ['debug_traceCall', 'txpool_status', 'web3_clientVersion', 'testing_buildBlockV1'])
      expect(await node.ask(method)).toMatchObject({ error: { code: -32601 } })
  })

  it('has no namespace that its backend has not', async () => {
    const node = await start()
    for (const method of ['bridge_getReserves', 'btc_getStatus', 'finality_getStatus', 'testing_buildBlockV1'])
      expect(await node.ask(method)).toMatchObject({ error: { code: -32601 } })
  })

  it('refuses bodies, batches and answers beyond its limits', async () => {
    const node = await start({ limits: { maxBodyBytes: 1_000, maxBatch: 3, maxResponseChars: 2_000 } })
    const large = await fetch(node.url, { method: 'POST', body: ' '.repeat(1_001) })
    expect(large.status).toBe(413)
    expect(await node.post(Array(4).fill(blockNumber))).toMatchObject({
      error: { code: -32600, message: 'batch too large: at most 3 requests' },
    })
    const answers = (await node.post(
      Array(3).fill({ jsonrpc: '2.0', id: 1, method: 'eth_getBlockByNumber', params: ['0x0'] }),
    )) as Answer[]
    expect(answers.map((answer) => answer.error?.code)).toEqual([undefined, -32005, -32005])
  })

  it('takes a body that comes in pieces, and one that never ends is cut off', async () => {
    const { server } = await start({ limits: { maxBodyBytes: 1_000 } })
    const body = JSON.stringify(blockNumber)
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`)
    socket.write(body.slice(5))
    expect(String(await once(socket, 'data'))).toContain('"result":"0x0"')
    socket.destroy()
    const endless = connect(server.port, '127.0.0.1')
    endless.on('error', () => undefined)
    endless.write('POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (let i = 0; i < 3; i++) endless.write(`200\r\n${'x'.repeat(512)}\r\n`)
    expect(String(await once(endless, 'data'))).toContain('413')
    endless.destroy()
  })

  it('refuses requests that are sent ahead beyond its limit on one connection, and bodies beyond what it holds', async () => {
    const { server, url } = await start({
      limits: { maxConnectionRequests: 2, maxBodyBytes: 1_000, evmTimeoutMs: 300, gasCap: 10n ** 12n },
    })
    const slow = JSON.stringify({
      id: 1,
      method: 'eth_call',
      params: [{ to: bob }, 'latest', { [bob]: { code: CODE.loop } }],
    })
    const socket = connect(server.port, '127.0.0.1')
    let received = ''
    socket.on('data', (part: Buffer) => (received += part.toString()))
    const closed = once(socket, 'close')
    for (let i = 0; i < 3; i++)
      socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${slow.length}\r\n\r\n${slow}`)
    await closed
    expect(received.match(/HTTP\/1.1 (\d+)/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 429'])

    const holding = Array.from({ length: 20 }, () => {
      const waiting = connect(server.port, '127.0.0.1')
      waiting.on('error', () => undefined)
      waiting.write(`POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n${' '.repeat(999)}`)
      return waiting
    })
    const answers = holding.map(async (waiting) => String(await once(waiting, 'data')))
    expect(await Promise.race(answers)).toContain('503')
    for (const waiting of holding) waiting.destroy()
    await Promise.allSettled(answers.map((answer) => Promise.race([answer, Promise.resolve()])))
    const again = await fetch(url, { method: 'POST', body: JSON.stringify(blockNumber) })
    expect(again.status).toBe(200)
  })

  it('names a range of blocks for logs that would do', async () => {
    const node = await start({ limits: { maxLogBlocks: 2, maxLogResults: 1 } })
    const counter = await node.deploy(CODE.counter)
    await node.chain.mine({ transactions: [node.sign({ to: counter })] })
    await node.chain.mine({ transactions: [node.sign({ to: counter })] })
    expect(await node.ask('eth_getLogs', [{ fromBlock: '0x0', toBlock: '0x3' }])).toMatchObject({
      error: {
        code: -32005,
        message: 'query covers 4 blocks, at most 2 are allowed; ask again with {"fromBlock":"0x0","toBlock":"0x1"}',
      },
    })
    const { error } = await node.ask('eth_getLogs', [{ fromBlock: '0x2', toBlock: '0x3' }])
    expect(error).toMatchObject({ code: -32005 })
    const would = JSON.parse(/\{.*\}/.exec(error?.message ?? '')?.[0] ?? '') as object
    expect(await node.call('eth_getLogs', [would])).toHaveLength(1)
  })

  it('begins only so many traces a second for one client', async () => {
    const node = await start({ limits: { maxTracesPerSecond: 2 } })
    const answers = await Promise.all(Array.from({ length: 8 }, () => node.ask('debug_traceCall', [{ to: bob }])))
    const refused = answers.filter(({ error }) => error?.code === -32005)
    // The second may turn in between.
    expect(refused.length).toBeGreaterThanOrEqual(4)
    expect(refused[0]?.error?.message).toMatch(/at most 2 traces/)
  })
})

describe('a WebSocket', () => {
  async function open(node: RpcWorld): Promise<WebSocket> {
    const socket = new WebSocket(node.url.replace('http', 'ws'))
    await once(socket, 'open')
    return socket
  }

  it('answers only so many requests at the same time', async () => {
    const node = await start({ limits: { maxConnectionRequests: 2, evmTimeoutMs: 300, gasCap: 10n ** 12n } })
    const socket = await open(node)
    const answers: { id: number | null; error?: { code: number; message: string } }[] = []
    const done = new Promise<void>((resolve) =>
      socket.on('message', (data: Buffer) => {
        answers.push(JSON.parse(data.toString()) as (typeof answers)[0])
        if (answers.length === 3) resolve()
      }),
    )
    for (const id of [1, 2, 3])
      socket.send(
        JSON.stringify({ id, method: 'eth_call', params: [{ to: bob }, 'latest', { [bob]: { code: CODE.loop } }] }),
      )
    await done
    expect(answers[0]).toMatchObject({ id: null, error: { code: -32005 } })
    socket.terminate()
  })

  it('that does not read is cut off, and the node keeps little of what it missed', async () => {
    const node = await start({ limits: { maxSocketBufferBytes: 100_000 } })
    const socket = await open(node)
    const closed = once(socket, 'close')
    socket.pause()
    // Genesis takes some kilobytes; a client that never reads asks for it again and again.
    const request = JSON.stringify({ id: 1, method: 'eth_getBlockByNumber', params: ['0x0', true] })
    const ask = setInterval(() => {
      for (let i = 0; i < 50 && socket.readyState === WebSocket.OPEN; i++) socket.send(request)
    }, 1)
    const gone = once(socket as unknown as NodeJS.EventEmitter, 'error').catch(() => undefined)
    await Promise.race([closed, gone, serverForgets(node)])
    clearInterval(ask)
    socket.terminate()
    expect(await node.call('eth_blockNumber')).toBe('0x0')
  })

  /** Until the server has no WebSocket any more. */
  async function serverForgets(node: RpcWorld): Promise<void> {
    while (node.server.socketCount > 0) await new Promise((resolve) => setImmediate(resolve))
  }
})
