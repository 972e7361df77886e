import { createSession, generateNonce, type NoncePair } from '@hawser/bitcoin/musig2'
import { concatBytes, fromHex, uintBE, type Hex } from '@hawser/primitives'
import type { BatchMaterial, SigningPath } from './batch-material.ts'

/** Sessions that one coordinator has open here at a time; his own oldest gives way, its nonces are zeroed. */
export const MAX_OPEN_SESSIONS_PER_COORDINATOR = 4
/** Session ids remembered, so that none is opened twice. */
const MAX_SEEN_SESSIONS = 4096

interface OpenSession {
  readonly material: BatchMaterial
  readonly rungs: number
  readonly nonces: readonly NoncePair[]
  /** The committee member who opened it: nobody else may go on with it. */
  readonly coordinator: number
}

/**
 * A committee member's part of MuSig2 sessions. No network, no clock: requests come in that policy has allowed, and
 * material that the member rebuilt himself. A secret nonce serves one signature and is gone, whatever happens.
 */
export class SigningMember {
  readonly #secretKey: Uint8Array
  readonly #publicKey: Uint8Array
  readonly #open = new Map<Hex, OpenSession>()
  readonly #seen = new Set<Hex>()

  constructor(secretKey: Uint8Array, publicKey: Uint8Array) {
    this.#secretKey = secretKey
    this.#publicKey = publicKey
  }

  get openSessions(): number {
    return this.#open.size
  }

  /** The batch that an open session is for. */
  batchOf(session: Hex): bigint | undefined {
    return this.#open.get(session)?.material.batchId
  }

  /** Opens a session and gives a public nonce for each item, or the reason why not. */
  offerNonces(request: {
    readonly session: Hex
    readonly coordinator: number
    readonly rungs: number
    readonly material: BatchMaterial
  }): { readonly nonces: readonly Uint8Array[] } | { readonly refused: string } {
    const { session, coordinator, rungs, material } = request
    if (this.#seen.has(session)) return { refused: 'this session was opened before' }
    if (rungs < 1 || rungs > material.rungs) return { refused: `my final state pays for ${material.rungs} rungs` }
    remember(this.#seen, session)
    // Another's sessions stay: coordinators are members of the committee, so all of them together are few.
    const own = [...this.#open].filter(([, open]) => open.coordinator === coordinator)
    if (own.length >= MAX_OPEN_SESSIONS_PER_COORDINATOR) this.#close(own[0]?.[0] as Hex)
    const nonces = material.items(rungs).map(({ rung, input }) =>
      generateNonce({
        secretKey: this.#secretKey,
        publicKey: this.#publicKey,
        aggregateKey: material.committee.internalKey,
        context: concatBytes(fromHex(session), uintBE(rung, 2), uintBE(input, 2)),
      }),
    )
    this.#open.set(session, { material, rungs, nonces, coordinator })
    return { nonces: nonces.map((pair) => pair.publicNonce) }
  }

  /** Signs every item of an open session, once; the session is closed afterwards. */
  sign(request: {
    readonly session: Hex
    readonly coordinator: number
    readonly path: SigningPath
    readonly aggregateNonces: readonly Uint8Array[]
  }): { readonly partials: readonly Uint8Array[] } | { readonly refused: string } {
    const { session, coordinator, path, aggregateNonces } = request
    const open = this.#open.get(session)
    if (!open) return { refused: 'no such session is open' }
    if (open.coordinator !== coordinator) return { refused: 'the session belongs to another coordinator' }
    const { material, nonces } = open
    const items = material.items(open.rungs)
    if (path.kind === 'subset' && !material.leaf(path)) return { refused: 'these members are no subset' }
    if (aggregateNonces.length !== items.length) return { refused: `${aggregateNonces.length} nonces came` }
    try {
      return {
        partials: items.map((item, i) => {
          const { secretNonce, publicNonce } = nonces[i] as NoncePair
          const musig = createSession(
            material.context(path, item),
            aggregateNonces[i] as Uint8Array,
            material.message(path, item),
          )
          return musig.sign(secretNonce, this.#secretKey, publicNonce)
        }),
      }
    } catch {
      return { refused: 'the aggregate nonces cannot be signed with' }
    } finally {
      this.#close(session)
    }
  }

  /** Gives up all open sessions. */
  closeAll(): void {
    for (const session of [...this.#open.keys()]) this.#close(session)
  }

  #close(session: Hex): void {
    for (const { secretNonce } of this.#open.get(session)?.nonces ?? []) secretNonce.discard()
    this.#open.delete(session)
  }
}

function remember(set: Set<Hex>, value: Hex): void {
  if (set.size >= MAX_SEEN_SESSIONS) set.delete(set.values().next().value as Hex)
  set.add(value)
}
