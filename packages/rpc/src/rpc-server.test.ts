import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import { RpcServer } from './rpc-server.ts'

/** What answers nothing but who it is: the sockets are at stake here, not the chain. */
const backend = {
  chain: { chainId: 18443n },
  clientVersion: 'test',
  logger: silentLogger,
  syncTarget: () => undefined,
  onHead: () => () => undefined,
  onFinalized: () => () => undefined,
  onPendingTransaction: () => () => undefined,
} as unknown as RpcBackend

const sockets: Socket[] = []
let server: RpcServer | undefined
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await server?.stop()
})

async function upgrade(port: number): Promise<Socket> {
  const { socket } = await handshake(port, 'Host: localhost')
  return socket
}

async function upgradeStatus(port: number, headers: string): Promise<number> {
  const { answer } = await handshake(port, headers)
  return Number(answer.split(' ')[1])
}

async function handshake(port: number, headers: string): Promise<{ socket: Socket; answer: string }> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write(
    `GET / HTTP/1.1\r\n${headers}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  const [data] = (await once(socket, 'data')) as [Buffer]
  return { socket, answer: data.toString() }
}

async function version(port: number): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'web3_clientVersion' }),
  })
  return ((await response.json()) as { result: unknown }).result
}

describe('RpcServer', () => {
  it('lives through malformed frames', async () => {
    server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0 })
    const socket = await upgrade(server.port)
    const gone = once(socket, 'close')
    socket.write(Buffer.from('ffffffff', 'hex'))
    await gone
    expect(await version(server.port)).toBe('test')
  })

  it('drops connections beyond its limit and keeps the others', async () => {
    server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0, limits: { maxConnections: 2 } })
    const kept = await upgrade(server.port)
    await upgrade(server.port)
    const surplus = connect(server.port, '127.0.0.1')
    sockets.push(surplus)
    await once(surplus.on('error', () => undefined).resume(), 'close')
    expect(kept.destroyed).toBe(false)
  })

  it('forgets what a closed connection had on its way, pipelined behind a slow request too', async () => {
    const slow = { ...backend, submit: () => new Promise(() => undefined) } as unknown as RpcBackend
    server = await RpcServer.start(slow, { host: '127.0.0.1', port: 0, limits: { maxBodyBytes: 1_000 } })
    const post = (body: string) => `POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    for (let i = 0; i < 2; i++) {
      const rude = connect(server.port, '127.0.0.1')
      sockets.push(rude)
      rude.write(post('{"id":1,"method":"eth_sendRawTransaction","params":["0x00"]}'))
      for (let j = 0; j < 15; j++) rude.write(post('{"id":1,"method":"web3_clientVersion"}'.padEnd(900)))
      // A request of its own is answered only when the server has read what came before.
      await version(server.port)
      rude.destroy()
      await version(server.port)
    }
    expect(await version(server.port)).toBe('test')
  })

  it('refuses a WebSocket of a host or web page that is not served by 403, one too many by 503', async () => {
    server = await RpcServer.start(backend, {
      host: '127.0.0.1',
      port: 0,
      corsOrigins: ['https://app.example'],
      limits: { maxSockets: 1 },
    })
    expect(await upgradeStatus(server.port, 'Host: evil.example')).toBe(403)
    expect(await upgradeStatus(server.port, 'Host: localhost\r\nOrigin: https://evil.example')).toBe(403)
    expect(await upgradeStatus(server.port, 'Host: LOCALHOST:8545\r\nOrigin: https://app.example')).toBe(101)
    expect(await upgradeStatus(server.port, 'Host: localhost')).toBe(503)
  })

  it('says that a port is taken', async () => {
    server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0 })
    await expect(RpcServer.start(backend, { host: '127.0.0.1', port: server.port })).rejects.toMatchObject({
      code: 'RPC_PORT_TAKEN',
    })
  })
})
