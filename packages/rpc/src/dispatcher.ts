import { messageOf, type Logger } from '@hawser/primitives'
import { invalidParams, RpcCode, RpcError, toRpcError } from './errors.ts'
import { MAX_BATCH_AT_ONCE, type RpcLimits } from './limits.ts'
import type { Caller, Method, Methods } from './method.ts'
import { Turns } from './turns.ts'

type Id = string | number | null
type Answer = string | undefined

/** The characters that an answer may still take. */
interface Room {
  left: number
}

/** Takes a request's text and gives the response's: JSON-RPC 2.0, single or batch. @see https://www.jsonrpc.org/specification */
export class Dispatcher {
  readonly #methods: ReadonlyMap<string, Method>
  readonly #limits: Pick<RpcLimits, 'maxBatch' | 'maxResponseChars'>
  readonly #logger: Logger

  constructor(methods: Methods, limits: Pick<RpcLimits, 'maxBatch' | 'maxResponseChars'>, logger: Logger) {
    this.#methods = new Map(Object.entries(methods))
    this.#limits = limits
    this.#logger = logger
  }

  /** The response's JSON, at once where no method has to wait; undefined when nothing is to be answered (notifications). */
  handle(body: string, caller: Caller): Answer | Promise<Answer> {
    let request: unknown
    try {
      request = JSON.parse(body)
    } catch {
      return failure(null, new RpcError(RpcCode.parse, 'parse error: the body is not JSON'))
    }
    if (!Array.isArray(request)) return this.#one(request, { left: this.#limits.maxResponseChars }, caller)
    if (request.length === 0) return failure(null, new RpcError(RpcCode.invalidRequest, 'empty batch'))
    const { maxBatch } = this.#limits
    if (request.length > maxBatch)
      return failure(null, new RpcError(RpcCode.invalidRequest, `batch too large: at most ${maxBatch} requests`))
    return this.#batch(request, caller)
  }

  /** A few at a time, so that a batch takes no more of the node than its share; transactions at once, as they wait for one another's work. */
  async #batch(requests: readonly unknown[], caller: Caller): Promise<Answer> {
    const room = { left: this.#limits.maxResponseChars }
    const answers: (Answer | Promise<Answer>)[] = new Array(requests.length)
    const begin = (index: number) => (answers[index] = this.#one(requests[index], room, caller))
    const isTransaction = (request: unknown) =>
      (request as { method?: unknown } | null)?.method === 'eth_sendRawTransaction'
    const others: number[] = []
    requests.forEach((request, index) => {
      if (isTransaction(request)) void begin(index)
      else others.push(index)
    })
    const turns = new Turns()
    const running = new Set<Promise<unknown>>()
    for (const index of others) {
      await turns.next()
      const answer = begin(index)
      if (!(answer instanceof Promise)) continue
      const ended: Promise<unknown> = answer.then(() => running.delete(ended))
      running.add(ended)
      if (running.size >= MAX_BATCH_AT_ONCE) await Promise.race(running)
    }
    const told = (await Promise.all(answers)).filter((answer) => answer !== undefined)
    return told.length > 0 ? `[${told.join(',')}]` : undefined
  }

  /** The response's JSON, taken from the room that is left; undefined for a notification. */
  #one(request: unknown, room: Room, caller: Caller): Answer | Promise<Answer> {
    if (typeof request !== 'object' || request === null || Array.isArray(request))
      return failure(null, new RpcError(RpcCode.invalidRequest, 'invalid request: not an object'))
    const { id, method, params } = request as { id?: unknown; method?: unknown; params?: unknown }
    const validId = typeof id === 'string' || typeof id === 'number' || id === null
    if (typeof method !== 'string' || (id !== undefined && !validId))
      return failure(
        null,
        new RpcError(RpcCode.invalidRequest, 'invalid request: method must be a string, id a string or number'),
      )
    const answered = (result: unknown): Answer => this.#tell(id as Id | undefined, result, room, method)
    const failed = (error: unknown): Answer => this.#tellError(id as Id | undefined, error, room, method)
    try {
      // With no room left the work is not even begun.
      if (room.left <= 0) throw tooLarge()
      const result = this.#call(method, params, caller)
      return result instanceof Promise ? result.then(answered).catch(failed) : answered(result)
    } catch (error) {
      return failed(error)
    }
  }

  #tell(id: Id | undefined, result: unknown, room: Room, method: string): Answer {
    try {
      const response = `{"jsonrpc":"2.0","id":${JSON.stringify(id ?? null)},"result":${JSON.stringify(result ?? null)}}`
      if (response.length > room.left) throw tooLarge()
      room.left -= response.length
      return id === undefined ? undefined : response
    } catch (error) {
      return this.#tellError(id, error, room, method)
    }
  }

  #tellError(id: Id | undefined, thrown: unknown, room: Room, method: string): Answer {
    const error = toRpcError(thrown)
    if (error.code === RpcCode.internal)
      this.#logger.error({ method, err: messageOf(thrown) }, 'a JSON-RPC method failed')
    if (id === undefined) return undefined
    const response = failure(id, error)
    // What a call reverted with may be as long as a result.
    if (response.length > room.left) return failure(id, tooLarge())
    room.left -= response.length
    return response
  }

  #call(name: string, params: unknown, caller: Caller): unknown {
    const method = this.#methods.get(name)
    if (!method)
      throw new RpcError(RpcCode.methodNotFound, `the method ${name.slice(0, 80)} does not exist/is not available`)
    if (params !== undefined && params !== null && !Array.isArray(params)) throw invalidParams('non-array args')
    return method((params ?? []) as unknown[], caller)
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
