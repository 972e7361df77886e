import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../../shared/vectors/', import.meta.url))

/** Whether the shared test data is there; without it the tests that read it are skipped. */
export const hasVectors = existsSync(root)
if (!hasVectors) console.warn(`skipped: no test vectors at ../shared/vectors next to the repository`)

export function vectorBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(root + path))
}

export function vectorJson<T>(path: string): T {
  return JSON.parse(readFileSync(root + path, 'utf8')) as T
}

export function vectorText(path: string): string {
  return readFileSync(root + path, 'utf8')
}
