import type { Socket } from 'node:net'
import { MAX_BODIES, type RpcLimits } from './limits.ts'

/** What a client is told whose body is one too many. */
export const TOO_MANY_BODIES = 'the node is busy: too many large requests at the same time, try again later'

/** A request that is being read or answered. */
export interface OpenRequest {
  /** Counts bytes of its body; false when all bodies together are too many. */
  add(bytes: number): boolean
  /** It is answered; later calls do nothing. */
  end(): void
}

interface Connection {
  requests: number
  bytes: number
}

/** What is on its way at present, by connection and altogether. */
export class ConnectionLoad {
  readonly #limits: Pick<RpcLimits, 'maxBodyBytes' | 'maxConnectionRequests'>
  readonly #connections = new WeakMap<Socket, Connection>()
  #bytes = 0

  constructor(limits: Pick<RpcLimits, 'maxBodyBytes' | 'maxConnectionRequests'>) {
    this.#limits = limits
  }

  /** Undefined when the connection has too many open already. */
  begin(socket: Socket): OpenRequest | undefined {
    const connection = this.#connections.get(socket) ?? this.#watch(socket)
    if (connection.requests >= this.#limits.maxConnectionRequests) return undefined
    connection.requests++
    let counted = 0
    let ended = false
    return {
      add: (bytes) => {
        if (ended || socket.destroyed) return true
        counted += bytes
        connection.bytes += bytes
        this.#bytes += bytes
        return this.#bytes <= MAX_BODIES * this.#limits.maxBodyBytes
      },
      end: () => {
        if (ended) return
        ended = true
        connection.requests--
        // With the connection its bytes are gone already.
        const left = Math.min(counted, connection.bytes)
        connection.bytes -= left
        this.#bytes -= left
      },
    }
  }

  /** Forgets a connection's bytes with it: a pipelined response whose turn never came does not tell that it closed. */
  #watch(socket: Socket): Connection {
    const connection = { requests: 0, bytes: 0 }
    this.#connections.set(socket, connection)
    socket.once('close', () => {
      this.#bytes -= connection.bytes
      connection.bytes = 0
    })
    return connection
  }
}
