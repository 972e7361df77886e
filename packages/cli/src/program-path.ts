import { fileURLToPath } from 'node:url'

/** The bundled command itself, which a devnet runs as its validators: esbuild makes this module part of it. */
export function programPath(): string {
  return fileURLToPath(import.meta.url)
}
