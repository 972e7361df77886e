import type { Clock, Hash32 } from '@hawser/primitives'
import { sealDigest, voteDigest, voteKindCode, type NetworkId } from './digests.ts'
import type { SignerGuard } from './signer-guard.ts'
import type { NeighbourPacket, UnsignedVote } from './types.ts'

/** Gossip durations that two rounds take when every timer runs out (consensus.md, 2.4). */
const TWO_ROUNDS = 10
/** Gossip durations in which the first peers say where they are: what is beyond that was voted after our start. */
const BASELINE_AFTER = 2

export interface OwnSignatureOptions {
  readonly network: NetworkId
  readonly guard: SignerGuard
  /** The slot that this process began in: seals of earlier ones come with the chain's history. */
  readonly startSlot: bigint
  readonly gossipMs: number
}

/**
 * Tells the own key's signatures that this process did not make (consensus.md, 2.12). What the guard has not allowed and
 * that lies beyond everything it has, somebody else signed: the same key runs twice.
 */
export class OwnSignatureWatch {
  readonly #options: OwnSignatureOptions
  /** The furthest set and round that peers were in when the first of them spoke. */
  #baseline: readonly [bigint, bigint] | undefined
  #baselineUntilMs = 0

  constructor(options: OwnSignatureOptions) {
    this.#options = options
  }

  /** A peer's position. Votes of an earlier life of this node, whose guard was lost, lie at or below the first ones. */
  notePosition({ setId, round }: Pick<NeighbourPacket, 'setId' | 'round'>, nowMs: number): void {
    if (this.#baseline === undefined) this.#baselineUntilMs = nowMs + BASELINE_AFTER * this.#options.gossipMs
    else if (nowMs > this.#baselineUntilMs || !after([setId, round + 1n], this.#baseline)) return
    this.#baseline = [setId, round + 1n]
  }

  /** Whether a vote with a good signature of the own key was made elsewhere. */
  isForeignVote(vote: UnsignedVote): boolean {
    const { network, guard } = this.#options
    const { setId, round } = vote
    const act = { kind: 'vote', setId, round, voteKind: voteKindCode(vote.kind) as 0 | 1 | 2 } as const
    const stand = guard.compare(act, voteDigest(network, vote))
    if (stand === 'contradicts') return true
    return stand === 'beyond' && this.#baseline !== undefined && after([setId, round], this.#baseline)
  }

  /** Whether a block with a good seal of the own key was sealed elsewhere. */
  isForeignSeal(slot: bigint, hash: Hash32): boolean {
    const { network, guard, startSlot } = this.#options
    const stand = guard.compare({ kind: 'seal', slot }, sealDigest(network.chainId, hash))
    return stand === 'contradicts' || (stand === 'beyond' && slot > startSlot)
  }
}

function after(a: readonly [bigint, bigint], b: readonly [bigint, bigint]): boolean {
  return a[0] === b[0] ? a[1] > b[1] : a[0] > b[0]
}

export interface ListeningOptions {
  readonly clock: Clock
  readonly gossipMs: number
  readonly slotMs: number
  readonly validators: number
  /** Whether somebody is there to hear the own key's signatures from. */
  readonly hasPeers: () => boolean
  readonly signal: AbortSignal
}

/**
 * Resolves once two rounds and a slot of every validator have passed in the company of peers: a second process with the
 * same key would have been heard by then. Never resolves after the signal.
 */
export function listenFirst(options: ListeningOptions): Promise<void> {
  const { clock, gossipMs, slotMs, validators, hasPeers, signal } = options
  const enough = Math.max(TWO_ROUNDS * gossipMs, validators * slotMs)
  return new Promise((resolve) => {
    let heardMs = 0
    const listen = (): (() => void) =>
      clock.after(gossipMs, () => {
        if (signal.aborted) return
        // A lone validator has nobody to listen to; the others of a larger set must be there.
        if (validators === 1 || hasPeers()) heardMs += gossipMs
        if (heardMs >= enough) resolve()
        else cancel = listen()
      })
    let cancel = listen()
    signal.addEventListener('abort', () => cancel(), { once: true })
  })
}
