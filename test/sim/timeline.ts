interface Task {
  readonly atMs: number
  readonly seq: number
  readonly run: () => void
}

/** Virtual time: tasks in the order of time, then of creation, from a binary heap. */
export class Timeline {
  nowMs = 0
  /** Tasks that have run. */
  done = 0
  readonly #heap: Task[] = []
  #seq = 0

  /** Tasks that wait. */
  get waiting(): number {
    return this.#heap.length
  }

  at(atMs: number, run: () => void): void {
    const task = { atMs: atMs < this.nowMs ? this.nowMs : atMs, seq: this.#seq++, run }
    const heap = this.#heap
    let i = heap.push(task) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (before(heap[parent] as Task, task)) break
      heap[i] = heap[parent] as Task
      i = parent
    }
    heap[i] = task
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run)
  }

  /** Runs the next task if it is due by then; false when there is none. */
  step(untilMs: number): boolean {
    const task = this.#heap[0]
    if (task === undefined || task.atMs > untilMs) return false
    this.#pop()
    this.nowMs = task.atMs
    this.done++
    task.run()
    return true
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop() as Task
    if (heap.length === 0) return
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Task, heap[child] as Task)) child++
      if (before(last, heap[child] as Task)) break
      heap[i] = heap[child] as Task
      i = child
    }
    heap[i] = last
  }
}

function before(a: Task, b: Task): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.seq < b.seq)
}
