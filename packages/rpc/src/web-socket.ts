import { messageOf, spawn, type Logger } from '@hawser/primitives'
import type { WebSocket } from 'ws'
import type { Dispatcher } from './dispatcher.ts'
import { errorBody, RpcCode } from './errors.ts'
import type { RpcLimits } from './limits.ts'
import type { Subscriber, Subscriptions } from './subscriptions.ts'

export interface SocketParts {
  readonly dispatcher: Dispatcher
  readonly subscriptions: Subscriptions
  readonly limits: RpcLimits
  readonly logger: Logger
  /** The client's. */
  readonly address: string
}

/** Answers the requests of one WebSocket, a few at a time, and cuts it off when it does not read. */
export function serveSocket(parts: SocketParts, socket: WebSocket): void {
  const { dispatcher, subscriptions, limits, logger, address } = parts
  // Before anything else: a socket without a listener for errors would take the process down with the first bad frame.
  socket.on('error', () => socket.terminate())
  const send = (text: string) => {
    // A client that does not read must not fill the node's memory.
    if (socket.bufferedAmount > limits.maxSocketBufferBytes) socket.terminate()
    else if (socket.readyState === socket.OPEN) socket.send(text)
  }
  const subscriber: Subscriber = { send: (message) => send(JSON.stringify(message)) }
  let open = 0
  socket.on('message', (data: Buffer) => {
    if (open >= limits.maxConnectionRequests)
      return send(
        errorBody(RpcCode.limitExceeded, `more than ${limits.maxConnectionRequests} requests at the same time`),
      )
    open++
    spawn(
      async () => {
        try {
          const answer = await dispatcher.handle(data.toString('utf8'), { address, subscriber })
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
