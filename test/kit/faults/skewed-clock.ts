import { systemClock } from '@hawser/primitives'
import type { Fault } from './fault.ts'

/** A clock that is wrong by so much, and runs as fast as others. */
export function skewedClock(offsetMs: number): Fault {
  return { clock: { nowMs: () => systemClock.nowMs() + offsetMs, after: systemClock.after } }
}
