import { RLP } from '@ethereumjs/rlp'
import { fromHex, type RlpItem } from '@hawser/primitives'
import { voteKindCode, voteKindOf } from './digests.ts'
import { malformed } from './errors.ts'
import {
  bytesOf,
  bytesUpTo,
  decodeBounded,
  encodeShortStrings,
  hashOf,
  listOf,
  listUpTo,
  rlpUint,
  smallUintOf,
  uint64Of,
} from './rlp.ts'
import type {
  BlockRef,
  CatchUpRequest,
  CatchUpResponse,
  Commit,
  IndexedVote,
  Justification,
  NeighbourPacket,
  SignedVote,
} from './types.ts'
import { MAX_VOTERS } from './voter-set.ts'

/** Bytes of a vote: five integers, a hash and a signature. */
export const MAX_VOTE_BYTES = 192
/** Votes of one phase in one message: two of every voter (equivocators count with both). */
export const MAX_PHASE_VOTES = 2 * MAX_VOTERS
/** Two phases of two votes of each voter, each at most 76 bytes, and a target for every vote at 44 bytes. */
export const MAX_CATCH_UP_BYTES = 4 * MAX_VOTERS * 120 + 256
export const MAX_COMMIT_BYTES = 2 * MAX_VOTERS * 120 + 256
/** Headers in a justification: the unfinalised suffix that precommits may differ in. */
export const MAX_ANCESTRY_HEADERS = 1024
/** Bytes of one RLP header; Ethereum's are about 650. */
export const MAX_HEADER_BYTES = 1024
export const MAX_JUSTIFICATION_BYTES = MAX_COMMIT_BYTES + MAX_ANCESTRY_HEADERS * (MAX_HEADER_BYTES + 4) + 16
/** Rounds in a neighbour packet's inventory: the current one and three before. */
export const MAX_INVENTORY_ROUNDS = 4
const MAX_INVENTORY_BYTES = MAX_VOTERS / 4
export const MAX_NEIGHBOUR_BYTES = 64 + MAX_INVENTORY_ROUNDS * (2 * MAX_INVENTORY_BYTES + 32)
export const MAX_CATCH_UP_REQUEST_BYTES = 32
const MAX_VOTER_INDEX = MAX_VOTERS - 1

type Encodable = Uint8Array | Encodable[]

function packRef(ref: BlockRef): Encodable[] {
  return [rlpUint(ref.number), fromHex(ref.hash)]
}

function unpackRef(item: RlpItem | undefined, what: string): BlockRef {
  const [number, hash] = listOf(item, 2, what)
  return { number: uint64Of(number, `${what} number`), hash: hashOf(hash, `${what} hash`) }
}

function packIndexed(votes: readonly IndexedVote[]): Encodable[] {
  return votes.map((vote) => [rlpUint(vote.target), rlpUint(vote.voter), vote.signature])
}

function unpackIndexed(item: RlpItem | undefined, targets: number, what: string): IndexedVote[] {
  return listUpTo(item, MAX_PHASE_VOTES, what).map((entry) => {
    const [target, voter, signature] = listOf(entry, 3, what)
    const index = smallUintOf(target, MAX_PHASE_VOTES * 2, `${what} target`)
    if (index >= targets) throw malformed(`${what} point at a target that is not there`)
    return {
      target: index,
      voter: smallUintOf(voter, MAX_VOTER_INDEX, `${what} voter`),
      signature: bytesOf(signature, 65, `${what} signature`),
    }
  })
}

function unpackTargets(item: RlpItem | undefined, max: number): BlockRef[] {
  const targets = listUpTo(item, max, 'targets').map((entry) => unpackRef(entry, 'target'))
  if (new Set(targets.map((t) => `${t.number}:${t.hash}`)).size !== targets.length)
    throw malformed('a target is named twice')
  return targets
}

/** A vote as bytes: setId, round, kind, number, hash, voter, signature (about 124 bytes). */
export function encodeVote(vote: SignedVote): Uint8Array {
  return encodeShortStrings([
    rlpUint(vote.setId),
    rlpUint(vote.round),
    rlpUint(voteKindCode(vote.kind)),
    rlpUint(vote.number),
    fromHex(vote.hash),
    rlpUint(vote.voter),
    vote.signature,
  ])
}

/** @throws CONSENSUS_MALFORMED */
export function decodeVote(bytes: Uint8Array): SignedVote {
  const [setId, round, kind, number, hash, voter, signature] = listOf(
    decodeBounded(bytes, MAX_VOTE_BYTES, 'a vote'),
    7,
    'a vote',
  )
  const voteKind = voteKindOf(smallUintOf(kind, 2, 'vote kind'))
  if (voteKind === undefined) throw malformed('unknown vote kind')
  return {
    setId: uint64Of(setId, 'set id'),
    round: uint64Of(round, 'round'),
    kind: voteKind,
    number: uint64Of(number, 'target number'),
    hash: hashOf(hash, 'target hash'),
    voter: smallUintOf(voter, MAX_VOTER_INDEX, 'voter'),
    signature: bytesOf(signature, 65, 'signature'),
  }
}

function packCommit(commit: Commit): Encodable[] {
  return [
    rlpUint(commit.round),
    rlpUint(commit.setId),
    packRef(commit.target),
    commit.targets.map(packRef),
    packIndexed(commit.precommits),
  ]
}

function unpackCommit(item: RlpItem | undefined): Commit {
  const [round, setId, target, targets, precommits] = listOf(item, 5, 'a commit')
  const refs = unpackTargets(targets, MAX_PHASE_VOTES)
  return {
    round: uint64Of(round, 'round'),
    setId: uint64Of(setId, 'set id'),
    target: unpackRef(target, 'commit target'),
    targets: refs,
    precommits: unpackIndexed(precommits, refs.length, 'precommits'),
  }
}

