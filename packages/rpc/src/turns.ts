/** How long the event loop may wait for one loop, in ms. */
const MAX_STRETCH_MS = 10

/** Lets the node's other work go on during a long loop. */
export class Turns {
  #stretchEndMs = performance.now() + MAX_STRETCH_MS

  /** To be awaited once a turn; mostly gives nothing to wait for. */
  next(): Promise<void> | undefined {
    if (performance.now() < this.#stretchEndMs) return undefined
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#stretchEndMs = performance.now() + MAX_STRETCH_MS
        resolve()
      }),
    )
  }
}
