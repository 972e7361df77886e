import { randomBytes } from 'node:crypto'
import { transactionHash } from '@hawser/chain'
import { toHex, type Clock, type Hash32, type Hex } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { HeadNews } from './head-news.ts'
import { formatTransaction } from './format.ts'
import { FILTER_LIFETIME_MS, MAX_FILTERS, MAX_WAITING_RESULTS } from './limits.ts'
import { quantity } from './params.ts'
import { readLogFilter, type LogFilter, type LogRange } from './log-filter.ts'

type Event =
  | { readonly kind: 'heads'; readonly news: HeadNews }
  | { readonly kind: 'transaction'; readonly hash: Hash32; readonly whole: () => unknown }
  /** The node fell behind, or came in step again. */
  | { readonly kind: 'sync'; readonly status: unknown }

type Interest =
  | { readonly kind: 'newHeads' }
  | { readonly kind: 'logs'; readonly filter: LogFilter; readonly range?: LogRange }
  | { readonly kind: 'newPendingTransactions'; readonly whole: boolean }
  | { readonly kind: 'syncing' }

/** What an event is to an interest: zero or more results. */
function results(interest: Interest, event: Event): readonly unknown[] {
  switch (interest.kind) {
    case 'newHeads':
      return event.kind === 'heads' ? event.news.headers() : []
    case 'logs':
      return event.kind === 'heads' ? event.news.logs(interest.filter) : []
    case 'newPendingTransactions':
      return event.kind === 'transaction' ? [interest.whole ? event.whole() : event.hash] : []
    case 'syncing':
      return event.kind === 'sync' ? [event.status] : []
  }
}

export interface Subscriber {
  send(message: object): void
  /** False once it has left: a request that was waiting then must not bring it back. */
  isOpen(): boolean
}

interface Filter {
  readonly interest: Interest
  readonly blocks: boolean
  waiting: unknown[]
  usedAtMs: number
}

/** eth_subscribe over WebSocket, and its older form, filters that are polled. */
export class Subscriptions {
  readonly #backend: RpcBackend
  readonly #clock: Clock
  readonly #bySubscriber = new Map<Subscriber, Map<Hex, Interest>>()
  /** The one unused for longest first. */
  readonly #filters = new Map<Hex, Filter>()
  readonly #stops: (() => void)[]
  readonly #maxSubscriptions: number
  #behind: boolean

  constructor(backend: RpcBackend, clock: Clock, maxSubscriptions: number) {
    this.#backend = backend
    this.#clock = clock
    this.#maxSubscriptions = maxSubscriptions
    this.#behind = backend.syncTarget() !== undefined
    this.#stops = [
      backend.onHead((change) => {
        if (this.#anybody) this.#spread({ kind: 'heads', news: new HeadNews(backend, change) })
        this.#lookAtSync()
      }),
      backend.onPendingTransaction((tx) => {
        if (!this.#anybody) return
        let formed: unknown
        this.#spread({
          kind: 'transaction',
          hash: transactionHash(tx),
          whole: () => (formed ??= formatTransaction(tx)),
        })
      }),
    ]
  }

  stop(): void {
    for (const stop of this.#stops) stop()
  }

  subscribe(subscriber: Subscriber, name: unknown, options: unknown): Hex {
    if (!subscriber.isOpen()) throw new RpcError(RpcCode.server, 'the connection is closed')
    const mine = this.#bySubscriber.get(subscriber) ?? new Map<Hex, Interest>()
    if (mine.size >= this.#maxSubscriptions)
      throw new RpcError(RpcCode.limitExceeded, `a connection may have ${this.#maxSubscriptions} subscriptions`)
    const id = freshId()
    mine.set(id, readInterest(name, options))
    this.#bySubscriber.set(subscriber, mine)
    return id
  }

  unsubscribe(subscriber: Subscriber, id: Hex): boolean {
    return this.#bySubscriber.get(subscriber)?.delete(id) ?? false
  }

  leave(subscriber: Subscriber): void {
    this.#bySubscriber.delete(subscriber)
  }

  /** A polling filter. `blocks`: hashes of new blocks instead of their headers. */
  addFilter(interest: Interest, blocks = false): Hex {
    this.#dropExpired()
    const [longestUnused] = this.#filters.keys()
    if (this.#filters.size >= MAX_FILTERS && longestUnused) this.#filters.delete(longestUnused)
    const id = freshId()
    this.#filters.set(id, { interest, blocks, waiting: [], usedAtMs: this.#clock.nowMs() })
    return id
  }

  removeFilter(id: Hex): boolean {
    return this.#filters.delete(id)
  }

  filterInterest(id: Hex): Interest {
    return this.#use(id).interest
  }

  /** What came since the last time. */
  changes(id: Hex): unknown[] {
    const filter = this.#use(id)
    const { waiting } = filter
    filter.waiting = []
    return waiting
  }

  /** The filter, which is now the last one used. @throws -32000 */
  #use(id: Hex): Filter {
    this.#dropExpired()
    const filter = this.#filters.get(id)
    if (!filter) throw new RpcError(RpcCode.server, 'filter not found')
    filter.usedAtMs = this.#clock.nowMs()
    this.#filters.delete(id)
    this.#filters.set(id, filter)
    return filter
  }

  #dropExpired(): void {
    const now = this.#clock.nowMs()
    for (const [id, { usedAtMs }] of this.#filters) {
      if (now - usedAtMs <= FILTER_LIFETIME_MS) return
      this.#filters.delete(id)
    }
  }

  /** Whether anybody listens: otherwise an event costs nothing. */
  get #anybody(): boolean {
    return this.#bySubscriber.size > 0 || this.#filters.size > 0
  }

  #spread(event: Event): void {
    for (const [subscriber, interests] of this.#bySubscriber)
      for (const [subscription, interest] of interests)
        for (const result of results(interest, event))
          subscriber.send({ jsonrpc: '2.0', method: 'eth_subscription', params: { subscription, result } })
    for (const filter of this.#filters.values()) {
      const found = results(filter.interest, event)
      filter.waiting.push(...(filter.blocks ? found.map((header) => (header as { hash: Hex }).hash) : found))
      // A client that does not poll loses the oldest, not the node its memory.
      if (filter.waiting.length > MAX_WAITING_RESULTS)
        filter.waiting.splice(0, filter.waiting.length - MAX_WAITING_RESULTS)
    }
  }

  /** The node knows whether it is behind by its target, which moves with the head. */
  #lookAtSync(): void {
    const target = this.#backend.syncTarget()
    if ((target !== undefined) === this.#behind) return
    this.#behind = target !== undefined
    const current = this.#backend.store.pointers().head.number
    this.#spread({
      kind: 'sync',
      status: target !== undefined && {
        syncing: true,
        status: {
          startingBlock: quantity(current),
          currentBlock: quantity(current),
          highestBlock: quantity(target > current ? target : current),
        },
      },
    })
  }
}

function readInterest(name: unknown, options: unknown): Interest {
  if (name === 'newHeads') return { kind: 'newHeads' }
  if (name === 'logs') return { kind: 'logs', filter: readLogFilter(options) }
  if (name === 'newPendingTransactions') return { kind: 'newPendingTransactions', whole: options === true }
  if (name === 'syncing') return { kind: 'syncing' }
  throw invalidParams(
    `no "${typeof name === 'string' ? name.slice(0, 80) : typeof name}" subscription in eth namespace; there are newHeads, logs, newPendingTransactions and syncing`,
  )
}

function freshId(): Hex {
  return toHex(randomBytes(16))
}
