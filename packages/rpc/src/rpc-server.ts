import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError, messageOf, spawn, systemClock, type Logger } from '@hawser/primitives'
import { WebSocketServer, type WebSocket } from 'ws'
import type { RpcBackend } from './backend.ts'
import { BlockReader } from './block-reader.ts'
import { Dispatcher } from './dispatcher.ts'
import { ethMethods } from './eth-methods.ts'
import { RpcCode } from './errors.ts'
import { hawserMethods } from './hawser-methods.ts'
import { MAX_BODY_BYTES, MAX_SOCKET_BUFFER_BYTES, MAX_SOCKET_REQUESTS, MAX_SOCKETS } from './limits.ts'
import { nodeMethods } from './node-methods.ts'
import { Subscriptions, type Subscriber } from './subscriptions.ts'

export interface RpcServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** JSON-RPC over HTTP and WebSocket on one port. */
export class RpcServer {
  readonly #http: Server
  readonly #sockets: WebSocketServer
  readonly #subscriptions: Subscriptions

  private constructor(http: Server, sockets: WebSocketServer, subscriptions: Subscriptions) {
    this.#http = http
    this.#sockets = sockets
    this.#subscriptions = subscriptions
  }

  /** @throws RPC_PORT_TAKEN */
  static async start(backend: RpcBackend, options: RpcServerOptions): Promise<RpcServer> {
    const reader = new BlockReader(backend)
    const subscriptions = new Subscriptions(backend, systemClock)
    const dispatcher = new Dispatcher(
      { ...nodeMethods(backend), ...ethMethods(backend, reader, subscriptions), ...hawserMethods(backend, reader) },
      backend.logger,
    )
    const http = createServer((request, response) =>
      spawn(
        () => answerHttp(dispatcher, request, response),
        (error) => {
          backend.logger.debug({ err: messageOf(error) }, 'an HTTP request ended early')
          response.destroy()
        },
      ),
    )
    const sockets = new WebSocketServer({ server: http, maxPayload: MAX_BODY_BYTES })
    sockets.on('connection', (socket) => serveSocket(dispatcher, subscriptions, sockets, socket, backend.logger))
    // The HTTP server's own error is reported by `listen`; ws repeats it.
    sockets.on('error', () => undefined)
    await listen(http, options)
    return new RpcServer(http, sockets, subscriptions)
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
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

const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, OPTIONS',
  'access-control-allow-headers': 'content-type',
  'access-control-max-age': '600',
} as const

async function answerHttp(dispatcher: Dispatcher, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'OPTIONS') return end(response, 204)
  if (request.method === 'GET')
    return end(response, 200, JSON.stringify({ hawser: 'JSON-RPC 2.0 by POST, or WebSocket on this port' }))
  if (request.method !== 'POST')
    return end(response, 405, errorBody(RpcCode.invalidRequest, 'method not allowed: use POST'))
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request) {
    length += (part as Buffer).length
    if (length > MAX_BODY_BYTES) {
      response.setHeader('connection', 'close')
      return end(
        response,
        413,
        errorBody(RpcCode.invalidRequest, `request body too large: at most ${MAX_BODY_BYTES} bytes`),
      )
    }
    parts.push(part as Buffer)
  }
  const answer = await dispatcher.handle(Buffer.concat(parts).toString('utf8'))
  return answer === undefined ? end(response, 204) : end(response, 200, answer)
}

function end(response: ServerResponse, status: number, body?: string): void {
  response.writeHead(status, { ...CORS, ...(body === undefined ? {} : { 'content-type': 'application/json' }) })
  response.end(body)
}

function errorBody(code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } })
}

function serveSocket(
  dispatcher: Dispatcher,
  subscriptions: Subscriptions,
  sockets: WebSocketServer,
  socket: WebSocket,
  logger: Logger,
): void {
  // Before anything else: a socket without a listener for errors would take the process down with the first bad frame.
  socket.on('error', () => socket.terminate())
  if (sockets.clients.size > MAX_SOCKETS) return socket.terminate()
  const send = (text: string) => {
    // A client that does not read must not fill the node's memory.
    if (socket.bufferedAmount > MAX_SOCKET_BUFFER_BYTES) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.send(text)
  }
  const subscriber: Subscriber = { send: (message) => send(JSON.stringify(message)) }
  let open = 0
  socket.on('message', (data: Buffer) => {
    if (open >= MAX_SOCKET_REQUESTS)
      return send(errorBody(RpcCode.limitExceeded, `more than ${MAX_SOCKET_REQUESTS} requests at the same time`))
    open++
    spawn(
      async () => {
        try {
          const answer = await dispatcher.handle(data.toString('utf8'), subscriber)
          if (answer !== undefined) send(answer)
        } finally {
          open--
        }
      },
      (error) => logger.debug({ err: messageOf(error) }, 'a WebSocket request ended early'),
    )
  })
  socket.on('close', () => subscriptions.leave(subscriber))
}
