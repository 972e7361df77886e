import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { concatBytes, fromHex, toHex, uintLE, type BtcHash } from '@hawser/primitives'

/** What happened to the chain, in order. */
export type JournalRecord =
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'invalidate' | 'reconsider'; readonly hash: BtcHash }

const KINDS = ['block', 'invalidate', 'reconsider'] as const

/** An append-only file of records (kind, length u32 LE, bytes), replayed at start; a torn last record is cut off. */
export class BlockJournal {
  readonly #path: string
  #file: number | undefined

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true })
    this.#path = join(dataDir, 'embedded-blocks.dat')
  }

  read(): JournalRecord[] {
    if (!existsSync(this.#path)) return []
    const all = new Uint8Array(readFileSync(this.#path))
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength)
    const records: JournalRecord[] = []
    let at = 0
    while (at + 5 <= all.length) {
      const end = at + 5 + view.getUint32(at + 1, true)
      if (end > all.length) break
      const kind = KINDS[all[at] ?? 0]
      const bytes = all.slice(at + 5, end)
      if (kind === 'block') records.push({ kind, bytes })
      else if (kind) records.push({ kind, hash: toHex(bytes) as BtcHash })
      at = end
    }
    if (at < all.length) truncateSync(this.#path, at)
    return records
  }

  append(record: JournalRecord): void {
    this.#file ??= openSync(this.#path, 'a')
    const bytes = record.kind === 'block' ? record.bytes : fromHex(record.hash)
    appendFileSync(this.#file, concatBytes(Uint8Array.of(KINDS.indexOf(record.kind)), uintLE(bytes.length, 4), bytes))
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}
