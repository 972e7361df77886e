import type { PeerId, StateSink, Transport } from '@hawser/chain'
import type { Write } from '@hawser/storage'
import { AppError, isAppError, messageOf, type Logger } from '@hawser/primitives'
import type { P2pError } from './errors.ts'
import { decodeStateRange, encodeStateRequest } from './state-messages.ts'

/** Parts of the state that are fetched at the same time. */
const MAX_PARTS_AT_ONCE = 4
/** Storages and codes of one part's accounts that are fetched at the same time. */
const MAX_NEEDS_AT_ONCE = 4
/** A peer that so many times, one after the other, had no answer is asked no more. */
const MAX_FAILURES = 3
/** A range that proves nothing. */
const FALSE_SCORE = -1_000
const FIRST_KEY = new Uint8Array(32)
const LAST_KEY = new Uint8Array(32).fill(0xff)

export interface StateSyncParts {
  readonly transport: Pick<Transport, 'request' | 'peers' | 'report'>
  readonly sink: StateSink
  readonly logger: Logger
  readonly signal?: AbortSignal
}

/**
 * Fetches the whole state of the sink's block from all peers that keep it, then builds its tries. What it gives is left to write.
 * When it throws, nothing of it goes on: the sink is left alone.
 * @throws STATE_UNAVAILABLE when no peer is left that has it: begin with a younger block, or later; what came is kept for the same block
 */
export async function fetchState(parts: StateSyncParts): Promise<readonly Write[]> {
  const { sink, signal } = parts
  await new StateDownload(parts).run()
  return sink.finish({ signal })
}

class StateDownload {
  readonly #parts: StateSyncParts
  /** Who does not have this state, or told false things of it. */
  readonly #useless = new Set<PeerId>()
  /** How often each had no answer, and up to which request that is counted. */
  readonly #failures = new Map<PeerId, { readonly count: number; readonly upTo: number }>()
  /** The first failure ends all that is under way. */
  readonly #failed = new AbortController()
  readonly #signal: AbortSignal
  #turn = 0

  constructor(parts: StateSyncParts) {
    this.#parts = parts
    this.#signal = parts.signal ? AbortSignal.any([parts.signal, this.#failed.signal]) : this.#failed.signal
  }

  run(): Promise<void> {
    return this.#inParallel(this.#parts.sink.missing(), MAX_PARTS_AT_ONCE, ({ origin, limit }) =>
      this.#part(origin, limit),
    )
  }

  async #part(origin: Uint8Array, limit: Uint8Array): Promise<void> {
    const { sink } = this.#parts
    for (let at: Uint8Array | undefined = origin; at;) {
      const from: Uint8Array = at
      const taken = await this.#ask('state-range', this.#request(undefined, from, limit), async (answer) =>
        sink.accounts(from, limit, decodeStateRange(answer)),
      )
      const needs = [
        ...taken.storages.map(
          ({ account, root }) =>
            () =>
              this.#storage(account, root),
        ),
        ...taken.codes.map((hash) => () => this.#code(hash)),
      ]
      await this.#inParallel(needs, MAX_NEEDS_AT_ONCE, (need) => need())
      await taken.commit()
      at = taken.next
    }
  }

  async #storage(account: Uint8Array, root: Uint8Array): Promise<void> {
    for (let at: Uint8Array | undefined = FIRST_KEY; at;) {
      const from: Uint8Array = at
      const { next } = await this.#ask('state-range', this.#request(account, from, LAST_KEY), (answer) =>
        this.#parts.sink.storage(account, root, from, decodeStateRange(answer)),
      )
      at = next
    }
  }

  async #code(hash: Uint8Array): Promise<void> {
    await this.#ask('state-code', hash, async (code) => (await this.#parts.sink.code(hash, code)) || undefined)
  }

  #request(account: Uint8Array | undefined, origin: Uint8Array, limit: Uint8Array): Uint8Array {
    return encodeStateRequest({ block: this.#parts.sink.block, account, origin, limit })
  }

  /** Asks one peer after the other until `take` takes an answer. */
  async #ask<T>(
    protocol: 'state-range' | 'state-code',
    message: Uint8Array,
    take: (answer: Uint8Array) => Promise<T | undefined>,
  ): Promise<T> {
    const { transport, logger } = this.#parts
    const signal = this.#signal
    for (;;) {
      signal.throwIfAborted()
      const peers = transport.peers().filter(({ id }) => !this.#useless.has(id))
      const turn = this.#turn++
      const peer = peers[turn % Math.max(1, peers.length)]?.id
      if (peer === undefined)
        throw new AppError<P2pError>(
          { code: 'STATE_UNAVAILABLE', fault: 'peer', retry: true },
          `no peer has the state of block ${this.#parts.sink.block.number}`,
        )
      let answer: Uint8Array
      try {
        answer = await transport.request(peer, protocol, message, { signal })
      } catch (error) {
        signal.throwIfAborted()
        // Not here, busy or too slow: others are asked, and nobody is blamed.
        logger.debug({ peer, err: messageOf(error) }, 'a part of the state was not delivered')
        const { count, upTo } = this.#failures.get(peer) ?? { count: 0, upTo: -1 }
        // Requests that were under way when the last failure was counted are of the same mishap.
        if (turn <= upTo) continue
        this.#failures.set(peer, { count: count + 1, upTo: this.#turn - 1 })
        if (count + 1 >= MAX_FAILURES) this.#useless.add(peer)
        continue
      }
      signal.throwIfAborted()
      let taken: T | undefined
      try {
        taken = await take(answer)
      } catch (error) {
        if (!isAppError(error) || error.info.fault !== 'peer') throw error
      }
      if (taken !== undefined) {
        this.#failures.delete(peer)
        return taken
      }
      this.#useless.add(peer)
      transport.report(peer, FALSE_SCORE, 'a part of a state that proves nothing')
    }
  }

  /** Runs a task for each item, so many at the same time. The first failure is what it throws, when all of them have come to an end. */
  async #inParallel<T>(items: readonly T[], limit: number, task: (item: T) => Promise<void>): Promise<void> {
    let next = 0
    const worker = async () => {
      try {
        while (next < items.length) await task(items[next++] as T)
      } catch (error) {
        this.#failed.abort(error)
        throw error
      }
    }
    await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, worker))
    this.#signal.throwIfAborted()
  }
}
