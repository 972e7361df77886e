import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cliError } from './errors.ts'

const LOCK = 'devnet.pid'
/** What a devnet puts into its folder. */
const KNOWN = new Set(['l1', 'validators', 'chain-spec.json', 'devnet.json', LOCK])

/**
 * Makes a devnet's data folder this process's own; the answer gives it back. A folder with other things in it, or one that
 * a running devnet has, is refused and left as it is.
 * @throws DATA_FOLDER_INVALID
 */
export function claimDevnetFolder(folder: string): () => void {
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory())
      throw cliError('DATA_FOLDER_INVALID', `${folder} is a file, not a folder; choose another --data-dir`)
    const foreign = readdirSync(folder).find((name) => !KNOWN.has(name))
    if (foreign !== undefined)
      throw cliError(
        'DATA_FOLDER_INVALID',
        `${folder} holds something that is no devnet's (${foreign}); choose another --data-dir, or an empty folder`,
      )
  }
  const lock = join(folder, LOCK)
  const owner = existsSync(lock) ? Number(readFileSync(lock, 'utf8')) : 0
  if (isRunning(owner))
    throw cliError(
      'DATA_FOLDER_INVALID',
      `a devnet runs on ${folder} already (process ${owner}); stop it, or choose another --data-dir`,
    )
  mkdirSync(folder, { recursive: true })
  writeFileSync(lock, `${process.pid}\n`)
  return () => {
    rmSync(lock, { force: true })
    // What could not even start leaves no trace.
    if (readdirSync(folder).length === 0) rmdirSync(folder)
  }
}

function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
