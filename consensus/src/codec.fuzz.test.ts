import { RLP } from '@ethereumjs/rlp'
import { address, equalBytes, hash32 } from '@hawser/primitives'
import { fuzzDecoder, type FuzzedDecoder } from '@hawser/primitives/testing'
import { describe, expect, it } from 'vitest'
import {
  decodeCatchUpRequest,
  decodeCatchUpResponse,
  decodeCommit,
  decodeJustification,
  decodeNeighbour,
  decodeVote,
  decodeVotes,
  encodeCatchUpRequest,
  encodeCatchUpResponse,
  encodeCommit,
  encodeJustification,
  encodeNeighbour,
  encodeVote,
  encodeVotes,
  MAX_CATCH_UP_BYTES,
  MAX_CATCH_UP_REQUEST_BYTES,
  MAX_COMMIT_BYTES,
  MAX_JUSTIFICATION_BYTES,
  MAX_NEIGHBOUR_BYTES,
  MAX_PHASE_VOTES,
  MAX_VOTE_BYTES,
  MAX_VOTES_BYTES,
} from './codec.ts'
import { decodeEvidence, encodeEvidence, MAX_EVIDENCE_BYTES } from './evidence.ts'
import {
  decodeHandovers,
  encodeHandovers,
  MAX_HANDOVERS,
  MAX_SET_PROOFS_BYTES,
  type HandoverProof,
} from './handover-proof.ts'
import { MAX_PROOF_NODES } from './merkle-proof.ts'
import type { CatchUpResponse, Commit, SignedVote } from './types.ts'
import { MAX_VOTERS } from './voter-set.ts'

const SLOT_SECONDS = 1
const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill)
const ref = (n: number) => ({ number: BigInt(n), hash: hash32(`0x${n.toString(16).padStart(64, '0')}`) })
const vote = (n: number): SignedVote => ({
  setId: 1n,
  round: 300n,
  kind: 'precommit',
  ...ref(n),
  voter: n % MAX_VOTERS,
  signature: bytes(65, 7),
})
const indexed = (n: number) => ({ target: n % 2, voter: n % MAX_VOTERS, signature: bytes(65, 7) })
const commit: Commit = {
  setId: 1n,
  round: 300n,
  target: ref(9),
  targets: [ref(9), ref(10)],
  precommits: [indexed(0), indexed(1), indexed(2)],
}
const catchUp: CatchUpResponse = {
  setId: 1n,
  round: 300n,
  base: ref(8),
  targets: [ref(9), ref(10)],
  prevotes: [indexed(0), indexed(1)],
  precommits: [indexed(1), indexed(2)],
}
const handover: HandoverProof = {
  justification: encodeCommit(commit),
  header: bytes(600, 2),
  accountProof: [bytes(532, 3), bytes(100, 4)],
  storageProof: [bytes(60, 5)],
  setId: 2n,
  voters: [1, 2].map((n) => ({ id: address(`0x${String(n).repeat(40)}`), weight: 300 * n })),
}
/** As much of a header as evidence looks at. */
const header = (salt: number) => {
  const fields = Array.from({ length: 21 }, () => bytes(1, salt))
  fields[0] = bytes(32, 1)
  fields[8] = Uint8Array.of(1, 2)
  fields[11] = Uint8Array.of(0x65, 0x53, 0xf1, 0)
  return { hash: ref(salt).hash, header: RLP.encode(fields), seal: bytes(65, salt) }
}
const offender = address(`0x${'ab'.repeat(20)}`)

