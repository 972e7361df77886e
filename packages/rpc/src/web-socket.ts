import type { Socket } from 'node:net'
import { messageOf, spawn, type Clock, type Logger } from '@hawser/primitives'
import type { WebSocket } from 'ws'
import { TOO_MANY_BODIES, type ConnectionLoad } from './connection-load.ts'
import type { Dispatcher } from './dispatcher.ts'
import { errorBody, RpcCode } from './errors.ts'
import type { RpcLimits } from './limits.ts'
import type { Subscriber, Subscriptions } from './subscriptions.ts'

/** Between two pings; who has not answered one by the next is gone, and makes room. */
export const HEARTBEAT_MS = 30_000

export interface SocketParts {
  readonly dispatcher: Dispatcher
  readonly subscriptions: Subscriptions
  readonly limits: RpcLimits
  readonly logger: Logger
  readonly load: ConnectionLoad
  readonly clock: Clock
  /** What the WebSocket runs on. */
  readonly connection: Socket
}

/** Answers the requests of one WebSocket, a few at a time, and cuts it off when it does not read. */
export function serveSocket(parts: SocketParts, socket: WebSocket): void {
  const { dispatcher, subscriptions, limits, logger, load, connection } = parts
  const address = connection.remoteAddress ?? ''
  // Before anything else: a socket without a listener for errors would take the process down with the first bad frame.
  socket.on('error', () => socket.terminate())
  const send = (text: string) => {
    // A client that does not read must not fill the node's memory.
    if (socket.bufferedAmount > limits.maxSocketBufferBytes) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.send(text)
  }
  const subscriber: Subscriber = {
    send: (message) => send(JSON.stringify(message)),
    isOpen: () => socket.readyState === socket.OPEN,
  }
  keepAlive(parts.clock, socket)
  socket.on('message', (data: Buffer) => {
    const open = load.begin(connection)
    if (!open)
      return send(
        errorBody(RpcCode.limitExceeded, `more than ${limits.maxConnectionRequests} requests at the same time`),
      )
    if (!open.add(data.length)) {
      open.end()
      return send(errorBody(RpcCode.limitExceeded, TOO_MANY_BODIES))
    }
    spawn(
      async () => {
        try {
          const answer = await dispatcher.handle(data.toString('utf8'), { address, subscriber })
          if (answer !== undefined) send(answer)
        } finally {
          open.end()
        }
      },
      (error) => logger.debug({ err: messageOf(error) }, 'a WebSocket request ended early'),
    )
  })
  socket.on('close', () => subscriptions.leave(subscriber))
}

/** Ends a socket whose client has vanished without a word. */
function keepAlive(clock: Clock, socket: WebSocket): void {
  let answered = true
  const beat = () => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
    cancel = clock.after(HEARTBEAT_MS, beat)
  }
  let cancel = clock.after(HEARTBEAT_MS, beat)
  socket.on('pong', () => (answered = true))
  socket.on('close', () => cancel())
}
