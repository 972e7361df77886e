import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError, messageOf, systemClock, type Logger } from '@hawser/primitives'
import { WebSocketServer } from 'ws'
import type { RpcBackend } from './backend.ts'
import { ConnectionLoad, TOO_MANY_BODIES } from './connection-load.ts'
import { Dispatcher } from './dispatcher.ts'
import { errorBody, RpcCode } from './errors.ts'
import { ExecutionGate } from './execution-gate.ts'
import { corsHeaders, isServedHost, isServedOrigin, type HttpGuardOptions } from './http-guard.ts'
import type { RpcLimits } from './limits.ts'
import { createMethods } from './methods.ts'
import { DEFAULT_API, DEFAULT_CORS_ORIGINS, DEFAULT_VHOSTS, resolveLimits, type RpcServerOptions } from './options.ts'
import { Subscriptions } from './subscriptions.ts'
import { serveSocket } from './web-socket.ts'

/** How long an idle connection stays open for the next request. */
const KEEP_ALIVE_MS = 65_000
/** How long a client may take to send a request's head, and the whole of it. */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 60_000
/** How long a connection may neither send nor take a byte, as when it does not read its answer. */
const SOCKET_TIMEOUT_MS = 5 * 60_000

interface Endpoint extends HttpGuardOptions {
  readonly dispatcher: Dispatcher
  readonly limits: RpcLimits
  readonly logger: Logger
  readonly load: ConnectionLoad
}

/** JSON-RPC over HTTP and WebSocket on one port. */
export class RpcServer {
  /** The methods that are served. */
  readonly methods: readonly string[]
  readonly #http: Server
  readonly #sockets: WebSocketServer
  readonly #subscriptions: Subscriptions

  private constructor(
    http: Server,
    sockets: WebSocketServer,
    subscriptions: Subscriptions,
    methods: readonly string[],
  ) {
    this.#http = http
    this.methods = methods
    this.#sockets = sockets
    this.#subscriptions = subscriptions
  }

  /** @throws RPC_PORT_TAKEN */
  static async start(backend: RpcBackend, options: RpcServerOptions): Promise<RpcServer> {
    const { logger } = backend
    const limits = resolveLimits(options.limits)
    const subscriptions = new Subscriptions(backend, systemClock, limits.maxSubscriptions)
    const methods = createMethods(backend, subscriptions, limits, options.api ?? DEFAULT_API)
    const dispatcher = new Dispatcher(new ExecutionGate(limits, systemClock).guard(methods), limits, logger)
    const endpoint: Endpoint = {
      dispatcher,
      limits,
      logger,
      corsOrigins: options.corsOrigins ?? DEFAULT_CORS_ORIGINS,
      vhosts: (options.vhosts ?? DEFAULT_VHOSTS).map((name) => name.toLowerCase()),
      load: new ConnectionLoad(limits),
    }
    const http = createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => answerHttp(endpoint, request, response),
    )
    http.maxConnections = limits.maxConnections
    http.timeout = SOCKET_TIMEOUT_MS
    const sockets = new WebSocketServer({
      server: http,
      maxPayload: limits.maxBodyBytes,
      verifyClient: ({ req }: { req: IncomingMessage }, answer: (ok: boolean, status?: number) => void) => {
        const { host, origin } = req.headers
        if (!isServedHost(host, endpoint.vhosts) || !isServedOrigin(origin, endpoint.corsOrigins)) answer(false, 403)
        else if (sockets.clients.size >= limits.maxSockets) answer(false, 503)
        else answer(true)
      },
    })
    sockets.on('connection', (socket, { socket: connection }) =>
      serveSocket({ ...endpoint, subscriptions, clock: systemClock, connection }, socket),
    )
    // The HTTP server's own error is reported by `listen`; ws repeats it.
    sockets.on('error', () => undefined)
    try {
      await listen(http, options)
    } catch (error) {
      subscriptions.stop()
      throw error
    }
    return new RpcServer(http, sockets, subscriptions, Object.keys(methods))
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  /** WebSockets that are open. */
  get socketCount(): number {
    return this.#sockets.clients.size
  }

  async stop(): Promise<void> {
    this.#subscriptions.stop()
    for (const socket of this.#sockets.clients) socket.terminate()
    this.#sockets.close()
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    await closed
  }
}

function listen(http: Server, { host, port }: RpcServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', (cause) =>
      reject(
        new AppError(
          { code: 'RPC_PORT_TAKEN', fault: 'user' },
          `cannot listen on ${host}:${port} for JSON-RPC: ${messageOf(cause)}; stop what uses it or choose another --rpc-port`,
          { cause },
        ),
      ),
    )
    http.listen(port, host, resolve)
  })
}

function answerHttp(endpoint: Endpoint, request: IncomingMessage, response: ServerResponse): void {
  const { dispatcher, limits, load, logger } = endpoint
  const { origin, host } = request.headers
  const cors = corsHeaders(origin, endpoint.corsOrigins)
  const refuse = (status: number, message: string) =>
    end(response, status, cors, errorBody(RpcCode.invalidRequest, message))
  if (!isServedHost(host, endpoint.vhosts))
    return refuse(403, `host not allowed: "${host?.slice(0, 80)}"; add it to --rpc-vhosts`)
  if (request.method === 'OPTIONS') return end(response, 204, cors)
  if (request.method === 'GET')
    return end(response, 200, cors, JSON.stringify({ hawser: 'JSON-RPC 2.0 by POST, or WebSocket on this port' }))
  if (request.method !== 'POST') return refuse(405, 'method not allowed: use POST')
  if (!isServedOrigin(origin, endpoint.corsOrigins))
    return refuse(403, `origin not allowed: "${origin?.slice(0, 80)}"; add it to --rpc-cors-origins`)

  const { socket } = request
  const giveUp = (status: number, code: number, message: string) => {
    response.setHeader('connection', 'close')
    end(response, status, cors, errorBody(code, message))
  }
  const open = load.begin(socket)
  if (!open)
    return giveUp(429, RpcCode.limitExceeded, `more than ${limits.maxConnectionRequests} requests at the same time`)
  response.once('close', () => open.end())

  const parts: Buffer[] = []
  let length = 0
  request.on('data', (part: Buffer) => {
    if (response.writableEnded) return
    length += part.length
    if (length > limits.maxBodyBytes)
      giveUp(413, RpcCode.invalidRequest, `request body too large: at most ${limits.maxBodyBytes} bytes`)
    else if (!open.add(part.length)) giveUp(503, RpcCode.limitExceeded, TOO_MANY_BODIES)
    else parts.push(part)
    if (response.writableEnded) parts.length = 0
  })
  request.on('error', () => response.destroy())
  request.on('end', () => {
    if (response.writableEnded) return
    const body = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    const answer = dispatcher.handle(body.toString('utf8'), { address: socket.remoteAddress ?? '' })
    if (!(answer instanceof Promise)) return end(response, answer === undefined ? 204 : 200, cors, answer)
    answer.then(
      (text) => end(response, text === undefined ? 204 : 200, cors, text),
      (error: unknown) => {
        logger.error({ err: messageOf(error) }, 'an HTTP request could not be answered')
        response.destroy()
      },
    )
  })
}

function end(response: ServerResponse, status: number, cors: Readonly<Record<string, string>>, body?: string): void {
  if (body === undefined) response.writeHead(status, cors).end()
  // As text it goes out in one piece with its head.
  else
    response
      .writeHead(status, { ...cors, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body)
}
