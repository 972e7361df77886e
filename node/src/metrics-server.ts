import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AppError, messageOf, type Logger } from '@hawser/primitives'
import type { NodeError } from './errors.ts'
import type { Health } from './health.ts'

/** Scrapers are few; nobody else has business here. */
const MAX_CONNECTIONS = 32
const TIMEOUT_MS = 10_000

export interface MetricsServerParts {
  readonly host: string
  readonly port: number
  readonly metrics: () => Promise<{ readonly body: string; readonly contentType: string }>
  readonly health: () => Promise<Health>
  readonly logger: Logger
}

/** GET /metrics for Prometheus, GET /health for people and load balancers (503 when the node is not well). */
export class MetricsServer {
  readonly #http: Server

  private constructor(http: Server) {
    this.#http = http
  }

  /** @throws METRICS_PORT_TAKEN */
  static async start({ host, port, metrics, health, logger }: MetricsServerParts): Promise<MetricsServer> {
    const http = createServer({ requestTimeout: TIMEOUT_MS, headersTimeout: TIMEOUT_MS }, (request, response) => {
      const answer = (status: number, contentType: string, body: string) =>
        response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(body)
      const path = request.url?.split('?', 1)[0]
      if (request.method !== 'GET' && request.method !== 'HEAD') return answer(405, 'text/plain', 'only GET\n')
      const reply =
        path === '/metrics'
          ? metrics().then(({ body, contentType }) => answer(200, contentType, body))
          : path === '/health'
            ? health().then((told) => answer(told.healthy ? 200 : 503, 'application/json', `${JSON.stringify(told)}\n`))
            : Promise.resolve(answer(404, 'text/plain', 'there is /metrics and /health\n'))
      reply.catch((error: unknown) => {
        logger.error({ err: messageOf(error), path }, 'metrics or health could not be told')
        response.destroy()
      })
    })
    http.maxConnections = MAX_CONNECTIONS
    await new Promise<void>((resolve, reject) => {
      http.once('error', (cause) =>
        reject(
          new AppError<NodeError>(
            { code: 'METRICS_PORT_TAKEN', fault: 'user' },
            `cannot listen on ${host}:${port} for metrics: ${messageOf(cause)}; stop what uses it or choose another --metrics-port`,
            { cause },
          ),
        ),
      )
      http.listen(port, host, resolve)
    })
    return new MetricsServer(http)
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    await closed
  }
}
