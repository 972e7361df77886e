import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { TypedTransaction } from '@ethereumjs/tx'
import { nativeAddonFile, publicKeyToAddress } from '@hawser/primitives/node'
import { SIGNATURE_RECORD_BYTES } from './signature-record.ts'
import { knownSender, recoverable, rememberSender, senderOf } from './transaction.ts'

/** Threads that recover public keys: one core stays for the node itself. */
const MAX_WORKERS = 4
/** Below this a message to a thread costs the two together more than the recovery itself. */
const MIN_WORKER_BATCH = 16
/** Transactions that wait for the threads; beyond that the main thread works too. */
const MAX_WAITING = 8_192
/** Records in one message: what a thread does in about ten milliseconds. */
const MAX_MESSAGE_RECORDS = 256
const KEY_BYTES = 65

// The thread's whole program: as text it needs no file of its own, neither from source nor in the bundle.
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const addon = require(workerData)
parentPort.on('message', (records) => {
  const count = records.length / ${SIGNATURE_RECORD_BYTES}
  const keys = new Uint8Array(count * ${KEY_BYTES})
  for (let i = 0; i < count; i++) {
    const at = i * ${SIGNATURE_RECORD_BYTES}
    try {
      const key = addon.ecdsaRecover(records.subarray(at + 32, at + 96), records[at + 96], records.subarray(at, at + 32), false)
      keys.set(key, i * ${KEY_BYTES})
    } catch {}
  }
  parentPort.postMessage(keys, [keys.buffer])
})
`

interface Thread {
  readonly worker: Worker
  /** First posted, first answered. */
  readonly answers: ((keys: Uint8Array | undefined) => void)[]
}

/** Recovers senders in threads, started when there is first something for them; they do not keep the process alive. */
class RecoveryThreads {
  readonly #addon = nativeAddonFile()
  readonly #limit = Math.min(MAX_WORKERS, availableParallelism() - 1)
  readonly #threads: Thread[] = []
  #waiting = 0
  #failed = false

  canTake(count: number): boolean {
    return (
      this.#addon !== undefined &&
      !this.#failed &&
      this.#limit > 0 &&
      count >= MIN_WORKER_BATCH &&
      this.#waiting < MAX_WAITING
    )
  }

  /** The 65-byte keys of signature records, zeros where there is none; undefined when the thread failed. */
  async recover(records: Uint8Array, count: number): Promise<Uint8Array | undefined> {
    const thread = this.#leastBusy()
    if (!thread) return undefined
    this.#waiting += count
    try {
      return await new Promise((resolve) => {
        thread.answers.push(resolve)
        thread.worker.postMessage(records, [records.buffer as ArrayBuffer])
      })
    } finally {
      this.#waiting -= count
    }
  }

  #leastBusy(): Thread | undefined {
    let best: Thread | undefined
    for (const thread of this.#threads) if (!best || thread.answers.length < best.answers.length) best = thread
    if ((!best || best.answers.length > 0) && this.#threads.length < this.#limit) best = this.#start()
    return best
  }

  #start(): Thread {
    const worker = new Worker(PROGRAM, { eval: true, workerData: this.#addon })
    worker.unref()
    const thread: Thread = { worker, answers: [] }
    const fail = () => {
      this.#failed = true
      for (const answer of thread.answers.splice(0)) answer(undefined)
    }
    worker.on('message', (keys: Uint8Array) => thread.answers.shift()?.(keys))
    worker.on('error', fail)
    worker.on('exit', fail)
    this.#threads.push(thread)
    return thread
  }
}

const threads = new RecoveryThreads()

/** Which way senders are recovered here, for the log. */
export function recoveryMethod(): 'native, in threads' | 'noble, on the main thread' {
  return nativeAddonFile() === undefined ? 'noble, on the main thread' : 'native, in threads'
}

/**
 * Recovers the senders of many transactions at once, so that `senderOf` has them; batches go to threads. A signature without a
 * sender is passed over: `senderOf` says what is wrong with it.
 */
export async function recoverSenders(transactions: readonly TypedTransaction[]): Promise<void> {
  const unknown = transactions.filter((tx) => knownSender(tx) === undefined)
  const batches: Promise<void>[] = []
  for (let from = 0; from < unknown.length; from += MAX_MESSAGE_RECORDS)
    batches.push(recoverBatch(unknown.slice(from, from + MAX_MESSAGE_RECORDS)))
  await Promise.all(batches)
}

async function recoverBatch(transactions: readonly TypedTransaction[]): Promise<void> {
  if (threads.canTake(transactions.length)) {
    const keys = await threads.recover(recordsOf(transactions), transactions.length)
    for (const [i, tx] of transactions.entries()) {
      const key = keys?.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES)
      if (key?.[0] === 4) rememberSender(tx, publicKeyToAddress(key))
    }
    if (keys) return
  }
  for (const tx of transactions) {
    try {
      senderOf(tx)
    } catch {
      // Said when somebody asks for it.
    }
  }
}

function recordsOf(transactions: readonly TypedTransaction[]): Uint8Array {
  const records = new Uint8Array(transactions.length * SIGNATURE_RECORD_BYTES)
  for (const [i, tx] of transactions.entries()) {
    try {
      records.set(recoverable(tx), i * SIGNATURE_RECORD_BYTES)
    } catch {
      // Zeros: no key fits them.
    }
  }
  return records
}