/** A commit as bytes: round, setId, target, distinct targets, precommits. */
export function encodeCommit(commit: Commit): Uint8Array {
  return RLP.encode(packCommit(commit))
}

/** @throws CONSENSUS_MALFORMED */
export function decodeCommit(bytes: Uint8Array): Commit {
  return unpackCommit(decodeBounded(bytes, MAX_COMMIT_BYTES, 'a commit'))
}

/** A justification as bytes: the commit and the RLP headers as byte strings. */
export function encodeJustification(justification: Justification): Uint8Array {
  return RLP.encode([packCommit(justification.commit), [...justification.ancestry]])
}

/** @throws CONSENSUS_MALFORMED */
export function decodeJustification(bytes: Uint8Array): Justification {
  const [commit, ancestry] = listOf(
    decodeBounded(bytes, MAX_JUSTIFICATION_BYTES, 'a justification'),
    2,
    'a justification',
  )
  return {
    commit: unpackCommit(commit),
    ancestry: listUpTo(ancestry, MAX_ANCESTRY_HEADERS, 'ancestry').map((header) =>
      bytesUpTo(header, MAX_HEADER_BYTES, 'a header'),
    ),
  }
}

/** A neighbour packet as bytes: setId, round, finalised number, stuck, inventories. */
export function encodeNeighbour(packet: NeighbourPacket): Uint8Array {
  return RLP.encode([
    rlpUint(packet.setId),
    rlpUint(packet.round),
    rlpUint(packet.finalizedNumber),
    rlpUint(packet.stuck ? 1 : 0),
    packet.have.map((entry) => [rlpUint(entry.round), entry.prevotes, entry.precommits]),
  ])
}

/** @throws CONSENSUS_MALFORMED */
export function decodeNeighbour(bytes: Uint8Array): NeighbourPacket {
  const item = decodeBounded(bytes, MAX_NEIGHBOUR_BYTES, 'a neighbour packet')
  const [setId, round, finalizedNumber, stuck, have] = listOf(item, 5, 'a neighbour packet')
  return {
    setId: uint64Of(setId, 'set id'),
    round: uint64Of(round, 'round'),
    finalizedNumber: uint64Of(finalizedNumber, 'finalised number'),
    stuck: smallUintOf(stuck, 1, 'stuck') === 1,
    have: listUpTo(have, MAX_INVENTORY_ROUNDS, 'inventories').map((entry) => {
      const [entryRound, prevotes, precommits] = listOf(entry, 3, 'an inventory')
      return {
        round: uint64Of(entryRound, 'inventory round'),
        prevotes: bytesUpTo(prevotes, MAX_INVENTORY_BYTES, 'prevote inventory'),
        precommits: bytesUpTo(precommits, MAX_INVENTORY_BYTES, 'precommit inventory'),
      }
    }),
  }
}

/** A catch-up request as bytes: setId, round. */
export function encodeCatchUpRequest(request: CatchUpRequest): Uint8Array {
  return RLP.encode([rlpUint(request.setId), rlpUint(request.round)])
}

/** @throws CONSENSUS_MALFORMED */
export function decodeCatchUpRequest(bytes: Uint8Array): CatchUpRequest {
  const [setId, round] = listOf(
    decodeBounded(bytes, MAX_CATCH_UP_REQUEST_BYTES, 'a catch-up request'),
    2,
    'a catch-up request',
  )
  return { setId: uint64Of(setId, 'set id'), round: uint64Of(round, 'round') }
}

/** A catch-up response as bytes: setId, round, base, distinct targets, prevotes, precommits. */
export function encodeCatchUpResponse(response: CatchUpResponse): Uint8Array {
  return RLP.encode([
    rlpUint(response.setId),
    rlpUint(response.round),
    packRef(response.base),
    response.targets.map(packRef),
    packIndexed(response.prevotes),
    packIndexed(response.precommits),
  ])
}

/** @throws CONSENSUS_MALFORMED */
export function decodeCatchUpResponse(bytes: Uint8Array): CatchUpResponse {
  const item = decodeBounded(bytes, MAX_CATCH_UP_BYTES, 'a catch-up response')
  const [setId, round, base, targets, prevotes, precommits] = listOf(item, 6, 'a catch-up response')
  const refs = unpackTargets(targets, 2 * MAX_PHASE_VOTES)
  return {
    setId: uint64Of(setId, 'set id'),
    round: uint64Of(round, 'round'),
    base: unpackRef(base, 'base'),
    targets: refs,
    prevotes: unpackIndexed(prevotes, refs.length, 'prevotes'),
    precommits: unpackIndexed(precommits, refs.length, 'precommits'),
  }
}

/** The most votes in one answer about missing votes. */
export const MAX_VOTES_IN_ANSWER = 512
export const MAX_VOTES_BYTES = MAX_VOTES_IN_ANSWER * (MAX_VOTE_BYTES + 3) + 16

/** Several votes as bytes: an RLP list of encoded votes. */
export function encodeVotes(votes: readonly SignedVote[]): Uint8Array {
  return RLP.encode(votes.map(encodeVote))
}

/** @throws CONSENSUS_MALFORMED */
export function decodeVotes(bytes: Uint8Array): SignedVote[] {
  return listUpTo(decodeBounded(bytes, MAX_VOTES_BYTES, 'votes'), MAX_VOTES_IN_ANSWER, 'votes').map((vote) =>
    decodeVote(bytesUpTo(vote, MAX_VOTE_BYTES, 'a vote')),
  )
}