const decoders: Record<string, FuzzedDecoder> = {
  'a vote': { recode: (b) => encodeVote(decodeVote(b)), valid: encodeVote(vote(9)), maxBytes: MAX_VOTE_BYTES },
  votes: {
    recode: (b) => encodeVotes(decodeVotes(b)),
    valid: encodeVotes([vote(9), vote(10)]),
    maxBytes: MAX_VOTES_BYTES,
  },
  'a commit': { recode: (b) => encodeCommit(decodeCommit(b)), valid: encodeCommit(commit), maxBytes: MAX_COMMIT_BYTES },
  'a justification': {
    recode: (b) => encodeJustification(decodeJustification(b)),
    valid: encodeJustification({ commit, ancestry: [bytes(600, 1), bytes(1, 200)] }),
    maxBytes: MAX_JUSTIFICATION_BYTES,
  },
  'a neighbour packet': {
    recode: (b) => encodeNeighbour(decodeNeighbour(b)),
    valid: encodeNeighbour({
      setId: 1n,
      round: 300n,
      finalizedNumber: 70_000n,
      stuck: true,
      have: [{ round: 299n, prevotes: bytes(1, 0xff), precommits: bytes(1, 5) }],
    }),
    maxBytes: MAX_NEIGHBOUR_BYTES,
  },
  'a catch-up request': {
    recode: (b) => encodeCatchUpRequest(decodeCatchUpRequest(b)),
    valid: encodeCatchUpRequest({ setId: 1n, round: 300n }),
    maxBytes: MAX_CATCH_UP_REQUEST_BYTES,
  },
  'a catch-up': {
    recode: (b) => encodeCatchUpResponse(decodeCatchUpResponse(b)),
    valid: encodeCatchUpResponse(catchUp),
    maxBytes: MAX_CATCH_UP_BYTES,
  },
  handovers: {
    recode: (b) => encodeHandovers(decodeHandovers(b)),
    valid: encodeHandovers([handover, { ...handover, setId: 3n }]),
    maxBytes: MAX_SET_PROOFS_BYTES,
  },
  'evidence of two votes': {
    recode: (b) => encodeEvidence(decodeEvidence(b, SLOT_SECONDS)),
    valid: encodeEvidence({ kind: 'votes', offender, first: vote(1), second: vote(2) }),
    maxBytes: MAX_EVIDENCE_BYTES,
  },
  'evidence of two seals': {
    recode: (b) => encodeEvidence(decodeEvidence(b, SLOT_SECONDS)),
    valid: encodeEvidence({ kind: 'seals', offender, slot: 1_700_000_000n, first: header(1), second: header(2) }),
    maxBytes: MAX_EVIDENCE_BYTES,
  },
}

describe('decoders of consensus messages', () => {
  it.each(Object.entries(decoders))('%s: has one encoding, and all else is its sender’s fault', (_, decoder) => {
    fuzzDecoder({ ...decoder, codes: ['CONSENSUS_MALFORMED'] })
  })

  it.each(Object.entries(decoders))('%s: is not looked into when it is longer than it may be', (_, decoder) => {
    expect(() => decoder.recode(bytes(decoder.maxBytes + 1, 0xc0))).toThrow(`${decoder.maxBytes + 1} bytes`)
  })

  it('take the greatest messages that there can be', () => {
    const targets = Array.from({ length: MAX_PHASE_VOTES }, (_, n) => ref(n))
    const all = targets.map((_, n) => ({ ...indexed(n), target: n }))
    const full = { ...commit, targets, precommits: all }
    const more = Array.from({ length: 2 * MAX_PHASE_VOTES }, (_, n) => ref(n))
    const late = { ...catchUp, targets: more, prevotes: all, precommits: all }
    const voters = Array.from({ length: MAX_VOTERS }, (_, n) => ({ id: address(`0x${'c'.repeat(40)}`), weight: n + 1 }))
    const path = Array.from({ length: MAX_PROOF_NODES }, (_, n) => bytes(32, n))
    const handovers = Array.from({ length: MAX_HANDOVERS }, () => ({
      ...handover,
      accountProof: path,
      storageProof: path,
      voters,
    }))
    for (const [name, message] of [
      ['a commit', encodeCommit(full)],
      ['a catch-up', encodeCatchUpResponse(late)],
      ['handovers', encodeHandovers(handovers)],
    ] as const)
      expect(equalBytes(decoders[name]?.recode(message) ?? bytes(0, 0), message), name).toBe(true)
  })
})
