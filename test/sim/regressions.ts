import { readFileSync } from 'node:fs'
import type { Profile, SimConfig } from './config.ts'
import { planOf } from './plan.ts'

/** A run that once failed: by its seed, or by its whole config where the planning of seeds has changed since. */
export interface Regression {
  /** What was wrong. */
  readonly was: string
  readonly seed: number
  readonly profile: Profile
  readonly config?: SimConfig
}

/** The runs that once failed, oldest first; they run before all others. */
export function regressions(): Regression[] {
  return JSON.parse(readFileSync(new URL('regressions.json', import.meta.url), 'utf8')) as Regression[]
}

export function configOf({ seed, profile, config }: Regression): SimConfig {
  return config ?? planOf({ seed, profile })
}
