import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '@hawser/primitives'

/** A pause id is a number of at most 20 digits. */
const MAX_REQUEST_BYTES = 64

function requestFile(dataDir: string): string {
  return join(dataDir, 'vote-resume')
}

/**
 * Asks the validator that runs in a data folder to vote for resuming the paused bridge. It goes through the file system: whoever may write to the
 * folder holds the validator's keys anyway, and JSON-RPC has no administration.
 */
export function writeResumeRequest(dataDir: string, pauseId: bigint): void {
  const file = requestFile(dataDir)
  writeFileSync(`${file}.new`, `${pauseId}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Takes an operator's request, if there is one; a malformed one is removed with a warning. */
export function takeResumeRequest(dataDir: string, logger: Logger): bigint | undefined {
  const file = requestFile(dataDir)
  if (!existsSync(file)) return undefined
  const text = statSync(file).size <= MAX_REQUEST_BYTES ? readFileSync(file, 'utf8').trim() : ''
  rmSync(file)
  if (/^\d{1,20}$/.test(text)) return BigInt(text)
  logger.warn({ file }, 'the request to vote for resuming holds no pause id; it was removed')
  return undefined
}
