import type { Cancellable, Protocol } from '@hawser/chain'
import { delay, type Clock } from '@hawser/primitives'
import { REQUEST_RATES } from './limits.ts'
import { TokenBucket } from './token-bucket.ts'

/** Part of what a peer lets pass, at once and in the long run: its clock and ours do not run alike, and its count may not begin with ours. */
const BURST_PORTION = 1 / 2
const RATE_PORTION = 2 / 3

/** Spaces the requests of one protocol to one peer, so that the peer never has to refuse one for its rate. */
export class Pace {
  readonly #bucket: TokenBucket
  readonly #clock: Clock
  readonly #pauseMs: number

  constructor(protocol: Protocol, clock: Clock) {
    const { burst, perSecond } = REQUEST_RATES[protocol]
    const rate = { burst: Math.max(1, burst * BURST_PORTION), perSecond: perSecond * RATE_PORTION }
    this.#bucket = new TokenBucket(rate, clock.nowMs())
    this.#clock = clock
    this.#pauseMs = 1000 / rate.perSecond
  }

  /** Resolves when one more request may be sent; rejects with the signal's reason. */
  async turn({ signal }: Cancellable = {}): Promise<void> {
    while (!this.#bucket.take(this.#clock.nowMs())) await delay(this.#pauseMs, { signal, clock: this.#clock })
  }
}
