import { RpcCode, RpcError } from './errors.ts'

interface Waiting {
  readonly start: () => void
  readonly refuse: (error: RpcError) => void
}

/** Lets only so many run at the same time; of those that wait, clients take turns, so that one cannot keep the others out. */
export class Turnstile {
  readonly #maxRunning: number
  readonly #maxWaiting: number
  /** The word for what runs, told to those that are refused. */
  readonly #what: string
  /** Who waits, by client; the first client of the map has the next turn. */
  readonly #waiting = new Map<string, Waiting[]>()
  #waitingCount = 0
  #running = 0

  constructor(maxRunning: number, maxWaiting: number, what: string) {
    this.#maxRunning = maxRunning
    this.#maxWaiting = maxWaiting
    this.#what = what
  }

  /** @throws -32005 when too many wait already */
  async enter(client: string): Promise<void> {
    if (this.#running < this.#maxRunning) {
      this.#running++
      return
    }
    if (this.#waitingCount >= this.#maxWaiting) this.#makeRoom(client)
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
      `the node is busy: at most ${this.#maxRunning} ${this.#what} at the same time, try again later`,
    )
    const most = [...this.#waiting.values()].reduce((a, b) => (b.length > a.length ? b : a))
    if ((this.#waiting.get(client)?.length ?? 0) + 1 >= most.length) throw busy
    most.pop()?.refuse(busy)
    this.#waitingCount--
  }

  /** To be called once for every `enter` that did not throw. */
  leave(): void {
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
}
