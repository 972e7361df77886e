import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { concatBytes, fromHex, toHex, uintLE, type BtcHash } from '@hawser/primitives'
import { MAX_BLOCK_BYTES } from '../block.ts'
import { bitcoinError } from '../errors.ts'

/** What happened to the chain, in order. */
export type JournalRecord =
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'invalidate' | 'reconsider'; readonly hash: BtcHash }

const KINDS = ['block', 'invalidate', 'reconsider'] as const

/** Kind and length before a record's bytes. */
const RECORD_HEAD_BYTES = 5

/**
 * An append-only file of records (kind, length u32 LE, bytes), replayed at start. A last record that a crash tore is cut off; anything
 * else that is wrong is damage, and nothing is changed then.
 */
export class BlockJournal {
  readonly #path: string
  #file: number | undefined

  constructor(dataDir: string) {
    mkdirSync(dataDir, { recursive: true })
    this.#path = join(dataDir, 'embedded-blocks.dat')
  }

  /** @throws EMBEDDED_CHAIN_DAMAGED */
  read(): JournalRecord[] {
    if (!existsSync(this.#path)) return []
    const all = new Uint8Array(readFileSync(this.#path))
    const view = new DataView(all.buffer, all.byteOffset, all.byteLength)
    const records: JournalRecord[] = []
    let at = 0
    while (at + RECORD_HEAD_BYTES <= all.length) {
      const kind = KINDS[all[at] ?? KINDS.length]
      const length = view.getUint32(at + 1, true)
      if (!kind || length > MAX_BLOCK_BYTES || (kind !== 'block' && length !== 32)) throw this.#damaged(at)
      const end = at + RECORD_HEAD_BYTES + length
      if (end > all.length) break
      const bytes = all.slice(at + RECORD_HEAD_BYTES, end)
      records.push(kind === 'block' ? { kind, bytes } : { kind, hash: toHex(bytes) as BtcHash })
      at = end
    }
    if (at < all.length) truncateSync(this.#path, at)
    return records
  }

  #damaged(at: number) {
    return bitcoinError(
      'EMBEDDED_CHAIN_DAMAGED',
      'user',
      `${this.#path} is damaged at byte ${at}; restore it from a copy, or begin with another data folder`,
    )
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
