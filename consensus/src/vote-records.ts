import { RLP } from '@ethereumjs/rlp'
import { concatBytes, fromHex, readUintBE, uintBE } from '@hawser/primitives'
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
  /** What this node has decided to vote, before it was signed, and how many votes it had counted by then. */
  readonly intents: StoredIntent[]
  /** In the order of arrival. */
  readonly votes: SignedVote[]
}

/** A decision to vote, made when `after` votes of the round had been counted. */
export interface StoredIntent extends UnsignedVote {
  readonly after: number
}

/** Hex digits of a set id or round in a key. */
const ROUND_DIGITS = 16
const SIGNATURE_OF_INTENT = new Uint8Array(65)

/** The prefix of a set's keys. */
export function setPrefix(setId: bigint): string {
  return `${setId.toString(16).padStart(ROUND_DIGITS, '0')}/`
}

/** The prefix of a round's keys. */
export function roundPrefix(setId: bigint, round: bigint): string {
  return `${setPrefix(setId)}${round.toString(16).padStart(ROUND_DIGITS, '0')}/`
}

/** A round was begun on a base. */
export function baseRecord(setId: bigint, round: bigint, base: BlockRef): VoteRecord {
  return { key: `${roundPrefix(setId, round)}base`, value: RLP.encode([rlpUint(base.number), fromHex(base.hash)]) }
}

/** This node will vote so, whatever happens: written and synced before the vote is signed; `after` so many counted votes. */
export function intentRecord(vote: UnsignedVote, after: number): VoteRecord {
  return {
    key: `${roundPrefix(vote.setId, vote.round)}intent/${voteKindCode(vote.kind)}`,
    value: ordered(after, encodeVote({ ...vote, voter: 0, signature: SIGNATURE_OF_INTENT })),
  }
}

/** A vote that was counted, the voter's first (0) or second (1), and its place in the order of arrival. */
export function voteRecord(vote: SignedVote, ordinal: 0 | 1, place: number): VoteRecord {
  return {
    key: `${roundPrefix(vote.setId, vote.round)}vote/${voteKindCode(vote.kind)}/${vote.voter}/${ordinal}`,
    value: ordered(place, encodeVote(vote)),
  }
}

/** The round of a set that a key belongs to, as 16 hex digits; undefined for other keys. */
export function roundOfKey(setId: bigint, key: string): string | undefined {
  const prefix = setPrefix(setId)
  return key.startsWith(prefix) ? key.slice(prefix.length, prefix.length + ROUND_DIGITS) : undefined
}

/**
 * The last `count` stored rounds of a set, ascending; other records are passed over unread.
 * @throws CONSENSUS_MALFORMED for damage
 */
export function readRecords(setId: bigint, records: Iterable<VoteRecord>, count = Infinity): StoredRound[] {
  const byRound = new Map<string, VoteRecord[]>()
  for (const record of records) {
    const round = roundOfKey(setId, record.key)
    if (round === undefined) continue
    const known = byRound.get(round)
    if (known === undefined) byRound.set(round, [record])
    else known.push(record)
  }
  const last = [...byRound.keys()].sort().slice(-Math.min(count, byRound.size))
  return last.map((round) => readRound(BigInt(`0x${round}`), byRound.get(round) ?? []))
}

function readRound(round: bigint, records: readonly VoteRecord[]): StoredRound {
  const stored: StoredRound = { round, intents: [], votes: [] }
  const placed: { place: number; vote: SignedVote }[] = []
  for (const { key, value } of records) {
    const what = key.split('/')[2]
    if (what === 'base') {
      const [number, hash] = listOf(decodeBounded(value, MAX_VOTE_BYTES, 'a base record'), 2, 'a base record')
      stored.base = { number: uint64Of(number, 'base number'), hash: hashOf(hash, 'base hash') }
    } else if (what === 'intent') {
      const { setId, round: of, kind, number, hash } = decodeVote(value.subarray(4))
      stored.intents.push({ setId, round: of, kind, number, hash, after: placeOf(value) })
    } else if (what === 'vote') placed.push({ place: placeOf(value), vote: decodeVote(value.subarray(4)) })
    else throw malformed(`a record named ${key}`)
  }
  for (const { vote } of placed.sort((a, b) => a.place - b.place)) stored.votes.push(vote)
  return stored
}

/** A number below 2^32, then the record. */
function ordered(place: number, record: Uint8Array): Uint8Array {
  return concatBytes(uintBE(place, 4), record)
}

function placeOf(value: Uint8Array): number {
  return Number(readUintBE(value.subarray(0, 4)))
}
