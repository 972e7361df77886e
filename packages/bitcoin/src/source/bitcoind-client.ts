import { readFile } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { err, messageOf, ok, type Result } from '@hawser/primitives'
import { bitcoinError, type BitcoinError } from '../errors.ts'

/** A block of 4 MB is 8 MB of hex; a verbose one may be some times that. */
export const MAX_RESPONSE_BYTES = 64 * 1024 * 1024
/** How long one call may take unless told otherwise, milliseconds. */
export const DEFAULT_TIMEOUT_MS = 30_000

export type BitcoindAuth = { readonly cookieFile: string } | { readonly user: string; readonly password: string }

export interface BitcoindClientOptions {
  /** For example http://127.0.0.1:8332 */
  readonly url: string
  readonly auth: BitcoindAuth
  readonly timeoutMs?: number
  readonly maxResponseBytes?: number
}

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly timeoutMs?: number
}

export interface BitcoindCall {
  readonly method: string
  readonly params?: readonly unknown[]
}

interface Answer {
  result?: unknown
  error?: { code?: unknown; message?: unknown } | null
  id?: unknown
}

/** bitcoind's JSON-RPC over HTTP: bounded answers, cookie read again on 401, one retry on a dropped idle connection. */
export class BitcoindClient {
  readonly url: string
  readonly #auth: BitcoindAuth
  readonly #timeoutMs: number
  readonly #maxBytes: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 })
  #credentials: string | undefined
  #nextId = 1

  constructor(options: BitcoindClientOptions) {
    this.url = options.url
    this.#auth = options.auth
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    this.#maxBytes = options.maxResponseBytes ?? MAX_RESPONSE_BYTES
  }

  /**
   * Calls one method and answers its result; the type is the caller's promise, to be checked where it matters.
   * @throws BITCOIND_RPC with rpcCode, BITCOIND_UNREACHABLE, BITCOIND_UNAUTHORIZED, BITCOIND_BAD_ANSWER
   */
  async call<T>(method: string, params: readonly unknown[] = [], options: CallOptions = {}): Promise<T> {
    const id = this.#nextId++
    const answer = await this.#send({ jsonrpc: '1.0', id, method, params }, options)
    const result = resultOf(method, answer as Answer)
    if (!result.ok) throw result.error
    return result.value as T
  }

  /** Calls many methods in one request; each has its own result or error, in order. */
  async batch<T>(calls: readonly BitcoindCall[], options: CallOptions = {}): Promise<Result<T, BitcoinError>[]> {
    if (calls.length === 0) return []
    const body = calls.map(({ method, params = [] }, id) => ({ jsonrpc: '1.0', id, method, params }))
    const answers = await this.#send(body, options)
    if (!Array.isArray(answers)) throw badAnswer('a batch was not answered by an array')
    const byId = new Map((answers as Answer[]).map((answer) => [answer?.id, answer]))
    return calls.map(({ method }, id) => resultOf(method, byId.get(id)) as Result<T, BitcoinError>)
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy()
  }

  async #send(body: unknown, options: CallOptions): Promise<unknown> {
    const text = JSON.stringify(body)
    let answer = await this.#post(text, options)
    if (answer.status === 401) {
      // bitcoind writes a new cookie at every start.
      this.#credentials = undefined
      answer = await this.#post(text, options)
    }
    if (answer.status === 401 || answer.status === 403)
      throw bitcoinError(
        'BITCOIND_UNAUTHORIZED',
        'local',
        `bitcoind at ${this.url} refused the credentials (${answer.status})`,
      )
    try {
      return JSON.parse(answer.text)
    } catch (cause) {
      throw badAnswer(`HTTP status ${answer.status}: ${answer.text.slice(0, 200)}`, cause)
    }
  }

  async #post(body: string, options: CallOptions): Promise<{ status: number; text: string }> {
    const credentials = (this.#credentials ??= await this.#readCredentials())
    try {
      return await this.#once(body, credentials, options)
    } catch (error) {
      if (!(error instanceof DroppedConnection)) throw error
      return this.#once(body, credentials, options)
    }
  }

  async #readCredentials(): Promise<string> {
    if ('user' in this.#auth) return `${this.#auth.user}:${this.#auth.password}`
    try {
      return (await readFile(this.#auth.cookieFile, 'utf8')).trim()
    } catch (cause) {
      const message = `cannot read the cookie ${this.#auth.cookieFile}; is bitcoind running?`
      throw bitcoinError('BITCOIND_UNREACHABLE', 'local', message, { cause, retry: true })
    }
  }

  #once(body: string, credentials: string, options: CallOptions): Promise<{ status: number; text: string }> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? this.#timeoutMs)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        this.url,
        {
          method: 'POST',
          agent: this.#agent,
          auth: credentials,
          signal,
          headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) },
        },
        (response) => {
          const chunks: Buffer[] = []
          let length = 0
          response.on('data', (chunk: Buffer) => {
            length += chunk.length
            if (length <= this.#maxBytes) chunks.push(chunk)
            else request.destroy(badAnswer(`more than ${this.#maxBytes} bytes`))
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
          )
          response.on('error', (cause) => reject(this.#failure(cause, options)))
        },
      )
      request.on('error', (cause: NodeJS.ErrnoException) => {
        // An idle connection that the other side had closed: nothing was processed.
        const dropped = request.reusedSocket && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
        reject(dropped ? new DroppedConnection() : this.#failure(cause, options))
      })
      request.end(body)
    })
  }

  #failure(cause: Error, options: CallOptions): Error {
    if ('info' in cause) return cause
    if (options.signal?.aborted && options.signal.reason instanceof Error) return options.signal.reason
    return bitcoinError('BITCOIND_UNREACHABLE', 'peer', `bitcoind at ${this.url} did not answer: ${messageOf(cause)}`, {
      cause,
      retry: true,
    })
  }
}

class DroppedConnection extends Error {}

function resultOf(method: string, answer: Answer | undefined): Result<unknown, BitcoinError> {
  if (typeof answer !== 'object' || answer === null) return err(badAnswer(`no answer to ${method}`))
  if (answer.error) {
    const reason = String(answer.error.message).slice(0, 500)
    const rpcCode = Number(answer.error.code)
    return err(bitcoinError('BITCOIND_RPC', 'peer', `${method}: ${reason} (${rpcCode})`, { rpcCode, reason }))
  }
  return ok(answer.result)
}

function badAnswer(why: string, cause?: unknown): BitcoinError {
  return bitcoinError('BITCOIND_BAD_ANSWER', 'peer', `bitcoind's answer cannot be used: ${why}`, { cause })
}
