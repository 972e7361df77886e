import { AppError, toHex, type Address, type Hash32 } from '@hawser/primitives'
import { recoverAddress as recoverNative } from '@hawser/primitives/node'
import type { BlockRef, Consensus } from '@hawser/chain'
import { checkSlot, slotAt, slotAuthor, SlotBook, type SealEquivocation } from './aura.ts'
import { sealDigest } from './digests.ts'
import type { ConsensusErrorInfo } from './errors.ts'
import type { RecoverAddress } from './justification.ts'

export interface AuraOptions {
  readonly chainId: bigint
  readonly slotSeconds: number
  /** The session addresses in the state of a block, ascending: who may author its children. */
  readonly authorities: (parent: BlockRef) => readonly Address[]
  readonly recover?: RecoverAddress
  /** Told of every block whose seal is good, also of those that turn out to be bad otherwise. */
  readonly onSealed?: (sealed: { readonly author: Address; readonly slot: bigint; readonly hash: Hash32 }) => void
  /** Told of the second block that an author seals for a slot. */
  readonly onEquivocation?: (evidence: SealEquivocation) => void
}

type Candidate = Parameters<Consensus['verifySeal']>[0]
type ParentHeader = Parameters<Consensus['verifySeal']>[1]

/** Aura as the node sees it: who may author when, and whether a sealed header keeps the rules. */
export class AuraConsensus implements Consensus {
  readonly #options: AuraOptions
  readonly #book = new SlotBook()

  constructor(options: AuraOptions) {
    this.#options = options
  }

  slotAt(timeMs: number): bigint {
    return slotAt(timeMs, this.#options.slotSeconds * 1000)
  }

  author(slot: bigint, parent: BlockRef): Address {
    return authorOf(slot, this.#options.authorities(parent))
  }

  /** @throws BLOCK_BAD_SLOT, BLOCK_TOO_EARLY, BLOCK_BAD_SEAL */
  verifySeal({ header, seal }: Candidate, parent: ParentHeader, nowMs: number): void {
    const { slotSeconds, onEquivocation, onSealed } = this.#options
    const fault = checkSlot(header, parent, slotSeconds, nowMs)
    if (fault === 'too-early')
      throw new AppError<ConsensusErrorInfo>(
        { code: 'BLOCK_TOO_EARLY', fault: 'local', retry: true },
        `the block's timestamp ${header.timestamp} is more than one slot ahead of this clock`,
      )
    if (fault !== undefined)
      throw new AppError<ConsensusErrorInfo>(
        { code: 'BLOCK_BAD_SLOT', fault: 'peer' },
        `the block's timestamp ${header.timestamp} is ${fault === 'not-on-slot' ? 'no start of a slot' : "not after its parent's slot"}`,
      )
    const slot = header.timestamp / BigInt(slotSeconds)
    const hash = toHex(header.hash()) as Hash32
    const authorities = this.#options.authorities({ number: parent.number, hash: toHex(parent.hash()) as Hash32 })
    const author = checkSeal({ ...this.#options, authorities }, { header, seal })
    onSealed?.({ author, slot, hash })
    const answer = this.#book.record(slot, author, { hash, header: header.serialize(), seal })
    if (answer.kind === 'equivocation') onEquivocation?.(answer.evidence)
  }

  /**
   * Whether a block is the third or later of its author and slot: not worth relaying, for two are proof enough. It must
   * still be imported when others build on it.
   */
  isSurplus(slot: bigint, author: Address, hash: Hash32): boolean {
    return this.#book.isSurplus(slot, author, hash)
  }
}

/**
 * The author of a block's slot by the authorities (ascending session addresses), whose seal the block has. Says nothing of whether
 * the slot may have a block.
 * @throws BLOCK_BAD_SEAL
 */
export function checkSeal(
  rules: Pick<AuraOptions, 'chainId' | 'slotSeconds' | 'recover'> & { readonly authorities: readonly Address[] },
  { header, seal }: Candidate,
): Address {
  const { chainId, slotSeconds, authorities, recover = recoverNative } = rules
  const slot = header.timestamp / BigInt(slotSeconds)
  const author = authorOf(slot, authorities)
  let signer: Address
  try {
    signer = recover(sealDigest(chainId, toHex(header.hash()) as Hash32), seal)
  } catch (cause) {
    throw badSeal('it is no signature', cause)
  }
  if (signer !== author) throw badSeal(`slot ${slot} is ${author}'s, the seal is ${signer}'s`)
  return author
}

function authorOf(slot: bigint, authorities: readonly Address[]): Address {
  const author = slotAuthor(slot, authorities)
  if (author === undefined) throw badSeal('there are no validators')
  return author
}

function badSeal(why: string, cause?: unknown): AppError<ConsensusErrorInfo> {
  return new AppError<ConsensusErrorInfo>({ code: 'BLOCK_BAD_SEAL', fault: 'peer' }, `the seal is not valid: ${why}`, {
    cause,
  })
}
