import type { Clock } from '@hawser/primitives'
import { RpcCode, RpcError } from './errors.ts'
import { MAX_CLIENTS, MAX_WAITING_CLAIMS, MAX_WAITING_FACTOR, type RpcLimits } from './limits.ts'
import type { Method, Methods } from './method.ts'
import { Turnstile } from './turnstile.ts'
import { Turns } from './turns.ts'

/** What runs the EVM, reads much or asks the node's own Bitcoin: only so many at the same time. */
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
  'bridge_getBatch',
  'bridge_getDeposit',
  'bridge_getWithdrawal',
  'bridge_getWithdrawals',
  'btc_estimateFeeRate',
  'finality_getProof',
  'finality_getSetProofs',
])

/** Of what may run for seconds, and of what the node keeps and tells others, one client has only so many in a second. */
function rateOf(method: string, limits: RpcLimits): Rate | undefined {
  if (method.startsWith('debug_trace') || method === 'eth_simulateV1')
    return { what: 'traces and simulations', most: limits.maxTracesPerSecond }
  if (method === 'bridge_getDepositAddress') return { what: 'deposit addresses', most: limits.maxAddressesPerSecond }
  return undefined
}

interface Rate {
  readonly what: string
  readonly most: number
}

/** Keeps expensive methods within their limits. */
export class ExecutionGate {
  readonly #limits: RpcLimits
  readonly #clock: Clock
  readonly #executions: Turnstile
  readonly #claims = new Turnstile(1, MAX_WAITING_CLAIMS, 'claim')
  readonly #turns = new Turns()
  /** What each client has begun of a kind in its present second. */
  readonly #rates = new Map<string, { second: number; count: number }>()

  constructor(limits: RpcLimits, clock: Clock) {
    this.#limits = limits
    this.#executions = new Turnstile(limits.maxExecutions, limits.maxExecutions * MAX_WAITING_FACTOR, 'executions')
    this.#clock = clock
  }

  /** The methods, with the expensive ones behind the gate. */
  guard(methods: Methods): Record<string, Method> {
    return Object.fromEntries(
      Object.entries(methods).map(([name, method]) => {
        const turnstile = this.#turnstileOf(name)
        const rate = rateOf(name, this.#limits)
        const passed = turnstile ? this.#guarded(method, turnstile) : method
        return [name, rate ? this.#limited(passed, rate) : passed]
      }),
    )
  }

  #turnstileOf(method: string): Turnstile | undefined {
    // It may read a thousand Bitcoin blocks.
    if (method === 'bridge_claim') return this.#claims
    return EXECUTIONS.has(method) || method.startsWith('debug_trace') ? this.#executions : undefined
  }

  #limited(method: Method, rate: Rate): Method {
    return async (params, caller) => {
      this.#count(caller.address, rate)
      return method(params, caller)
    }
  }

  #guarded(method: Method, turnstile: Turnstile): Method {
    return async (params, caller) => {
      await turnstile.enter(caller.address)
      try {
        // Those that wait for nothing would run one after the other, with nothing of the node's own between them.
        await this.#turns.next()
        return await method(params, caller)
      } finally {
        turnstile.leave()
      }
    }
  }

  /** @throws -32005 when the client began too many in this second */
  #count(address: string, { what, most }: Rate): void {
    const client = `${address} ${what}`
    const second = Math.floor(this.#clock.nowMs() / 1000)
    const rate = this.#rates.get(client)
    if (rate?.second !== second) {
      this.#rates.delete(client)
      this.#rates.set(client, { second, count: 1 })
      const oldest = this.#rates.keys().next()
      if (this.#rates.size > MAX_CLIENTS && !oldest.done) this.#rates.delete(oldest.value)
      return
    }
    if (++rate.count > most)
      throw new RpcError(RpcCode.limitExceeded, `rate limit exceeded: at most ${most} ${what} a second`)
  }
}
