import type { Address, Hash32 } from '@hawser/primitives'

/** Slots that a block may lie ahead of our clock (consensus.md, 3). */
export const MAX_SLOT_DRIFT = 1n
/** Unfinalised blocks from which on authors hold back. */
export const BACKOFF_AFTER_BLOCKS = 50n
/** The longest pause between blocks while finality lags, in slots. */
export const MAX_BACKOFF_SLOTS = 100n
/** Slots whose headers are remembered to catch an author with two blocks. */
export const MAX_TRACKED_SLOTS = 1000n
/** Different headers kept of one author and slot: two are the proof, more add nothing. */
export const MAX_HEADERS_PER_SLOT = 2
/** The share of a slot for building a block, and the most after skipped slots. */
const BUILD_PORTION = 0.5
const MAX_BUILD_PORTION = 0.8

/** floor(unixMs / slotMs). */
export function slotAt(unixMs: number, slotMs: number): bigint {
  return BigInt(Math.floor(unixMs / slotMs))
}

/** When a slot begins, in Unix milliseconds. */
export function slotStartMs(slot: bigint, slotMs: number): number {
  return Number(slot) * slotMs
}

/** The author of a slot: authorities[slot mod n], in ascending order of address. */
export function slotAuthor(slot: bigint, authorities: readonly Address[]): Address | undefined {
  return authorities.length === 0 ? undefined : authorities[Number(slot % BigInt(authorities.length))]
}

/** What is wrong with a header's slot. Only `too-early` may pass later, and is nobody's fault. */
export type SlotFault = 'not-on-slot' | 'not-after-parent' | 'too-early'

/** The slot rules: the timestamp (Unix seconds) is the start of a slot after the parent's, at most one ahead of now. */
export function checkSlot(
  header: { readonly timestamp: bigint },
  parent: { readonly timestamp: bigint },
  slotSeconds: number,
  nowMs: number,
): SlotFault | undefined {
  const seconds = BigInt(slotSeconds)
  if (header.timestamp % seconds !== 0n) return 'not-on-slot'
  const slot = header.timestamp / seconds
  if (slot <= parent.timestamp / seconds) return 'not-after-parent'
  if (slot > slotAt(nowMs, slotSeconds * 1000) + MAX_SLOT_DRIFT) return 'too-early'
  return undefined
}

/**
 * Whether finality lags so far that this slot stays empty: beyond 50 unfinalised blocks only each so-many-th slot is used,
 * which bounds the unfinalised suffix and gives the votes time.
 */
export function backsOff(slotNow: bigint, headSlot: bigint, unfinalizedBlocks: bigint): boolean {
  if (unfinalizedBlocks <= BACKOFF_AFTER_BLOCKS) return false
  const wanted = (unfinalizedBlocks - BACKOFF_AFTER_BLOCKS) / 2n
  return slotNow <= headSlot + (wanted < MAX_BACKOFF_SLOTS ? wanted : MAX_BACKOFF_SLOTS)
}

/**
 * Until when an author may add transactions, in Unix milliseconds: half of the slot, longer after skipped slots (twice
 * for every two), and never beyond 80 % of it, so that the block arrives before the next author begins.
 */
export function buildDeadlineMs(slot: bigint, parentSlot: bigint, slotMs: number): number {
  const skipped = slot > parentSlot ? Number(slot - parentSlot - 1n) : 0
  const lenient = BUILD_PORTION * 2 ** Math.min(skipped / 2, 7)
  return slotStartMs(slot, slotMs) + slotMs * Math.min(lenient, MAX_BUILD_PORTION)
}

/** A header sealed by the author of a slot: its hash, its RLP, and the seal (65 bytes). */
export interface SealedHeader {
  readonly hash: Hash32
  readonly header: Uint8Array
  readonly seal: Uint8Array
}

/** Two different blocks of one author for one slot: an Aura equivocation. */
export interface SealEquivocation {
  readonly offender: Address
  readonly slot: bigint
  readonly first: SealedHeader
  readonly second: SealedHeader
}

/** What the slot book says of a header: relay the first two, prove by the second, drop the rest. */
export type SlotBookAnswer =
  | { readonly kind: 'new' | 'known' | 'surplus' | 'old' }
  | { readonly kind: 'equivocation'; readonly evidence: SealEquivocation }

/** Remembers which blocks each author has sealed in late slots; to be asked after the seal was verified. */
export class SlotBook {
  readonly #slots = new Map<bigint, Map<Address, SealedHeader[]>>()
  #highest = 0n

  record(slot: bigint, author: Address, block: SealedHeader): SlotBookAnswer {
    if (slot + MAX_TRACKED_SLOTS <= this.#highest) return { kind: 'old' }
    if (slot > this.#highest) {
      this.#highest = slot
      for (const tracked of this.#slots.keys()) if (tracked + MAX_TRACKED_SLOTS <= slot) this.#slots.delete(tracked)
    }
    let authors = this.#slots.get(slot)
    if (authors === undefined) this.#slots.set(slot, (authors = new Map()))
    const blocks = authors.get(author)
    if (blocks === undefined) {
      authors.set(author, [block])
      return { kind: 'new' }
    }
    if (blocks.some((known) => known.hash === block.hash)) return { kind: 'known' }
    if (blocks.length >= MAX_HEADERS_PER_SLOT) return { kind: 'surplus' }
    blocks.push(block)
    const [first] = blocks as [SealedHeader]
    return { kind: 'equivocation', evidence: { offender: author, slot, first, second: block } }
  }

  /** Whether two other blocks of the author are known for the slot. */
  isSurplus(slot: bigint, author: Address, hash: Hash32): boolean {
    const blocks = this.#slots.get(slot)?.get(author) ?? []
    return blocks.length >= MAX_HEADERS_PER_SLOT && !blocks.some((known) => known.hash === hash)
  }
}
