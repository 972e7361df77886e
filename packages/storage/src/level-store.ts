import { AppError, messageOf } from '@hawser/primitives'
import { Level } from 'level'
import type { StorageError } from './errors.ts'
import type { KeyValueStore, Range, Write } from './key-value-store.ts'

/** A LevelDB database in a folder of its own; one process at a time can have it open. */
export class LevelStore implements KeyValueStore {
  readonly #db: Level<Uint8Array, Uint8Array>

  private constructor(db: Level<Uint8Array, Uint8Array>) {
    this.#db = db
  }

  /**
   * Opens the database, creating it where there is none.
   * @throws STORAGE_LOCKED when another process has it open
   * @throws STORAGE_CORRUPT when LevelDB cannot read what is there
   */
  static async open(path: string): Promise<LevelStore> {
    const db = new Level<Uint8Array, Uint8Array>(path, { keyEncoding: 'view', valueEncoding: 'view' })
    try {
      await db.open()
    } catch (error) {
      const cause = (error as { cause?: unknown }).cause ?? error
      const locked = (cause as { code?: string }).code === 'LEVEL_LOCKED'
      const info: StorageError = locked
        ? { code: 'STORAGE_LOCKED', fault: 'user', retry: true }
        : { code: 'STORAGE_CORRUPT', fault: 'user' }
      throw new AppError(
        info,
        locked
          ? `the database ${path} is in use by another process; stop that process or choose another data folder`
          : `the database ${path} cannot be opened (${messageOf(cause)}); restore it from a copy, or delete the data folder to sync anew`,
        { cause },
      )
    }
    return new LevelStore(db)
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#db.getSync(key)
    return value && plain(value)
  }

  async write(writes: readonly Write[], { sync = false }: { sync?: boolean } = {}): Promise<void> {
    // A chained batch, which takes over each write as it comes: five times as fast as one from an array.
    const batch = this.#db.batch()
    for (const { key, value } of writes) {
      if (value === undefined) batch.del(key)
      else batch.put(key, value)
    }
    // `sync` is LevelDB's own option, which the abstract type does not name.
    await batch.write({ sync } as object)
  }

  async *entries({ gte, lt, reverse = false, limit = -1 }: Range): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    for await (const [key, value] of this.#db.iterator({ gte, lt, reverse, limit })) yield [plain(key), plain(value)]
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

/** The same memory as a plain array: LevelDB hands out Buffers, whose `slice` and JSON differ. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
