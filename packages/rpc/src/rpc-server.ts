import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { AppError, messageOf, systemClock, type Logger } from '@hawser/primitives'
import { WebSocketServer } from 'ws'
import type { RpcBackend } from './backend.ts'
import { Dispatcher } from './dispatcher.ts'
import { errorBody, RpcCode } from './errors.ts'
import { ExecutionGate } from './execution-gate.ts'
import { corsHeaders, isServedHost, isServedOrigin, type HttpGuardOptions } from './http-guard.ts'
import { MAX_BODIES, type RpcLimits } from './limits.ts'
import { createMethods } from './methods.ts'
import { DEFAULT_API, DEFAULT_CORS_ORIGINS, DEFAULT_VHOSTS, resolveLimits, type RpcServerOptions } from './options.ts'
import { Subscriptions } from './subscriptions.ts'
import { serveSocket } from './web-socket.ts'

/** How long an idle connection stays open for the next request. */
const KEEP_ALIVE_MS = 65_000
/** How long a client may take to send a request's head, and the whole of it. */
const HEADERS_TIMEOUT_MS = 20_000
const REQUEST_TIMEOUT_MS = 60_000

interface Endpoint extends HttpGuardOptions {
  readonly dispatcher: Dispatcher
  readonly limits: RpcLimits
  readonly logger: Logger
  /** What is on its way at present. */
  readonly load: { bodyBytes: number; readonly requests: Map<Socket, number> }
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
      load: { bodyBytes: 0, requests: new Map() },
    }
    const http = createServer(
      { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      (request, response) => answerHttp(endpoint, request, response),
    )
    http.maxConnections = limits.maxConnections
    const sockets = new WebSocketServer({
      server: http,
      maxPayload: limits.maxBodyBytes,
      verifyClient: ({ origin, req }: { origin: string | undefined; req: IncomingMessage }) =>
        sockets.clients.size < limits.maxSockets &&
        isServedHost(req.headers.host, endpoint.vhosts) &&
        isServedOrigin(origin, endpoint.corsOrigins),
    })
    sockets.on('connection', (socket, request) =>
      serveSocket({ dispatcher, subscriptions, limits, logger, address: request.socket.remoteAddress ?? '' }, socket),
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
  const open = (load.requests.get(socket) ?? 0) + 1
  const giveUp = (status: number, code: number, message: string) => {
    response.setHeader('connection', 'close')
    end(response, status, cors, errorBody(code, message))
  }
  if (open > limits.maxConnectionRequests)
    return giveUp(429, RpcCode.limitExceeded, `more than ${limits.maxConnectionRequests} requests at the same time`)
  load.requests.set(socket, open)
  response.once('close', () => {
    const left = (load.requests.get(socket) ?? 1) - 1
    if (left > 0) load.requests.set(socket, left)
    else load.requests.delete(socket)
    load.bodyBytes -= length
  })

  const parts: Buffer[] = []
  let length = 0
  request.on('data', (part: Buffer) => {
    length += part.length
    load.bodyBytes += part.length
    if (response.writableEnded) return
    if (length > limits.maxBodyBytes)
      giveUp(413, RpcCode.invalidRequest, `request body too large: at most ${limits.maxBodyBytes} bytes`)
    else if (load.bodyBytes > MAX_BODIES * limits.maxBodyBytes)
      giveUp(503, RpcCode.limitExceeded, 'the node is busy: too many large requests at the same time, try again later')
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
  else {
    const bytes = Buffer.from(body)
    response
      .writeHead(status, { ...cors, 'content-type': 'application/json', 'content-length': bytes.length })
      .end(bytes)
  }
}
