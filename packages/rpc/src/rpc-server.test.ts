import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import { MAX_SOCKETS } from './limits.ts'
import { RpcServer } from './rpc-server.ts'

/** What answers nothing but who it is: the sockets are at stake here, not the chain. */
const backend = {
  spec: { chainId: 18443 },
  clientVersion: 'test',
  logger: silentLogger,
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
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
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
  it('lives through malformed frames, also on connections beyond the limit', async () => {
    server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0 })
    const { port } = server
    const garbage = Buffer.from('ffffffff', 'hex')
    const first = await upgrade(port)
    const gone = once(first, 'close')
    first.write(garbage)
    await gone
    for (let i = 0; i < MAX_SOCKETS; i++) await upgrade(port)
    const surplus = await upgrade(port)
    const refused = once(surplus, 'close')
    surplus.write(garbage)
    await refused
    expect(await version(port)).toBe('test')
  })

  it('says that a port is taken', async () => {
    server = await RpcServer.start(backend, { host: '127.0.0.1', port: 0 })
    await expect(RpcServer.start(backend, { host: '127.0.0.1', port: server.port })).rejects.toMatchObject({
      code: 'RPC_PORT_TAKEN',
    })
  })
})
