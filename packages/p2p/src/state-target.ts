import type { Common } from '@ethereumjs/common'
import { blockHash, blockRef, type BlockRef, type PeerId, type SealedBlock, type Transport } from '@hawser/chain'
import { isAppError, messageOf, toHex, type Logger } from '@hawser/primitives'
import { decodeBlocks, encodeRangeRequest, type RangeEntry } from './block-messages.ts'
import { MAX_RANGE_BLOCKS } from './limits.ts'
import type { StatusMessage } from './status-message.ts'

/** Blocks before the first one that is executed: BLOCKHASH reaches so far back. */
const ANCESTORS = 256
/** Blocks that are not what a justification and parent hashes say. */
const FALSE_SCORE = -1_000

export interface StateTargetParts {
  readonly transport: Pick<Transport, 'request' | 'peers' | 'report'> & {
    statusOf(peer: PeerId): StatusMessage | undefined
  }
  readonly common: Common
  /** The block that a justification proves final under a set of validators that is trusted. */
  readonly verify: (justification: Uint8Array) => BlockRef | undefined
  readonly logger: Logger
}

/** A final block to begin from. */
export interface StateTarget {
  readonly base: SealedBlock
  readonly justification: Uint8Array
  /** The blocks right before it, ascending. */
  readonly ancestors: readonly SealedBlock[]
}

/** The youngest block that a peer proves to be final, with what execution needs of the blocks before it; undefined when nobody can. */
export async function findStateTarget(parts: StateTargetParts): Promise<StateTarget | undefined> {
  const { transport, logger } = parts
  const claims = transport
    .peers()
    .map(({ id }) => ({ id, number: transport.statusOf(id)?.finalized.number ?? 0n }))
    .filter(({ number }) => number > 0n)
    .sort((a, b) => (a.number < b.number ? 1 : a.number > b.number ? -1 : 0))
  for (const { id, number } of claims) {
    try {
      const target = await targetOf(parts, id, number)
      if (target) return target
      transport.report(id, FALSE_SCORE, 'a final block that is not proven')
    } catch (error) {
      logger.debug({ peer: id, err: messageOf(error) }, 'a peer did not deliver its final block')
      if (isAppError(error) && error.info.fault === 'peer' && !error.info.retry)
        transport.report(id, FALSE_SCORE, error.code)
    }
  }
  return undefined
}

async function targetOf(parts: StateTargetParts, peer: PeerId, number: bigint): Promise<StateTarget | undefined> {
  const [final] = await rangeOf(parts, peer, number, 1)
  if (!final || final.sealed.block.header.number !== number) return undefined
  if (parts.verify(final.justification)?.hash !== blockRef(final.sealed.block).hash) return undefined
  const ancestors: SealedBlock[] = []
  const first = number > BigInt(ANCESTORS) ? number - BigInt(ANCESTORS) : 1n
  while (first + BigInt(ancestors.length) < number) {
    const from = first + BigInt(ancestors.length)
    const left = number - from
    const blocks = await rangeOf(parts, peer, from, left < BigInt(MAX_RANGE_BLOCKS) ? Number(left) : MAX_RANGE_BLOCKS)
    if (blocks.length === 0) return undefined
    ancestors.push(...blocks.map(({ sealed }) => sealed))
  }
  let child = final.sealed
  for (const sealed of [...ancestors].reverse()) {
    if (blockHash(sealed.block) !== toHex(child.block.header.parentHash)) return undefined
    child = sealed
  }
  return { base: final.sealed, justification: final.justification, ancestors }
}

async function rangeOf(parts: StateTargetParts, peer: PeerId, from: bigint, count: number): Promise<RangeEntry[]> {
  const answer = await parts.transport.request(peer, 'blocks-by-range', encodeRangeRequest(from, count))
  return decodeBlocks(answer, parts.common, count)
}
