import type { Common } from '@ethereumjs/common'
import {
  blockHash,
  checkBodyOfHeader,
  slotOf,
  type BlockRef,
  type ChainSpec,
  type PeerId,
  type SealedBlock,
  type Transport,
} from '@hawser/chain'
import { isAppError, messageOf, toHex, type Clock, type Logger } from '@hawser/primitives'
import { decodeBlocks, encodeRangeRequest, type RangeEntry } from './block-messages.ts'
import { MAX_RANGE_BLOCKS } from './limits.ts'
import type { StatusMessage } from './status-message.ts'

/** Blocks before the first one that is executed: BLOCKHASH reaches so far back. */
const ANCESTORS = 256n
/** Peers that are asked for their final blocks at the same time: each may answer with two blocks' worth of bytes. */
const MAX_ASKED_AT_ONCE = 4
/** Slots that another clock may be ahead of this one. */
const MAX_SLOTS_AHEAD = 1n
/** Blocks that are not what a justification and parent hashes say, or with bodies or seals that are not theirs. */
const FALSE_SCORE = -1_000

export interface StateTargetParts {
  readonly transport: Pick<Transport, 'request' | 'peers' | 'report'> & {
    statusOf(peer: PeerId): StatusMessage | undefined
  }
  readonly spec: ChainSpec
  readonly common: Common
  /** The block that a justification proves final under a set of validators that is trusted. */
  readonly verify: (justification: Uint8Array) => BlockRef | undefined
  /** Checks the seal of a block that is proven to be on the chain by who was in office then. @throws BLOCK_BAD_SEAL */
  readonly checkSeal: (sealed: SealedBlock) => void
  readonly clock: Clock
  readonly logger: Logger
  readonly signal?: AbortSignal
}

/** A final block to begin from. */
export interface StateTarget {
  readonly base: SealedBlock
  readonly justification: Uint8Array
  /** The blocks right before it, ascending. */
  readonly ancestors: readonly SealedBlock[]
}

interface Claim {
  readonly id: PeerId
  readonly number: bigint
}

interface ShownBlock extends Claim, RangeEntry {}

/** Looks for a block to begin from, as often as it takes, and remembers who could not show what it claimed. */
export class StateTargetSearch {
  readonly #parts: StateTargetParts
  /** They are asked after all others. */
  readonly #failed = new Set<PeerId>()

  constructor(parts: StateTargetParts) {
    this.#parts = parts
  }

  /** The youngest block that one of the first peers proves to be final, with what execution needs of the blocks before it; undefined when nobody can. */
  async find(): Promise<StateTarget | undefined> {
    const claims = this.#claims()
    for (let at = 0; at < claims.length; at += MAX_ASKED_AT_ONCE) {
      const asked = claims.slice(at, at + MAX_ASKED_AT_ONCE)
      const answers = await Promise.all(asked.map((claim) => this.#attempt(claim.id, () => this.#final(claim))))
      const shown = answers.filter((answer) => answer !== undefined).sort(youngestFirst)
      for (const final of shown) {
        const ancestors = await this.#attempt(final.id, () => this.#ancestors(final))
        if (ancestors) return { base: final.sealed, justification: final.justification, ancestors }
      }
    }
    return undefined
  }

  /** What peers say to be final, as far as it is possible; whom to ask first comes first. */
  #claims(): Claim[] {
    const { transport, spec, clock } = this.#parts
    const now = BigInt(Math.floor(clock.nowMs() / 1000))
    const highest = slotOf(spec, now) + MAX_SLOTS_AHEAD - slotOf(spec, BigInt(spec.genesisTime))
    return transport
      .peers()
      .map(({ id }) => ({ id, number: transport.statusOf(id)?.finalized.number ?? 0n }))
      .filter(({ number }) => number > 0n && number <= highest)
      .sort((a, b) => Number(this.#failed.has(a.id)) - Number(this.#failed.has(b.id)) || youngestFirst(a, b))
  }

  /** What a peer shows; undefined, and remembered, when it is false or does not come. */
  async #attempt<T>(peer: PeerId, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const { transport, logger, signal } = this.#parts
    signal?.throwIfAborted()
    try {
      const shown = await ask()
      if (shown !== undefined) {
        this.#failed.delete(peer)
        return shown
      }
      transport.report(peer, FALSE_SCORE, 'a final block that is not proven')
    } catch (error) {
      signal?.throwIfAborted()
      logger.debug({ peer, err: messageOf(error) }, 'a peer did not deliver its final block')
      if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
        transport.report(peer, FALSE_SCORE, error.code)
    }
    this.#failed.add(peer)
    return undefined
  }

  /** The block that a peer says to be final, if it proves it. */
  async #final(claim: Claim): Promise<ShownBlock | undefined> {
    const [final] = await this.#range(claim.id, claim.number, 1)
    if (!final || final.sealed.block.header.number !== claim.number) return undefined
    if (this.#parts.verify(final.justification)?.hash !== blockHash(final.sealed.block)) return undefined
    this.#check(final.sealed)
    return { ...final, ...claim }
  }

  /** The blocks before a final one, from the top down: each answer is checked against what is proven before the next is asked for. */
  async #ancestors({ id, number, sealed: final }: ShownBlock): Promise<SealedBlock[] | undefined> {
    const first = number > ANCESTORS ? number - ANCESTORS : 1n
    const descending: SealedBlock[] = []
    let child = final
    let most = MAX_RANGE_BLOCKS
    for (let next = number; next > first; next = child.block.header.number) {
      const left = next - first
      const count = left < BigInt(most) ? Number(left) : most
      const blocks = await this.#range(id, next - BigInt(count), count)
      if (blocks.length < count) {
        // Answers are about as long as one block may be. The upper blocks are missing, and only they can be checked.
        if (count === 1) return undefined
        most = Math.max(1, Math.min(blocks.length, count >> 1))
        continue
      }
      for (const { sealed } of blocks.reverse()) {
        if (blockHash(sealed.block) !== toHex(child.block.header.parentHash)) return undefined
        this.#check(sealed)
        descending.push(sealed)
        child = sealed
      }
    }
    return descending.reverse()
  }

  /** A header that is proven says nothing of the bytes beside it. @throws BLOCK_BAD_BODY, BLOCK_BAD_SEAL */
  #check(sealed: SealedBlock): void {
    checkBodyOfHeader(sealed.block)
    this.#parts.checkSeal(sealed)
  }

  async #range(peer: PeerId, from: bigint, count: number): Promise<RangeEntry[]> {
    const { transport, common, signal } = this.#parts
    const answer = await transport.request(peer, 'blocks-by-range', encodeRangeRequest(from, count), { signal })
    return decodeBlocks(answer, common, count)
  }
}

function youngestFirst(a: Pick<Claim, 'number'>, b: Pick<Claim, 'number'>): number {
  return a.number < b.number ? 1 : a.number > b.number ? -1 : 0
}
