#!/usr/bin/env node
import { existsSync } from 'node:fs'

const bundle = new URL('../../../dist/hawser.mjs', import.meta.url)
if (!existsSync(bundle)) {
  console.error('hawser: the command is not built yet; run `npm ci` (or `npm run build`) in the repository')
  process.exit(1)
}
await import(bundle.href)
