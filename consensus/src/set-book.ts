import { RLP } from '@ethereumjs/rlp'
import { fromHex, toHex, utf8, type Address } from '@hawser/primitives'
import { keyIn, keyspace, type KeyValueStore } from '@hawser/storage'
import { encodeHandovers, type HandoverProof } from './handover-proof.ts'
import { bytesOf, decodeBounded, hashOf, listOf, listUpTo, rlpUint, smallUintOf, uint64Of } from './rlp.ts'
import type { BlockRef } from './types.ts'
import { MAX_VOTERS, VoterSet } from './voter-set.ts'

/** A set that was or is in office, and the final block that it took over on. */
export interface KnownSet {
  readonly voters: VoterSet
  /** Genesis, or the last block of the epoch before: the set before has made it final. */
  readonly base: BlockRef
}

/** Bytes of a stored set: an address and a weight for each member. */
const MAX_SET_BYTES = MAX_VOTERS * 40 + 64
/** Sets kept in memory: proofs are mostly about the last one or two. */
const MAX_CACHED_SETS = 8

/** Every voter set since genesis by its id, on disk: old justifications are checked against the set that made them. */
export class SetBook {
  readonly #store: KeyValueStore
  readonly #cached = new Map<bigint, KnownSet>()

  constructor(store: KeyValueStore) {
    this.#store = store
  }

  get(setId: bigint): KnownSet | undefined {
    const cached = this.#cached.get(setId)
    if (cached !== undefined) return cached
    const bytes = this.#store.get(keyOf('sets', setId))
    return bytes && this.#remember(decodeSet(setId, bytes))
  }

  /** Writes a set down, and what shows a stranger that it took over, waiting for the disk. */
  async add(set: KnownSet, handover?: HandoverProof): Promise<void> {
    const { setId } = set.voters
    const writes = [{ key: keyOf('sets', setId), value: encodeSet(set) }]
    if (handover) writes.push({ key: keyOf('takeovers', setId), value: encodeHandovers([handover]) })
    await this.#store.write(writes, { sync: true })
    this.#remember(set)
  }

  /** What shows that a set took over, as a list of one (`encodeHandovers`); undefined for the first one, and where this node did not see it happen. */
  handover(setId: bigint): Uint8Array | undefined {
    return this.#store.get(keyOf('takeovers', setId))
  }

  /** The set whose office a block number falls into, if it has the id. */
  inOffice(setId: bigint, number: bigint): KnownSet | undefined {
    const set = this.get(setId)
    if (set === undefined || number <= set.base.number) return undefined
    const next = this.get(setId + 1n)
    return next !== undefined && number > next.base.number ? undefined : set
  }

  #remember(set: KnownSet): KnownSet {
    this.#cached.set(set.voters.setId, set)
    const oldest = this.#cached.keys().next()
    if (this.#cached.size > MAX_CACHED_SETS && !oldest.done) this.#cached.delete(oldest.value)
    return set
  }
}

/** Writes down sets that were followed by their proofs alone, the first one included: what a node that begins at a fetched state knows. */
export async function recordSets(
  store: KeyValueStore,
  first: KnownSet,
  followed: readonly { readonly set: KnownSet; readonly handover: HandoverProof }[],
): Promise<void> {
  const book = new SetBook(store)
  await book.add(first)
  for (const { set, handover } of followed) await book.add(set, handover)
}

/** Set ids sort as 16 hex digits; the names sort behind the rounds' keys, which begin with a digit or a letter up to f. */
function keyOf(name: 'sets' | 'takeovers', setId: bigint): Uint8Array {
  return keyIn(keyspace.grandpa, utf8(`${name}/${setId.toString(16).padStart(16, '0')}`))
}

function encodeSet({ voters, base }: KnownSet): Uint8Array {
  return RLP.encode([
    rlpUint(base.number),
    fromHex(base.hash),
    voters.voters.map(({ id, weight }) => [fromHex(id), rlpUint(weight)]),
  ])
}

function decodeSet(setId: bigint, bytes: Uint8Array): KnownSet {
  const [number, hash, members] = listOf(decodeBounded(bytes, MAX_SET_BYTES, 'a voter set'), 3, 'a voter set')
  const entries = listUpTo(members, MAX_VOTERS, 'members').map((member) => {
    const [id, weight] = listOf(member, 2, 'a member')
    return {
      id: toHex(bytesOf(id, 20, 'a session address')) as Address,
      weight: smallUintOf(weight, Number.MAX_SAFE_INTEGER, 'a weight'),
    }
  })
  return {
    voters: new VoterSet(setId, entries),
    base: { number: uint64Of(number, 'base number'), hash: hashOf(hash, 'base hash') },
  }
}
