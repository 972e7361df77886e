import { delay } from '@hawser/primitives'
import { sdkError } from './errors.ts'

/** How the waiting functions wait. */
export interface WaitOptions {
  /** Between two looks; 1,000 ms unless told otherwise. */
  readonly pollMs?: number
  /** Gives up after so long; 30 minutes unless told otherwise. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

const DEFAULT_POLL_MS = 1_000
const DEFAULT_TIMEOUT_MS = 30 * 60_000

/** @internal Looks until there is an answer. @throws WAIT_TIMEOUT, and whatever looking throws */
export async function poll<T>(
  what: () => string,
  look: () => Promise<T | undefined>,
  { pollMs = DEFAULT_POLL_MS, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: WaitOptions,
): Promise<T> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (Date.now() + pollMs > end)
      throw sdkError(
        'WAIT_TIMEOUT',
        'user',
        `${what()} after ${Math.round(timeoutMs / 1000)} s; it goes on without you, look again later`,
        { retry: true },
      )
    await delay(pollMs, { signal })
  }
}
