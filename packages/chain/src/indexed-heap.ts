/** A binary heap whose items change their worth while they are in it: each knows its place. Best first; O(log n) for each change. */
export class IndexedHeap<T> {
  readonly #better: (a: T, b: T) => boolean
  readonly #items: T[] = []
  readonly #places = new Map<T, number>()

  /** `better` is a strict order. */
  constructor(better: (a: T, b: T) => boolean) {
    this.#better = better
  }

  /** The item at a place: 0 is the best, the children of `i` are at `2i + 1` and `2i + 2`, and no better than it. */
  at(place: number): T | undefined {
    return this.#items[place]
  }

  /** Puts an item in, or in its new place when it is in and its worth has changed. */
  put(item: T): void {
    const place = this.#places.get(item)
    if (place !== undefined) return this.#settle(item, place)
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  delete(item: T): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    this.#places.delete(item)
    const last = this.#items.pop() as T
    if (last !== item) this.#settle(last, place)
  }

  /** Takes the best item out. */
  pop(): T | undefined {
    const best = this.#items[0]
    if (best !== undefined) this.delete(best)
    return best
  }

  #settle(item: T, place: number): void {
    const parent = this.#items[(place - 1) >> 1]
    if (place > 0 && this.#better(item, parent as T)) this.#rise(item, place)
    else this.#sink(item, place)
  }

  #rise(item: T, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = this.#items[parent] as T
      if (!this.#better(item, above)) break
      this.#seat(above, place)
      place = parent
    }
    this.#seat(item, place)
  }

  #sink(item: T, from: number): void {
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#items.length) break
      const right = child + 1
      if (right < this.#items.length && this.#better(this.#items[right] as T, this.#items[child] as T)) child = right
      const below = this.#items[child] as T
      if (!this.#better(below, item)) break
      this.#seat(below, place)
      place = child
    }
    this.#seat(item, place)
  }

  #seat(item: T, place: number): void {
    this.#items[place] = item
    this.#places.set(item, place)
  }
}
