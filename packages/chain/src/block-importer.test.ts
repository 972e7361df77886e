import { ZERO_HASH, type Hash32 } from '@hawser/primitives'
import { describe, expect, it } from 'vitest'
import { BlockImporter, type ImporterParts } from './block-importer.ts'
import type { BlockRef } from './ports.ts'

const ref = (number: bigint): BlockRef => ({ number, hash: `0x${number.toString(16).padStart(64, '0')}` as Hash32 })

/** An importer over a database that cannot be written, or read, the first time; what it asked of its parts. */
function brokenImporter(fails: 'write' | 'read') {
  const committed: bigint[] = []
  const moved: bigint[] = []
  const fatal: string[] = []
  const parts = {
    tree: {
      finalized: () => ({ number: 0n, hash: ZERO_HASH }),
      get: (hash: Hash32) => ref(BigInt(hash)),
      finalize: (hash: Hash32) => ({ path: [ref(BigInt(hash))], pruned: [], head: undefined }),
    },
    engine: {
      finalize: (path: readonly BlockRef[]) => {
        if (fails === 'read' && moved.length === 0) {
          moved.push(0n)
          throw new Error('input/output error')
        }
        moved.push(...path.map(({ number }) => number))
        return { writes: [], apply: () => undefined }
      },
    },
    store: {
      commit: async ({ finalized }: { finalized?: { ref: BlockRef } }) => {
        if (fails === 'write' && fatal.length === 0) throw new Error('no space left on device')
        if (finalized) committed.push(finalized.ref.number)
      },
    },
    onFatal: (reason: string) => fatal.push(reason),
  } as unknown as ImporterParts
  return { importer: new BlockImporter(parts), committed, moved, fatal }
}

describe('the importer', () => {
  it('writes nothing more once a write has failed, not even what waits: memory is ahead of the database', async () => {
    const { importer, committed, moved, fatal } = brokenImporter('write')
    const first = importer.finalize(ref(1n), new Uint8Array())
    const second = importer.finalize(ref(2n), new Uint8Array())
    await expect(first).rejects.toThrow('no space left on device')
    await expect(second).rejects.toThrow('no space left on device')
    await expect(importer.finalize(ref(3n), new Uint8Array())).rejects.toMatchObject({ code: 'IMPORT_BUSY' })
    await importer.stop()
    expect({ committed, moved }).toEqual({ committed: [], moved: [1n] })
    expect(fatal).toEqual(['the database cannot be read or written: no space left on device'])
  })

  it('ends as well when what is final cannot be read: the tree of blocks has moved on already', async () => {
    const { importer, committed, fatal } = brokenImporter('read')
    const first = importer.finalize(ref(1n), new Uint8Array())
    const second = importer.finalize(ref(2n), new Uint8Array())
    await expect(first).rejects.toThrow('input/output error')
    await expect(second).rejects.toThrow('input/output error')
    await importer.stop()
    expect({ committed, fatal: fatal.length }).toEqual({ committed: [], fatal: 1 })
  })
})
