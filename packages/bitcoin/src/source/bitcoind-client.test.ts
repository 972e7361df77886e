import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { EmbeddedChain } from '../embedded/embedded-chain.ts'
import { serveEmbeddedRpc } from '../embedded/rpc-server.ts'
import { BitcoindClient } from './bitcoind-client.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})
const named = (name: string) => expect.objectContaining({ name })
const auth = { user: 'u', password: 'p' }

async function embedded(options = {}) {
  const server = await serveEmbeddedRpc(new EmbeddedChain(), options)
  cleanups.push(() => server.close())
  return server
}
function clientOf(options: ConstructorParameters<typeof BitcoindClient>[0]): BitcoindClient {
  const client = new BitcoindClient(options)
  cleanups.push(() => client.close())
  return client
}
async function raw(handler: Parameters<typeof createServer>[1]): Promise<{ url: string; server: Server }> {
  const server = createServer(handler as never)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

describe('the client against the embedded server', () => {
  it('reads the cookie again when the server was restarted', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'hawser-cookie-'))
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }))
    const cookieFile = join(dir, '.cookie')
    const first = await embedded({ cookieFile })
    const client = clientOf({ url: first.url, auth: { cookieFile } })
    expect(await client.call('getblockcount')).toBe(0)
    await first.close()
    await embedded({ cookieFile, port: first.port })
    expect(await client.call('getblockcount')).toBe(0)
  })
  it('says so when the credentials are wrong, or the cookie or the server is not there', async () => {
    const server = await embedded({ auth })
    await expect(clientOf({ url: server.url, auth: { user: 'u', password: 'q' } }).call('uptime')).rejects.toThrow(
      named('BITCOIND_UNAUTHORIZED'),
    )
    const noCookie = clientOf({ url: server.url, auth: { cookieFile: '/nonexistent/.cookie' } })
    await expect(noCookie.call('uptime')).rejects.toThrow(named('BITCOIND_UNREACHABLE'))
    await expect(clientOf({ url: 'http://127.0.0.1:1', auth }).call('uptime')).rejects.toThrow(
      named('BITCOIND_UNREACHABLE'),
    )
  })
  it('cannot send more than the server’s body limit', async () => {
    const server = await embedded({ auth })
    const client = clientOf({ url: server.url, auth })
    await expect(client.call('sendrawtransaction', ['00'.repeat(3_000_000)])).rejects.toThrow(/BITCOIND|413|answer/)
    expect(await client.call('getblockcount')).toBe(0)
  })
  it('stops waiting when its signal aborts', async () => {
    const server = await embedded({ auth })
    const stop = new AbortController()
    const waiting = clientOf({ url: server.url, auth }).call('waitfornewblock', [60_000], { signal: stop.signal })
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('the client against servers that misbehave', () => {
  it('tries once more when an idle connection was dropped', async () => {
    let calls = 0
    const { url } = await raw((request, response) => {
      calls++
      request.resume()
      if (calls === 2) request.socket.resetAndDestroy()
      else response.end(JSON.stringify({ id: calls === 1 ? 1 : 2, result: calls, error: null }))
    })
    const client = clientOf({ url, auth })
    expect(await client.call('one')).toBe(1)
    expect(await client.call('two')).toBe(3)
  })
  it('refuses answers that are too long, no JSON, or too late', async () => {
    const { url } = await raw((request, response) => {
      request.resume()
      const path = request.headers.authorization ?? ''
      const user = Buffer.from(path.slice(6), 'base64').toString().split(':')[0]
      if (user === 'long') response.end(Buffer.alloc(100_000, 0x20))
      else if (user === 'text') response.end('<html>')
    })
    const as = (user: string) =>
      clientOf({ url, auth: { user, password: '' }, maxResponseBytes: 10_000, timeoutMs: 200 })
    await expect(as('long').call('x')).rejects.toThrow(named('BITCOIND_BAD_ANSWER'))
    await expect(as('text').call('x')).rejects.toThrow(named('BITCOIND_BAD_ANSWER'))
    await expect(as('late').call('x')).rejects.toThrow(named('BITCOIND_UNREACHABLE'))
  })
})
