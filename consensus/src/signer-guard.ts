import { open, readFile, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, toHex, type Hex } from '@hawser/primitives'
import type { ConsensusErrorInfo } from './errors.ts'
import {
  compareAct,
  guardAct,
  GUARDED_KINDS,
  NOTHING_SIGNED,
  type GuardedAct,
  type GuardedKind,
  type GuardState,
  type SignedAct,
} from './guard-rule.ts'

/**
 * Lets each position (slot; set, round and kind) be signed once, only forwards, and remembers that in a file of its own,
 * on disk before the signature is made. A copy of the database from yesterday cannot make this key sign twice.
 */
export class SignerGuard {
  readonly #path: string
  #signed: GuardState
  #busy: Promise<unknown> = Promise.resolve()

  private constructor(path: string, signed: GuardState) {
    this.#path = path
    this.#signed = signed
  }

  /**
   * Opens the guard's file.
   * @throws GUARD_MISSING when there is none, unless `allowFresh` says that this key has never signed
   * @throws GUARD_DAMAGED
   */
  static async open(path: string, { allowFresh = false }: { allowFresh?: boolean } = {}): Promise<SignerGuard> {
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (cause) {
      if ((cause as { code?: string }).code !== 'ENOENT') throw damaged(path, cause)
      if (!allowFresh)
        throw new AppError<ConsensusErrorInfo>(
          { code: 'GUARD_MISSING', fault: 'user' },
          `the signing guard ${path} is missing; restore it, or allow a fresh one if this key has never signed`,
          { cause },
        )
      const guard = new SignerGuard(path, NOTHING_SIGNED)
      await guard.#save(guard.#signed)
      return guard
    }
    return new SignerGuard(path, parse(text, path))
  }

  /**
   * Allows an act on a 32-byte digest, once it is on disk that it was allowed.
   * @throws SIGNER_REFUSED at or behind the last position, unless the digest is the very same
   */
  allow(act: GuardedAct, digest: Uint8Array): Promise<void> {
    const run = this.#busy.then(() => this.#allow(act, toHex(digest)))
    this.#busy = run.catch(() => undefined)
    return run
  }

  /**
   * How a signature of the guarded key, made on a 32-byte digest, stands to what was allowed here: `own` and `before` may be
   * ours; `beyond` lies after everything that was allowed; `contradicts` is another digest at a position that is remembered.
   */
  compare(act: GuardedAct, digest: Uint8Array): 'own' | 'before' | 'beyond' | 'contradicts' {
    return compareAct(this.#signed, act, toHex(digest))
  }

  /** The highest slot whose seal was let pass. */
  get lastSealedSlot(): bigint | undefined {
    return this.#signed.seal.at(-1)?.at[1]
  }

  async #allow(act: GuardedAct, digest: Hex): Promise<void> {
    const answer = guardAct(this.#signed, act, digest)
    if (answer.kind === 'again') return
    if (answer.kind === 'refused')
      throw new AppError<ConsensusErrorInfo>(
        { code: 'SIGNER_REFUSED', fault: 'local' },
        `${answer.what} at ${answer.at.join('/')} refused: ${answer.last.join('/')} was signed already`,
      )
    // Remembered only once it is on disk: after a failed write the same act is written again, not waved through.
    await this.#save(answer.state)
    this.#signed = answer.state
  }

  async #save(signed: GuardState): Promise<void> {
    const content = Object.fromEntries(
      GUARDED_KINDS.map((kind) => [kind, signed[kind].map(({ at, digest }) => [`${at[0]}`, `${at[1]}`, digest])]),
    )
    const next = `${this.#path}.next`
    await synced(await open(next, 'w', 0o600), (file) =>
      file.writeFile(`${JSON.stringify({ version: 1, ...content })}\n`),
    )
    await rename(next, this.#path)
    // The rename itself is on disk only when the folder is.
    await synced(await open(dirname(this.#path), 'r'), () => Promise.resolve())
  }
}

async function synced(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file)
    await file.sync()
  } finally {
    await file.close()
  }
}

function parse(text: string, path: string): GuardState {
  const content: Record<GuardedKind, SignedAct[]> = { seal: [], prevote: [], precommit: [], primary: [] }
  try {
    const json = JSON.parse(text) as Record<string, unknown>
    if (json.version !== 1) throw new Error(`version ${String(json.version)}`)
    for (const kind of GUARDED_KINDS)
      for (const [a, b, digest] of json[kind] as [string, string, Hex][]) {
        if (!/^0x[0-9a-f]{64}$/.test(digest)) throw new Error(`digest ${digest}`)
        content[kind].push({ at: [BigInt(a), BigInt(b)], digest })
      }
  } catch (cause) {
    throw damaged(path, cause)
  }
  return content
}

function damaged(path: string, cause: unknown): AppError<ConsensusErrorInfo> {
  return new AppError<ConsensusErrorInfo>(
    { code: 'GUARD_DAMAGED', fault: 'local' },
    `the signing guard ${path} cannot be read; nothing is signed until it is restored from a copy not older than the last signature`,
    { cause },
  )
}
