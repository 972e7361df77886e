import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { appendFile } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { concatBytes, delay, messageOf, spawn, type Logger } from '@hawser/primitives'
import { MAX_TRANSACTION_BYTES } from './transaction.ts'

/** The longest journal that is read, in bytes: two full pools and the slack. */
export const MAX_JOURNAL_BYTES = 160 * 1024 * 1024
/** What may be appended, beside as much as the file began with, until it is rewritten. */
const SLACK_BYTES = 4 * 1024 * 1024
/** How long what was appended may wait for company. */
const GATHER_MS = 10
/** length 4 | CRC-32 of the transaction 4 */
const RECORD_HEAD_BYTES = 8

/**
 * The transactions that this node's own users sent, in a file: length u32 | CRC-32 4 | EIP-2718 encoding, one after another. It is
 * appended to a moment after a transaction is taken, and never waited for: a crash may lose the last few.
 */
export class PoolJournal {
  readonly #file: string
  readonly #logger: Logger
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #bytes = 0
  /** Bytes when it was last rewritten. */
  #kept = 0
  #rewriting = false
  #writing: Promise<void> | undefined

  constructor(file: string, logger: Logger) {
    this.#file = file
    this.#logger = logger
  }

  /** What the file holds, up to the first record that is damaged. */
  load(): Uint8Array[] {
    try {
      if (statSync(this.#file).size > MAX_JOURNAL_BYTES) throw new Error(`it is longer than ${MAX_JOURNAL_BYTES} bytes`)
      return readRecords(readFileSync(this.#file))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#logger.warn({ file: this.#file, err: messageOf(error) }, 'the journal of transactions cannot be read')
      return []
    }
  }

  /** Whether the file should be rewritten before it takes more. */
  get full(): boolean {
    return !this.#rewriting && this.#bytes + this.#waitingBytes > 2 * this.#kept + SLACK_BYTES
  }

  append(encoded: Uint8Array): void {
    const record = recordOf(encoded)
    this.#waiting.push(record)
    this.#waitingBytes += record.length
    if (this.#writing) return
    spawn(
      () => (this.#writing = this.#write()),
      (error) => this.#logger.warn({ file: this.#file, err: messageOf(error) }, 'the journal cannot be written'),
    )
  }

  /** Puts these in the place of all that is there: written beside it, then renamed. */
  async rewrite(transactions: Iterable<Uint8Array>): Promise<void> {
    this.#rewriting = true
    try {
      await this.flush()
      const content = concatBytes(...[...transactions].map(recordOf))
      const fresh = `${this.#file}.new`
      writeFileSync(fresh, content)
      renameSync(fresh, this.#file)
      this.#bytes = this.#kept = content.length
    } finally {
      this.#rewriting = false
    }
  }

  /** Resolves when what was appended is in the file, or could not be written, which the log says. */
  async flush(): Promise<void> {
    await this.#writing?.catch(() => undefined)
  }

  async #write(): Promise<void> {
    try {
      // What comes close together goes in one write: opening the file costs more than a record.
      await delay(GATHER_MS)
      while (this.#waiting.length > 0) {
        const batch = concatBytes(...this.#waiting)
        this.#waiting = []
        this.#waitingBytes = 0
        await appendFile(this.#file, batch)
        this.#bytes += batch.length
      }
    } finally {
      this.#writing = undefined
    }
  }
}

function recordOf(encoded: Uint8Array): Uint8Array {
  const record = Buffer.allocUnsafe(RECORD_HEAD_BYTES + encoded.length)
  record.writeUInt32BE(encoded.length, 0)
  record.writeUInt32BE(crc32(encoded), 4)
  record.set(encoded, RECORD_HEAD_BYTES)
  return record
}

function readRecords(bytes: Buffer): Uint8Array[] {
  const records: Uint8Array[] = []
  let at = 0
  while (at + RECORD_HEAD_BYTES <= bytes.length) {
    const length = bytes.readUInt32BE(at)
    const end = at + RECORD_HEAD_BYTES + length
    if (length > MAX_TRANSACTION_BYTES || end > bytes.length) break
    const encoded = bytes.subarray(at + RECORD_HEAD_BYTES, end)
    if (crc32(encoded) !== bytes.readUInt32BE(at + 4)) break
    records.push(encoded)
    at = end
  }
  return records
}
