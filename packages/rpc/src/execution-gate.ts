import type { Clock } from '@hawser/primitives'
import { RpcCode, RpcError } from './errors.ts'
import { MAX_CLIENTS, MAX_WAITING_FACTOR, type RpcLimits } from './limits.ts'
import type { Method, Methods } from './method.ts'
import { Turns } from './turns.ts'

/** What runs the EVM or reads much: only so many at the same time. */
const EXECUTIONS = new Set([
  'eth_call',
  'eth_estimateGas',
  'eth_createAccessList',
  'eth_fillTransaction',
  'eth_simulateV1',
  'eth_getLogs',
  'eth_getFilterLogs',
  'eth_getProof',
  'eth_feeHistory',
  'testing_buildBlockV1',
  'bridge_getDeposits',
  'bridge_getReserves',
  'bridge_getReservesProof',
  'bridge_getCustodyCoins',
  'bridge_getWithdrawals',
  'finality_getProof',
])

/** What may run for seconds: only so many in a second for one client. */
function isTrace(method: string): boolean {
  return method.startsWith('debug_trace') || method === 'eth_simulateV1'
}

interface Waiting {
  readonly start: () => void
  readonly refuse: (error: RpcError) => void
}

/** Keeps expensive methods within their limits; clients take turns, so that one cannot keep the others out. */
export class ExecutionGate {
  readonly #limits: RpcLimits
  readonly #clock: Clock
  /** Who waits, by client; the first client of the map has the next turn. */
  readonly #waiting = new Map<string, Waiting[]>()
  #waitingCount = 0
  readonly #turns = new Turns()
  /** What each client has begun in its present second. */
  readonly #rates = new Map<string, { second: number; count: number }>()
  #running = 0

  constructor(limits: RpcLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** The methods, with the expensive ones behind the gate. */
  guard(methods: Methods): Record<string, Method> {
    return Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [
        name,
        EXECUTIONS.has(name) || name.startsWith('debug_trace') ? this.#guarded(name, method) : method,
      ]),
    )
  }

  #guarded(name: string, method: Method): Method {
    return async (params, caller) => {
      if (isTrace(name)) this.#count(caller.address)
      await this.#enter(caller.address)
      try {
        // Those that wait for nothing would run one after the other, with nothing of the node's own between them.
        await this.#turns.next()
        return await method(params, caller)
      } finally {
        this.#leave()
      }
    }
  }

  /** @throws -32005 when too many wait already */
  async #enter(client: string): Promise<void> {
    if (this.#running < this.#limits.maxExecutions) {
      this.#running++
      return
    }
    if (this.#waitingCount >= this.#limits.maxExecutions * MAX_WAITING_FACTOR) this.#makeRoom(client)
    this.#waitingCount++
    // Whoever leaves hands its place on.
    await new Promise<void>((start, refuse) => {
      const mine = this.#waiting.get(client)
      if (mine) mine.push({ start, refuse })
      else this.#waiting.set(client, [{ start, refuse }])
    })
  }

  /** The last request of the client that has most of them waiting gives way. @throws -32005 when it is this client */
  #makeRoom(client: string): void {
    const busy = new RpcError(
      RpcCode.limitExceeded,
      `the node is busy: ${this.#limits.maxExecutions} executions run, try again later`,
    )
    const most = [...this.#waiting.values()].reduce((a, b) => (b.length > a.length ? b : a))
    if ((this.#waiting.get(client)?.length ?? 0) + 1 >= most.length) throw busy
    most.pop()?.refuse(busy)
    this.#waitingCount--
  }

  #leave(): void {
    const [turn] = this.#waiting
    if (!turn) {
      this.#running--
      return
    }
    const [client, mine] = turn
    const next = mine.shift()
    this.#waiting.delete(client)
    if (mine.length > 0) this.#waiting.set(client, mine)
    this.#waitingCount--
    next?.start()
  }

  /** @throws -32005 when the client began too many in this second */
  #count(client: string): void {
    const { maxTracesPerSecond } = this.#limits
    const second = Math.floor(this.#clock.nowMs() / 1000)
    const rate = this.#rates.get(client)
    if (rate?.second !== second) {
      this.#rates.delete(client)
      this.#rates.set(client, { second, count: 1 })
      const oldest = this.#rates.keys().next()
      if (this.#rates.size > MAX_CLIENTS && !oldest.done) this.#rates.delete(oldest.value)
      return
    }
    if (++rate.count > maxTracesPerSecond)
      throw new RpcError(
        RpcCode.limitExceeded,
        `rate limit exceeded: at most ${maxTracesPerSecond} traces and simulations a second`,
      )
  }
}
