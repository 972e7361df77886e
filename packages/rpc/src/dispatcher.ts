import { messageOf, type Logger } from '@hawser/primitives'
import { invalidParams, RpcCode, RpcError, toRpcError } from './errors.ts'
import { MAX_BATCH, MAX_RESPONSE_CHARS } from './limits.ts'
import type { Method } from './method.ts'
import type { Subscriber } from './subscriptions.ts'

type Id = string | number | null

/** Takes a request's text and gives the response's: JSON-RPC 2.0, single or batch. @see https://www.jsonrpc.org/specification */
export class Dispatcher {
  readonly #methods: ReadonlyMap<string, Method>
  readonly #logger: Logger

  constructor(methods: Readonly<Record<string, Method>>, logger: Logger) {
    this.#methods = new Map(Object.entries(methods))
    this.#logger = logger
  }

  /** The response's JSON, or undefined when nothing is to be answered (notifications). */
  async handle(body: string, subscriber?: Subscriber): Promise<string | undefined> {
    let request: unknown
    try {
      request = JSON.parse(body)
    } catch {
      return failure(null, new RpcError(RpcCode.parse, 'parse error: the body is not JSON'))
    }
    if (!Array.isArray(request)) return this.#one(request, MAX_RESPONSE_CHARS, subscriber)
    if (request.length === 0) return failure(null, new RpcError(RpcCode.invalidRequest, 'empty batch'))
    if (request.length > MAX_BATCH)
      return failure(null, new RpcError(RpcCode.invalidRequest, `batch too large: at most ${MAX_BATCH} requests`))
    // One after the other: a batch must not take more of the node than the same requests sent singly.
    const responses: string[] = []
    let left = MAX_RESPONSE_CHARS
    for (const item of request) {
      const response = await this.#one(item, left, subscriber)
      if (response === undefined) continue
      responses.push(response)
      left -= response.length
    }
    return responses.length > 0 ? `[${responses.join(',')}]` : undefined
  }

  /** The response's JSON, of at most `room` characters; undefined for a notification. */
  async #one(request: unknown, room: number, subscriber?: Subscriber): Promise<string | undefined> {
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      return failure(null, new RpcError(RpcCode.invalidRequest, 'invalid request: not an object'))
    const { id, method, params } = request as { id?: unknown; method?: unknown; params?: unknown }
    const validId = typeof id === 'string' || typeof id === 'number' || id === null
    if (typeof method !== 'string' || (id !== undefined && !validId))
      return failure(
        null,
        new RpcError(RpcCode.invalidRequest, 'invalid request: method must be a string, id a string or number'),
      )
    let response: string
    try {
      // With no room left the work is not even begun.
      if (room <= 0) throw tooLarge()
      const result = await this.#call(method, params, subscriber)
      response = JSON.stringify({ jsonrpc: '2.0', id, result: result ?? null })
      if (response.length > room) throw tooLarge()
    } catch (thrown) {
      const error = toRpcError(thrown)
      if (error.code === RpcCode.internal)
        this.#logger.error({ method, err: messageOf(thrown) }, 'a JSON-RPC method failed')
      response = failure(id as Id, error)
    }
    return id === undefined ? undefined : response
  }

  #call(name: string, params: unknown, subscriber?: Subscriber): unknown {
    const method = this.#methods.get(name)
    if (!method)
      throw new RpcError(RpcCode.methodNotFound, `the method ${name.slice(0, 80)} does not exist/is not available`)
    if (params !== undefined && params !== null && !Array.isArray(params)) throw invalidParams('non-array args')
    return method((params ?? []) as unknown[], subscriber)
  }
}

function failure(id: Id, error: RpcError): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: { code: error.code, message: error.message, ...(error.data === undefined ? {} : { data: error.data }) },
  })
}

function tooLarge(): RpcError {
  return new RpcError(RpcCode.limitExceeded, `response too large: ask for less, or in several requests`)
}
