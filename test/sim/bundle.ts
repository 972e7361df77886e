import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Order } from './worker-entry.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Beside the sources, for the native addon is found from there. */
const OUT = join(ROOT, 'test', 'build', 'sim')

/** A line of a source file that a mutant reads differently. */
export interface Patch {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/** Bundles the simulator's process, with some lines of the sources replaced; gives the file. */
export async function bundle(name: string, patches: readonly Patch[] = []): Promise<string> {
  mkdirSync(OUT, { recursive: true })
  const outfile = join(OUT, `${name}.mjs`)
  const left = new Set(patches)
  await build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), 'worker-entry.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['@hawser/source'],
    external: ['secp256k1', 'classic-level'],
    banner: {
      js: "import { createRequire as hawserRequire } from 'node:module'; const require = hawserRequire(import.meta.url);",
    },
    logLevel: 'error',
    plugins: [
      {
        name: 'mutant',
        setup({ onLoad }) {
          if (patches.length > 0)
            onLoad({ filter: /\.ts$/ }, ({ path }) => {
              const file = relative(ROOT, path).split(sep).join('/')
              let contents = readFileSync(path, 'utf8')
              for (const patch of patches) {
                if (patch.file !== file) continue
                if (contents.split(patch.find).length !== 2)
                  throw new Error(`${file} does not have once: ${patch.find}`)
                contents = contents.replace(patch.find, () => patch.replace)
                left.delete(patch)
              }
              return { contents, loader: 'ts' }
            })
        },
      },
    ],
  })
  for (const { file } of left) throw new Error(`${file} is not part of the simulator`)
  return outfile
}

/** Runs a bundle in a process of its own; an answer for each order. */
export function runBundle<Answer>(file: string, orders: readonly Order[]): Promise<Answer[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code !== 0) return reject(new Error(`the simulator's process ended with ${code}`))
      resolve(
        text
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line) as Answer),
      )
    })
  })
}
