/** A stream of numbers in [0, 1). */
export type Draw = () => number

/** mulberry32 on a seed and the concern that draws: one more draw for one concern moves no other. */
export function prng(seed: number, concern: string): Draw {
  let state = seed >>> 0
  for (let i = 0; i < concern.length; i++) state = Math.imul(state ^ concern.charCodeAt(i), 0x01000193) >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** A whole number in [low, high]. */
export function between(draw: Draw, low: number, high: number): number {
  return low + Math.floor(draw() * (high - low + 1))
}

/** One of a list that is not empty. */
export function pick<T>(draw: Draw, list: readonly T[]): T {
  return list[Math.floor(draw() * list.length)] as T
}

/** `count` different elements, in the order drawn. */
export function sample<T>(draw: Draw, list: readonly T[], count: number): T[] {
  const rest = [...list]
  const taken: T[] = []
  while (taken.length < count && rest.length > 0) taken.push(...rest.splice(Math.floor(draw() * rest.length), 1))
  return taken
}
