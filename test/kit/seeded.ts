/** Repeatable choices: the mulberry32 generator on a seed that the test prints. */
export class Seeded {
  readonly seed: number
  #state: number

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#state = this.seed
  }

  /** The seed in HAWSER_SEED, or one of the clock's; printed, so that a run can be repeated. */
  static fromEnv(what: string): Seeded {
    const seed = Number(process.env['HAWSER_SEED'] ?? Date.now() % 1_000_000)
    console.log(`${what}: HAWSER_SEED=${seed}`)
    return new Seeded(seed)
  }

  /** 0 (inclusive) to 1 (exclusive). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let x = this.#state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to, not including, a limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }

  /** Some of a list, each once. */
  some<T>(items: readonly T[], count: number): T[] {
    const left = [...items]
    return Array.from({ length: count }, () => left.splice(this.below(left.length), 1)[0] as T)
  }
}
