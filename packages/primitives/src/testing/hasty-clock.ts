import type { Clock } from '../clock.ts'

/** Goes on to the next callback at once. */
export class HastyClock implements Clock {
  #now = 0
  nowMs(): number {
    return this.#now
  }
  after(delayMs: number, callback: () => void): () => void {
    this.#now += delayMs
    queueMicrotask(callback)
    return () => undefined
  }
}
