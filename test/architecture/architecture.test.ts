import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const BASE = ['primitives', 'storage', 'bitcoin', 'contracts']
const MIDDLE = ['execution', 'consensus', 'bridge', 'p2p', 'rpc']

/** Which rooms a room may import ("Who may import whom" in ARCHITECTURE.md); the five in the middle never one another. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  primitives: [],
  storage: ['primitives'],
  bitcoin: ['primitives'],
  contracts: ['primitives'],
  chain: BASE,
  ...Object.fromEntries(MIDDLE.map((room) => [room, [...BASE, 'chain']])),
  genesis: [...BASE, 'chain', ...MIDDLE],
  node: [...BASE, 'chain', ...MIDDLE, 'genesis'],
  sdk: ['primitives', 'bitcoin', 'contracts', 'consensus'],
  cli: [...BASE, 'chain', ...MIDDLE, 'genesis', 'node', 'sdk'],
}

/** What is for browsers takes no more of a room than this. */
const ONLY_ENTRY: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  sdk: { consensus: '@hawser/consensus/verify' },
}

interface Manifest {
  readonly name: string
  readonly dependencies?: Record<string, string>
  readonly devDependencies?: Record<string, string>
  readonly exports?: Record<string, unknown>
  readonly workspaces?: readonly string[]
}

interface Import {
  readonly file: string
  readonly specifier: string
}

interface Room {
  readonly name: string
  readonly folder: string
  readonly manifest: Manifest
  readonly imports: readonly Import[]
}

const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Manifest
const top = readJson(join(ROOT, 'package.json'))

/** Every import, export-from and dynamic import of a source file; type imports are imports. */
function importsOf(file: string): Import[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true)
  return importedFiles.map(({ fileName }) => ({ file, specifier: fileName }))
}

const rooms: readonly Room[] = (top.workspaces ?? [])
  .filter((workspace) => workspace !== 'test')
  .map((workspace) => {
    const folder = join(ROOT, workspace)
    const manifest = readJson(join(folder, 'package.json'))
    const files = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
      path.endsWith('.ts'),
    )
    return {
      name: manifest.name.replace('@hawser/', ''),
      folder,
      manifest,
      imports: files.flatMap((path) => importsOf(join(folder, 'src', path))),
    }
  })

/** @hawser/consensus/verify belongs to the package @hawser/consensus. */
const packageOf = (specifier: string) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
const roomOf = (specifier: string) =>
  specifier.startsWith('@hawser/') ? packageOf(specifier).slice('@hawser/'.length) : undefined
/** Tests, and the suites that adapters of a port share. */
const isTest = (file: string) => /(\.test|[/\\]compliance)\.ts$/.test(file) || file.includes(`${sep}testing${sep}`)
const show = ({ file, specifier }: Import) => `${relative(ROOT, file)} imports ${specifier}`
const isRelative = (specifier: string) => specifier.startsWith('.')

describe('the rooms', () => {
  it('are those that the architecture names', () => {
    expect(rooms.map(({ name }) => name).sort()).toEqual(Object.keys(MAY_IMPORT).sort())
    // The reader of imports must not be blind: nearly every file of a room imports something.
    for (const { name, imports } of rooms) expect(imports.length, name).toBeGreaterThan(3)
  })

  it('have no circle in what they may import', () => {
    const visit = (name: string, path: readonly string[]): void => {
      expect(path, 'a circle').not.toContain(name)
      for (const other of MAY_IMPORT[name] ?? []) visit(other, [...path, name])
    }
    for (const name of Object.keys(MAY_IMPORT)) visit(name, [])
  })

  it('have a face, a list of errors and a page that says what they own', () => {
    for (const { name, folder } of rooms) {
      const index = readFileSync(join(folder, 'src', 'index.ts'), 'utf8')
      expect(index, `${name} exports by name`).not.toMatch(/export\s+(\*|default)/)
      expect(existsSync(join(folder, 'src', 'errors.ts')), `${name}/src/errors.ts`).toBe(true)
      const readme = readFileSync(join(folder, 'README.md'), 'utf8')
      expect(readme, name).toContain('**Owns**')
      expect(readme, name).toContain('**Does not own**')
    }
  })
})

describe.each(rooms)('$name', (room) => {
  const allowed = MAY_IMPORT[room.name] ?? []

  it('imports only the rooms that it may, types included', () => {
    const wrong = room.imports.filter(({ specifier }) => {
      const other = roomOf(specifier)
      if (other === undefined || other === room.name) return false
      const entry = ONLY_ENTRY[room.name]?.[other]
      return !allowed.includes(other) || (entry !== undefined && specifier !== entry)
    })
    expect(wrong.map(show)).toEqual([])
  })

  it('reaches other rooms by their faces, never by path', () => {
    const wrong = room.imports.filter(({ file, specifier }) => {
      if (isRelative(specifier)) return !resolve(dirname(file), specifier).startsWith(room.folder + sep)
      const other = rooms.find(({ name }) => name === roomOf(specifier))
      if (!other) return false
      const entry = `.${specifier.slice(other.manifest.name.length)}`
      return !Object.keys(other.manifest.exports ?? {}).includes(entry)
    })
    expect(wrong.map(show)).toEqual([])
  })

  it('declares what it imports, and only rooms that it may', () => {
    const { dependencies = {}, devDependencies = {} } = room.manifest
    const wrong = room.imports.filter(({ file, specifier }) => {
      if (isRelative(specifier) || isBuiltin(specifier)) return false
      const name = packageOf(specifier)
      if (name === room.manifest.name || dependencies[name] !== undefined) return false
      return !(isTest(file) && (devDependencies[name] ?? top.devDependencies?.[name]) !== undefined)
    })
    expect(wrong.map(show)).toEqual([])
    const declared = Object.keys({ ...dependencies, ...devDependencies }).flatMap((name) => roomOf(name) ?? [])
    expect(declared.filter((name) => !allowed.includes(name))).toEqual([])
  })

  it('has project references to rooms that it may import alone', () => {
    const { config } = ts.readConfigFile(join(room.folder, 'tsconfig.json'), (path) => readFileSync(path, 'utf8')) as {
      config: { references?: readonly { path: string }[] }
    }
    const referenced = (config.references ?? []).map(
      ({ path }) => rooms.find(({ folder }) => folder === resolve(room.folder, path))?.name,
    )
    expect(referenced.filter((name) => name === undefined || !allowed.includes(name))).toEqual([])
  })
})
