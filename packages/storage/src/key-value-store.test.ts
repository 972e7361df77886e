import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hash32 } from '@hawser/primitives'
import type { KeyValueStore } from './key-value-store.ts'
import { LevelStore } from './level-store.ts'
import { MemoryStore } from './memory-store.ts'
import { claimDatabase } from './schema.ts'

const bytes = (...values: number[]) => Uint8Array.from(values)
const folder = mkdtemp(join(tmpdir(), 'hawser-storage-'))
afterAll(async () => rm(await folder, { recursive: true }))

const adapters: [string, () => Promise<KeyValueStore>][] = [
  ['MemoryStore', async () => new MemoryStore()],
  ['LevelStore', async () => LevelStore.open(join(await folder, 'db'))],
]

describe.each(adapters)('%s', (_name, open) => {
  let store: KeyValueStore
  beforeAll(async () => {
    store = await open()
  })
  afterAll(() => store.close())

  it('reads what a batch put, and undefined for what it deleted', async () => {
    await store.write([
      { key: bytes(1), value: bytes(10) },
      { key: bytes(2), value: bytes(20) },
    ])
    await store.write(
      [
        { key: bytes(1), value: undefined },
        { key: bytes(3), value: bytes(30) },
      ],
      { sync: true },
    )
    expect(store.get(bytes(1))).toBeUndefined()
    expect(store.get(bytes(2))).toEqual(bytes(20))
    expect(store.get(bytes(3))).toEqual(bytes(30))
  })

  it('walks a range in byte order, both ways, up to a limit', async () => {
    await store.write([bytes(9, 255), bytes(9), bytes(9, 1), bytes(10)].map((key) => ({ key, value: bytes(1) })))
    const keys = async (range: { reverse?: boolean; limit?: number }) => {
      const found: Uint8Array[] = []
      for await (const [key] of store.entries({ gte: bytes(9), lt: bytes(10), ...range })) found.push(key)
      return found
    }
    expect(await keys({})).toEqual([bytes(9), bytes(9, 1), bytes(9, 255)])
    expect(await keys({ reverse: true, limit: 2 })).toEqual([bytes(9, 255), bytes(9, 1)])
  })

  it('belongs to one chain', async () => {
    const ours = hash32(`0x${'11'.repeat(32)}`)
    const theirs = hash32(`0x${'22'.repeat(32)}`)
    await claimDatabase(store, ours, 'here')
    await claimDatabase(store, ours, 'here')
    await expect(claimDatabase(store, theirs, 'here')).rejects.toMatchObject({ code: 'STORAGE_FOREIGN' })
  })
})

describe('LevelStore', () => {
  it('refuses a folder that is open elsewhere, and says so', async () => {
    const path = join(await folder, 'locked')
    const first = await LevelStore.open(path)
    await expect(LevelStore.open(path)).rejects.toMatchObject({ code: 'STORAGE_LOCKED' })
    await first.close()
  })
})
