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
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => undefined)
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  )
  await once(socket, 'data')
  return socket
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

  it('says that a port is taken', async () => {
    server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0 })
    await expect(RpcServer.start(backend, { host: '127.0.0.1', port: server.port })).rejects.toMatchObject({
      code: 'RPC_PORT_TAKEN',
    })
  })
})
