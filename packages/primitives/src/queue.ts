import { AppError } from './errors.ts'

/**
 * A bounded first-in, first-out queue with one consumer: events go in from anywhere, one writer takes them out.
 * What does not fit is refused at the door, so a flood costs no memory. What is urgent has a lane of its own, which goes first.
 */
export class BoundedQueue<T> {
  readonly #items: T[] = []
  readonly #urgent: T[] = []
  readonly #limit: number
  #wake: (() => void) | undefined
  #closed = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#items.length + this.#urgent.length
  }

  /** Puts an item in; false when its lane is full or the queue is closed. */
  push(item: T, { urgent = false }: { readonly urgent?: boolean } = {}): boolean {
    const lane = urgent ? this.#urgent : this.#items
    return lane.length < this.#limit && this.#put(item, lane)
  }

  /** Puts an urgent item in beyond the limit: only for what the owner makes itself, and nobody can multiply. False when closed. */
  pushOwn(item: T): boolean {
    return this.#put(item, this.#urgent)
  }

  #put(item: T, lane: T[]): boolean {
    if (this.#closed) return false
    lane.push(item)
    this.#wake?.()
    return true
  }

  /** No more items; the consumer ends after those that are in. */
  close(): void {
    this.#closed = true
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    if (this.#wake) throw new AppError({ code: 'QUEUE_TWO_CONSUMERS', fault: 'local' }, 'a queue has one consumer')
    for (;;) {
      const item = this.#urgent.shift() ?? this.#items.shift()
      if (item !== undefined) {
        yield item
        continue
      }
      if (this.#closed) return
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = undefined
    }
  }
}
