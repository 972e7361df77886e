import { open, readFile, rename, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AppError, toHex, type Hex } from '@hawser/primitives'
import type { ConsensusErrorInfo } from './errors.ts'

/** What the guard watches: the seal of a slot, or a vote of a kind (0 prevote, 1 precommit, 2 primary) in a set's round. */
export type GuardedAct =
  | { readonly kind: 'seal'; readonly slot: bigint }
  | { readonly kind: 'vote'; readonly setId: bigint; readonly round: bigint; readonly voteKind: 0 | 1 | 2 }

/** Acts remembered of each kind: a restart repeats the votes of its live rounds, byte for byte. */
export const MAX_REMEMBERED_ACTS = 4

/** The position of an act among those of its kind, and the digest that was signed there. */
interface Signed {
  /** Slot, or set id and round. */
  readonly at: readonly [bigint, bigint]
  readonly digest: Hex
}

const FILE_KINDS = ['seal', 'prevote', 'precommit', 'primary'] as const
type FileKind = (typeof FILE_KINDS)[number]

/**
 * Lets each position (slot; set, round and kind) be signed once, only forwards, and remembers that in a file of its own,
 * on disk before the signature is made. A copy of the database from yesterday cannot make this key sign twice.
 */
export class SignerGuard {
  readonly #path: string
  #signed: Record<FileKind, Signed[]>
  #busy: Promise<unknown> = Promise.resolve()

  private constructor(path: string, signed: Record<FileKind, Signed[]>) {
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
      const guard = new SignerGuard(path, { seal: [], prevote: [], precommit: [], primary: [] })
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
    const { kind, at } = placeOf(act)
    const signed = this.#signed[kind]
    const same = signed.filter((known) => order(known.at, at) === 0)
    if (same.length > 0) return same.some((known) => known.digest === toHex(digest)) ? 'own' : 'contradicts'
    const last = signed.at(-1)
    return last === undefined || order(at, last.at) > 0 ? 'beyond' : 'before'
  }

  /** The highest slot whose seal was let pass. */
  get lastSealedSlot(): bigint | undefined {
    return this.#signed.seal.at(-1)?.at[1]
  }

  async #allow(act: GuardedAct, digest: Hex): Promise<void> {
    const { kind, at } = placeOf(act)
    const signed = this.#signed[kind]
    if (signed.some((known) => order(known.at, at) === 0 && known.digest === digest)) return
    const last = signed.at(-1)
    if (last !== undefined && order(at, last.at) <= 0)
      throw new AppError<ConsensusErrorInfo>(
        { code: 'SIGNER_REFUSED', fault: 'local' },
        `${kind} at ${at.join('/')} refused: ${last.at.join('/')} was signed already`,
      )
    const next = { ...this.#signed, [kind]: [...signed, { at, digest }].slice(-MAX_REMEMBERED_ACTS) }
    // Remembered only once it is on disk: after a failed write the same act is written again, not waved through.
    await this.#save(next)
    this.#signed = next
  }

  async #save(signed: Record<FileKind, Signed[]>): Promise<void> {
    const content = Object.fromEntries(
      FILE_KINDS.map((kind) => [kind, signed[kind].map(({ at, digest }) => [`${at[0]}`, `${at[1]}`, digest])]),
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

function placeOf(act: GuardedAct): { readonly kind: FileKind; readonly at: Signed['at'] } {
  if (act.kind === 'seal') return { kind: 'seal', at: [0n, act.slot] }
  return { kind: (['prevote', 'precommit', 'primary'] as const)[act.voteKind], at: [act.setId, act.round] }
}

async function synced(file: FileHandle, work: (file: FileHandle) => Promise<void>): Promise<void> {
  try {
    await work(file)
    await file.sync()
  } finally {
    await file.close()
  }
}

function order(a: Signed['at'], b: Signed['at']): number {
  const d = a[0] === b[0] ? a[1] - b[1] : a[0] - b[0]
  return d < 0n ? -1 : d > 0n ? 1 : 0
}

function parse(text: string, path: string): Record<FileKind, Signed[]> {
  const content = { seal: [], prevote: [], precommit: [], primary: [] } as Record<FileKind, Signed[]>
  try {
    const json = JSON.parse(text) as Record<string, unknown>
    if (json.version !== 1) throw new Error(`version ${String(json.version)}`)
    for (const kind of FILE_KINDS)
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
