import { RLP } from '@ethereumjs/rlp'
import { fromHex } from '@hawser/primitives'
import { decodeVote, encodeVote, MAX_VOTE_BYTES } from './codec.ts'
import { voteKindCode } from './digests.ts'
import { malformed } from './errors.ts'
import { decodeBounded, hashOf, listOf, rlpUint, uint64Of } from './rlp.ts'
import type { BlockRef, SignedVote, UnsignedVote } from './types.ts'

/** One stored entry; keys are ASCII: `setId/round/what`, both numbers as 16 hex digits, so that they sort. */
export interface VoteRecord {
  readonly key: string
  readonly value: Uint8Array
}

/** What the records of one round hold. */
export interface StoredRound {
  readonly round: bigint
  base?: BlockRef
  /** What this node has decided to vote, before it was signed. */
  readonly intents: UnsignedVote[]
  readonly votes: SignedVote[]
}

const SIGNATURE_OF_INTENT = new Uint8Array(65)

/** The prefix of a set's keys. */
export function setPrefix(setId: bigint): string {
  return `${setId.toString(16).padStart(16, '0')}/`
}

/** The prefix of a round's keys. */
export function roundPrefix(setId: bigint, round: bigint): string {
  return `${setPrefix(setId)}${round.toString(16).padStart(16, '0')}/`
}

/** A round was begun on a base. */
export function baseRecord(setId: bigint, round: bigint, base: BlockRef): VoteRecord {
  return { key: `${roundPrefix(setId, round)}base`, value: RLP.encode([rlpUint(base.number), fromHex(base.hash)]) }
}

/** This node will vote so, whatever happens: written and synced before the vote is signed. */
export function intentRecord(vote: UnsignedVote): VoteRecord {
  return {
    key: `${roundPrefix(vote.setId, vote.round)}intent/${voteKindCode(vote.kind)}`,
    value: encodeVote({ ...vote, voter: 0, signature: SIGNATURE_OF_INTENT }),
  }
}

/** A vote that was counted, the voter's first (0) or second (1). */
export function voteRecord(vote: SignedVote, ordinal: 0 | 1): VoteRecord {
  return {
    key: `${roundPrefix(vote.setId, vote.round)}vote/${voteKindCode(vote.kind)}/${vote.voter}/${ordinal}`,
    value: encodeVote(vote),
  }
}

/** The stored rounds of a set, ascending; records of other sets are passed over. @throws CONSENSUS_MALFORMED for damage */
export function readRecords(setId: bigint, records: Iterable<VoteRecord>): StoredRound[] {
  const rounds = new Map<bigint, StoredRound>()
  for (const { key, value } of records) {
    const [set, roundHex, what] = key.split('/')
    if (set === undefined || roundHex === undefined || BigInt(`0x${set}`) !== setId) continue
    const round = BigInt(`0x${roundHex}`)
    let stored = rounds.get(round)
    if (stored === undefined) rounds.set(round, (stored = { round, intents: [], votes: [] }))
    if (what === 'base') {
      const [number, hash] = listOf(decodeBounded(value, MAX_VOTE_BYTES, 'a base record'), 2, 'a base record')
      stored.base = { number: uint64Of(number, 'base number'), hash: hashOf(hash, 'base hash') }
    } else if (what === 'intent') {
      const { setId: set, round: r, kind, number, hash } = decodeVote(value)
      stored.intents.push({ setId: set, round: r, kind, number, hash })
    } else if (what === 'vote') stored.votes.push(decodeVote(value))
    else throw malformed(`a record named ${key}`)
  }
  return [...rounds.values()].sort((a, b) => (a.round < b.round ? -1 : 1))
}
