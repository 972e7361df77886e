import { RLP } from '@ethereumjs/rlp'
import {
  err,
  fromHex,
  keccak256,
  ok,
  toHex,
  type Address,
  type Hash32,
  type Result,
  type RlpItem,
} from '@hawser/primitives'
import type { SealEquivocation, SealedHeader } from './aura.ts'
import { decodeVote, encodeVote, MAX_HEADER_BYTES, MAX_VOTE_BYTES } from './codec.ts'
import { sealDigest, type NetworkId } from './digests.ts'
import { malformed } from './errors.ts'
import { readEvidenceHeader } from './evidence-header.ts'
import { bytesOf, bytesUpTo, decodeBounded, listOf, rlpUint, smallUintOf } from './rlp.ts'
import type { VoteEquivocation } from './types.ts'
import { voteVerifier, type RecoverAddress } from './justification.ts'
import type { VoterSet } from './voter-set.ts'

/** A validator's own signatures against it: two votes in one phase of one round, or two blocks in one slot. */
export type Evidence = ({ readonly kind: 'votes' } & VoteEquivocation) | ({ readonly kind: 'seals' } & SealEquivocation)

/** Bytes of evidence: two headers with their seals, or two votes. */
export const MAX_EVIDENCE_BYTES = 2 * (MAX_HEADER_BYTES + 80) + 64

const KINDS = { votes: 0, seals: 1 } as const

/** What evidence proves, once: an offence of a validator at a place. More of the same adds nothing. */
export function offenceOf(evidence: Evidence): string {
  if (evidence.kind === 'seals') return `${evidence.offender}/seals/${evidence.slot}`
  return `${evidence.offender}/votes/${evidence.first.setId}/${evidence.first.round}`
}

/** Evidence as bytes: kind, offender, and two votes or two pairs of header and seal. */
export function encodeEvidence(evidence: Evidence): Uint8Array {
  const pair =
    evidence.kind === 'votes'
      ? [evidence.first, evidence.second].map(encodeVote)
      : [evidence.first, evidence.second].map(({ header, seal }) => [header, seal])
  return RLP.encode([rlpUint(KINDS[evidence.kind]), fromHex(evidence.offender), ...pair])
}

/** Reads evidence; nothing of what it says is checked. Slots are of `slotSeconds`. @throws CONSENSUS_MALFORMED */
export function decodeEvidence(bytes: Uint8Array, slotSeconds: number): Evidence {
  const [kind, offenderBytes, first, second] = listOf(
    decodeBounded(bytes, MAX_EVIDENCE_BYTES, 'evidence'),
    4,
    'evidence',
  )
  const offender = toHex(bytesOf(offenderBytes, 20, 'offender')) as Address
  if (smallUintOf(kind, 1, 'kind of evidence') === KINDS.votes) {
    const vote = (item: RlpItem | undefined) => decodeVote(bytesUpTo(item, MAX_VOTE_BYTES, 'a vote'))
    return { kind: 'votes', offender, first: vote(first), second: vote(second) }
  }
  const sealed = (item: RlpItem | undefined): SealedHeader => {
    const [header, seal] = listOf(item, 2, 'a sealed header')
    const rlp = bytesUpTo(header, MAX_HEADER_BYTES, 'a header')
    return { hash: toHex(keccak256(rlp)) as Hash32, header: rlp, seal: bytesOf(seal, 65, 'a seal') }
  }
  const pair = { first: sealed(first), second: sealed(second) }
  return { kind: 'seals', offender, slot: slotOf(pair.first.header, slotSeconds), ...pair }
}

/** Why evidence proves nothing: for good, or (`unknown-set`, `not-in-office`) as far as this node has come. */
export type EvidenceFault =
  'unknown-set' | 'not-in-office' | 'not-a-member' | 'bad-header' | 'same-place' | 'no-contradiction' | 'bad-signature'

export interface EvidenceRules {
  readonly network: NetworkId
  readonly slotSeconds: number
  /** A voter set by its id, of those that this node has followed. */
  readonly setOf: (setId: bigint) => VoterSet | undefined
  /** Whether a session address has or had a seat when blocks of this number were made, by the state at the head. */
  readonly mayHaveSealed: (session: Address, number: bigint) => boolean
  readonly recover: RecoverAddress
}

/**
 * Whether both signatures are the offender's and contradict one another, by the rules of `ValidatorsEvidence.sol`: what the contract
 * refuses would be kept for nothing. (It also takes v 27 and 28, which no node signs.)
 */
export function checkEvidence(evidence: Evidence, rules: EvidenceRules): Result<void, EvidenceFault> {
  return evidence.kind === 'votes' ? checkVotes(evidence, rules) : checkSeals(evidence, rules)
}

function checkVotes({ offender, first, second }: VoteEquivocation, rules: EvidenceRules): Result<void, EvidenceFault> {
  const { setId, round, kind, voter } = first
  const voters = rules.setOf(setId)
  if (voters === undefined) return err('unknown-set')
  if (voters.at(voter)?.id !== offender) return err('not-a-member')
  // A primary's hint is no vote: two of them prove nothing.
  if (kind === 'primary' || second.setId !== setId || second.round !== round || second.kind !== kind)
    return err('same-place')
  if (second.voter !== voter) return err('not-a-member')
  if (first.hash === second.hash && first.number === second.number) return err('no-contradiction')
  const verify = voteVerifier(rules.network, voters, rules.recover)
  return verify(first) && verify(second) ? ok(undefined) : err('bad-signature')
}

function checkSeals(evidence: SealEquivocation, rules: EvidenceRules): Result<void, EvidenceFault> {
  const { offender, first, second } = evidence
  const [a, b] = [readEvidenceHeader(first.header), readEvidenceHeader(second.header)]
  if (a === undefined || b === undefined) return err('bad-header')
  // A timestamp is its slot times the slots' length, exactly: two timestamps within one slot are no offence that a block could be.
  if (a.timestamp !== b.timestamp) return err('same-place')
  if (first.hash === second.hash) return err('no-contradiction')
  const signed = ({ hash, seal }: SealedHeader) => {
    try {
      return rules.recover(sealDigest(rules.network.chainId, hash), seal) === offender
    } catch {
      return false
    }
  }
  if (!signed(first) || !signed(second)) return err('bad-signature')
  const inOffice = [a, b].every(({ number }) => rules.mayHaveSealed(offender, number))
  return inOffice ? ok(undefined) : err('not-in-office')
}

function slotOf(header: Uint8Array, slotSeconds: number): bigint {
  return timestampOf(header) / BigInt(slotSeconds)
}

/** The timestamp of an RLP header, Unix seconds. @throws CONSENSUS_MALFORMED */
export function timestampOf(header: Uint8Array): bigint {
  const read = readEvidenceHeader(header)
  if (read === undefined) throw malformed('a header is none')
  return read.timestamp
}
