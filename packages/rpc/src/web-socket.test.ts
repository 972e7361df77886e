import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { silentLogger } from '@hawser/primitives'
import { expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { ConnectionLoad } from './connection-load.ts'
import type { Dispatcher } from './dispatcher.ts'
import { DEFAULT_LIMITS, MAX_BODIES } from './limits.ts'
import type { Subscriptions } from './subscriptions.ts'
import { serveSocket } from './web-socket.ts'

/** A WebSocket and a clock that do nothing by themselves. */
function served(limits = DEFAULT_LIMITS) {
  const sent: string[] = []
  const calls: string[] = []
  let beat = () => undefined as void
  const socket = Object.assign(new EventEmitter(), {
    OPEN: 1,
    readyState: 1,
    bufferedAmount: 0,
    send: (text: string) => sent.push(text),
    ping: () => calls.push('ping'),
    terminate: () => calls.push('terminate'),
  })
  const clock = {
    nowMs: () => 0,
    after: (_: number, callback: () => void) => {
      beat = callback
      return () => calls.push('cancelled')
    },
  }
  const connection = Object.assign(new EventEmitter(), { remoteAddress: '192.0.2.1', destroyed: false })
  serveSocket(
    {
      dispatcher: { handle: () => new Promise(() => undefined) } as unknown as Dispatcher,
      subscriptions: { leave: () => undefined } as unknown as Subscriptions,
      limits,
      logger: silentLogger,
      load: new ConnectionLoad(limits),
      clock,
      connection: connection as unknown as Socket,
    },
    socket as unknown as WebSocket,
  )
  return { socket, sent, calls, beat: () => beat() }
}

it('a WebSocket is pinged, and ended when the last ping was not answered', () => {
  const { socket, calls, beat } = served()
  beat()
  socket.emit('pong')
  beat()
  expect(calls).toEqual(['ping', 'ping'])
  beat()
  expect(calls.at(-1)).toBe('terminate')
  socket.emit('close')
  expect(calls.at(-1)).toBe('cancelled')
})

it('messages that are not answered yet count as bodies on their way, by number and by size', () => {
  const { socket, sent } = served({ ...DEFAULT_LIMITS, maxBodyBytes: 10, maxConnectionRequests: MAX_BODIES + 1 })
  for (let i = 0; i < MAX_BODIES; i++) socket.emit('message', Buffer.alloc(10))
  expect(sent).toEqual([])
  socket.emit('message', Buffer.alloc(10))
  expect(sent[0]).toContain('too many large requests')
  const few = served({ ...DEFAULT_LIMITS, maxConnectionRequests: 1 })
  few.socket.emit('message', Buffer.alloc(10))
  few.socket.emit('message', Buffer.alloc(10))
  expect(few.sent[0]).toContain('more than 1 requests')
})
