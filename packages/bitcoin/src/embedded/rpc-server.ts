import { randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { spawn } from '@hawser/primitives'
import type { EmbeddedChain } from './embedded-chain.ts'
import { RPC, RpcError } from './rpc-error.ts'
import { rpcMethods, type RpcMethod } from './rpc-methods.ts'

/** A transaction of the largest standard weight is under 1 MB of hex. */
export const MAX_RPC_BODY_BYTES = 4 * 1024 * 1024
/** Calls in one batch. */
export const MAX_RPC_BATCH = 5_000

export interface EmbeddedRpcOptions {
  /** 0 (the default) takes any free port. */
  readonly port?: number
  /** Loopback unless told otherwise. */
  readonly host?: string
  /** Fixed credentials; without them a cookie is made up. */
  readonly auth?: { readonly user: string; readonly password: string }
  /** Where to write the cookie, as bitcoind does. */
  readonly cookieFile?: string
}

export interface EmbeddedRpcServer {
  readonly url: string
  readonly port: number
  /** What the client sends as user:password. */
  readonly credentials: { readonly user: string; readonly password: string }
  close(): Promise<void>
}

interface Call {
  method?: unknown
  params?: unknown
  id?: unknown
  jsonrpc?: unknown
}

/** Serves the embedded chain as bitcoind's JSON-RPC over HTTP with basic authentication. */
export async function serveEmbeddedRpc(
  chain: EmbeddedChain,
  options: EmbeddedRpcOptions = {},
): Promise<EmbeddedRpcServer> {
  const methods = rpcMethods(chain)
  const credentials = options.auth ?? { user: '__cookie__', password: randomBytes(32).toString('hex') }
  const expected = Buffer.from(`Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`)
  const stopping = new AbortController()
  const server = createServer((request, response) => {
    spawn(
      () => handle(request, response, { methods, expected, stopping: stopping.signal }),
      () => response.destroy(),
    )
  })
  server.keepAliveTimeout = 30_000
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const { cookieFile } = options
  if (cookieFile !== undefined) {
    mkdirSync(dirname(cookieFile), { recursive: true })
    writeFileSync(cookieFile, `${credentials.user}:${credentials.password}`, { mode: 0o600 })
  }
  return {
    url: `http://${host}:${port}`,
    port,
    credentials,
    async close() {
      stopping.abort()
      if (cookieFile !== undefined) rmSync(cookieFile, { force: true })
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

interface ServerState {
  readonly methods: ReadonlyMap<string, RpcMethod>
  readonly expected: Buffer
  readonly stopping: AbortSignal
}

async function handle(request: IncomingMessage, response: ServerResponse, state: ServerState): Promise<void> {
  if (request.method !== 'POST') return reply(response, 405, 'JSONRPC server handles only POST requests', 'text/plain')
  const given = Buffer.from(request.headers.authorization ?? '')
  if (given.length !== state.expected.length || !timingSafeEqual(given, state.expected)) {
    response.setHeader('WWW-Authenticate', 'Basic realm="jsonrpc"')
    return reply(response, 401, '', 'text/plain')
  }
  const body = await readBody(request)
  if (body === undefined) return refuseBody(request, response)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, state.stopping])
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return replyJson(response, 500, failure(null, new RpcError(RPC.PARSE_ERROR, 'Parse error')))
  }
  if (Array.isArray(parsed)) {
    if (parsed.length > MAX_RPC_BATCH)
      return replyJson(
        response,
        500,
        failure(null, new RpcError(RPC.INVALID_REQUEST, `more than ${MAX_RPC_BATCH} calls`)),
      )
    const answers: object[] = []
    for (const call of parsed) answers.push((await answer(call as Call, state.methods, signal)).body)
    return replyJson(response, 200, answers)
  }
  const { status, body: answered } = await answer(parsed as Call, state.methods, signal)
  replyJson(response, status, answered)
}

async function answer(
  call: Call | null,
  methods: ReadonlyMap<string, RpcMethod>,
  signal: AbortSignal,
): Promise<{ status: number; body: object }> {
  const id = call?.id ?? null
  const isVersion2 = call?.jsonrpc === '2.0'
  try {
    if (typeof call !== 'object' || call === null) throw new RpcError(RPC.INVALID_REQUEST, 'Invalid Request object')
    if (typeof call.method !== 'string') throw new RpcError(RPC.INVALID_REQUEST, 'Method must be a string')
    const params = call.params ?? []
    if (!Array.isArray(params)) throw new RpcError(RPC.INVALID_PARAMETER, 'Params must be an array')
    const method = methods.get(call.method)
    if (!method) throw new RpcError(RPC.METHOD_NOT_FOUND, 'Method not found')
    const result = (await method(params, { signal })) ?? null
    return { status: 200, body: isVersion2 ? { jsonrpc: '2.0', result, id } : { result, error: null, id } }
  } catch (error) {
    const known = error instanceof RpcError ? error : new RpcError(RPC.MISC_ERROR, 'internal error')
    const status = known.code === RPC.METHOD_NOT_FOUND ? 404 : known.code === RPC.INVALID_REQUEST ? 400 : 500
    if (isVersion2)
      return { status: 200, body: { jsonrpc: '2.0', error: { code: known.code, message: known.message }, id } }
    return { status, body: failure(id, known) }
  }
}

function failure(id: unknown, error: RpcError): object {
  return { result: null, error: { code: error.code, message: error.message }, id }
}

function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = Number(request.headers['content-length'] ?? 0)
    if (length > MAX_RPC_BODY_BYTES) return resolve(undefined)
    length = 0
    request.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > MAX_RPC_BODY_BYTES) resolve(undefined)
      else chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    request.on('error', reject)
  })
}

/** Answers what is too long and ends the connection instead of reading on. */
function refuseBody(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Connection', 'close')
  response.once('finish', () => request.socket.destroy())
  reply(response, 413, 'request body too large', 'text/plain')
}

function replyJson(response: ServerResponse, status: number, body: object): void {
  reply(response, status, `${JSON.stringify(body)}\n`, 'application/json')
}

function reply(response: ServerResponse, status: number, body: string, type: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
