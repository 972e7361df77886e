import {
  decodeRlp,
  err,
  isAppError,
  keccak256,
  ok,
  readUintBE,
  toHex,
  type Address,
  type Hash32,
  type Result,
} from '@hawser/primitives'
import { Point, recoverPublicKey } from '@noble/secp256k1'
import { decodeJustification, MAX_ANCESTRY_HEADERS, MAX_HEADER_BYTES } from './codec.ts'
import { checkCommit, type CommitFault } from './commit.ts'
import { voteDigest, type NetworkId } from './digests.ts'
import type { BlockRef, HeaderRef, Justification, SignedVote } from './types.ts'
import type { VoterSet } from './voter-set.ts'

/** The address that signed a 32-byte digest with r | s | v (65 bytes); throws, or gives another address, when it is none. */
export type RecoverAddress = (digest: Uint8Array, signature: Uint8Array) => Address

const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** Recovery in pure JavaScript (about 750 a second); high s and v above 1 are refused. */
export const recoverAddressPure: RecoverAddress = (digest, signature) => {
  const v = signature[64]
  if (signature.length !== 65 || (v !== 0 && v !== 1) || readUintBE(signature.subarray(32, 64)) > HALF_ORDER)
    throw new RangeError('not a signature r | s | v with low s and v 0 or 1')
  const recovered = new Uint8Array(65)
  recovered[0] = v
  recovered.set(signature.subarray(0, 64), 1)
  const key = Point.fromBytes(recoverPublicKey(recovered, digest, { prehash: false })).toBytes(false)
  return toHex(keccak256(key.subarray(1)).subarray(12)) as Address
}

/** A check of one vote: whether it is signed by the voter at its index of the set. */
export function voteVerifier(
  network: NetworkId,
  voters: VoterSet,
  recover: RecoverAddress = recoverAddressPure,
): (vote: SignedVote) => boolean {
  // Most votes of a commit say the same.
  let last: { readonly vote: SignedVote; readonly digest: Uint8Array } | undefined
  const digestOf = (vote: SignedVote) => {
    if (last === undefined || !saysTheSame(last.vote, vote)) last = { vote, digest: voteDigest(network, vote) }
    return last.digest
  }
  return (vote) => {
    const voter = voters.at(vote.voter)
    if (voter === undefined || vote.setId !== voters.setId) return false
    try {
      return recover(digestOf(vote), vote.signature) === voter.id
    } catch {
      return false
    }
  }
}

/** Whether two votes of one set are the same but for who signed them. */
function saysTheSame(a: SignedVote, b: SignedVote): boolean {
  return a.hash === b.hash && a.number === b.number && a.round === b.round && a.kind === b.kind
}

/** Why a justification proves nothing. */
export type JustificationFault = CommitFault | 'malformed' | 'bad-header' | 'padded-ancestry' | 'other-block'

/** What there is to check, and against what. */
export interface JustificationClaim {
  /** The proof, as bytes or decoded. */
  readonly justification: Uint8Array | Justification
  /** The set, with its id, that was in office. */
  readonly voters: VoterSet
  readonly network: NetworkId
  /** The block that is said to be final; without it the answer says which one is. */
  readonly block?: BlockRef
  readonly recover?: RecoverAddress
}

/** Number and parent of an RLP header; its hash is keccak256 of the bytes. */
export function readHeader(rlp: Uint8Array): HeaderRef | undefined {
  if (rlp.length > MAX_HEADER_BYTES) return undefined
  try {
    const fields = decodeRlp(rlp)
    if (!Array.isArray(fields)) return undefined
    const [parent, number] = [fields[0], fields[8]] as [unknown, unknown]
    if (!(parent instanceof Uint8Array) || parent.length !== 32) return undefined
    if (!(number instanceof Uint8Array) || number.length > 8) return undefined
    return {
      number: readUintBE(number),
      hash: toHex(keccak256(rlp)) as Hash32,
      parentHash: toHex(parent) as Hash32,
    }
  } catch {
    return undefined
  }
}

/**
 * Whether a justification proves its block final under the set: membership, weight, ancestry of every vote, signatures,
 * and exactly the headers that are needed (consensus.md, 2.9). Gives the block.
 */
export function verifyJustification(claim: JustificationClaim): Result<BlockRef, JustificationFault> {
  const { voters, network, block, recover } = claim
  let justification: Justification
  try {
    justification =
      claim.justification instanceof Uint8Array ? decodeJustification(claim.justification) : claim.justification
  } catch (error) {
    if (isAppError(error, 'CONSENSUS_MALFORMED')) return err('malformed')
    throw error
  }
  const { commit, ancestry } = justification
  if (block !== undefined && (commit.target.hash !== block.hash || commit.target.number !== block.number))
    return err('other-block')
  if (ancestry.length > MAX_ANCESTRY_HEADERS) return err('malformed')
  const headers = new Map<Hash32, HeaderRef>()
  for (const rlp of ancestry) {
    const header = readHeader(rlp)
    if (header === undefined) return err('bad-header')
    headers.set(header.hash, header)
  }
  if (headers.size !== ancestry.length) return err('padded-ancestry')
  const checked = checkCommit(commit, voters, (hash) => headers.get(hash), voteVerifier(network, voters, recover))
  if (!checked.ok) return checked
  if (checked.value.ancestry.size !== headers.size) return err('padded-ancestry')
  return ok(commit.target)
}
