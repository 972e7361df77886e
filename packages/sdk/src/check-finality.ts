import {
  decodeJustification,
  readHeader,
  verifyFinalBlock,
  type BlockRef,
  type LightState,
  type RecoverAddress,
} from '@hawser/consensus/verify'
import { decodeRlp, isAppError, readUintBE, toHex, type Hash32, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'
import { readProofBytes } from './proof-bytes.ts'
import type { TrustedChain } from './trusted-chain.ts'
import {
  beginPath,
  brokenChain,
  extendPath,
  firstSets,
  latestSet,
  sameChain,
  type SetPath,
  type VerifiedSets,
} from './verified-sets.ts'

/** Headers of one proof: what a node answers at most. */
const MAX_PROOF_HEADERS = 1_024
const MAX_HEADER_BYTES = 1_024
/** A justification by 1,024 voters with 1,024 headers. */
const MAX_JUSTIFICATION_BYTES = 2 * 1024 * 1024
/** Pages of handovers of one proof, 64 handovers each at most. */
export const MAX_SET_PAGES = 256
/** Fields of an execution header that are read: their places in the RLP list. */
const STATE_ROOT = 3
const TIMESTAMP = 11

/** What proves a block final to whoever knows the chain spec, or later sets. Plain JSON. */
export interface FinalityProof {
  readonly justification: Hex
  /** RLP of the headers from the block up to the one that the votes are for. */
  readonly headers: readonly Hex[]
  /** Pages of handovers from the set that is known to the one that voted, and to the next one where there is one. */
  readonly setProofs: readonly Hex[]
}

/** A block that the validators' votes prove to be final. */
export interface ProvenBlock extends BlockRef {
  readonly stateRoot: Hash32
  /** Unix seconds. */
  readonly timestamp: bigint
  /** The block that the votes are for: this one, or a later one that follows from it. */
  readonly justified: BlockRef
  /** The set that voted. */
  readonly setId: bigint
  /** The chain of validator sets as far as it is known now: hand it in again. */
  readonly sets: VerifiedSets
  /** To show to others: it begins at the sets that were handed in, at the chain spec where none were, or with `fromSpec`. */
  readonly proof: FinalityProof
}

export interface CheckFinalityParameters {
  readonly trust: TrustedChain
  readonly proof: FinalityProof
  /** Sets that are known already; the chain spec's first alone when absent. Nothing is taken that contradicts them. */
  readonly sets?: VerifiedSets
  /** Whether the proof begins at the chain spec though `sets` are given. */
  readonly fromSpec?: boolean
  /** Refuses what is older, in seconds. */
  readonly maxAgeS?: number
  /** Recovers signers faster than the pure JavaScript that is used without it. */
  readonly recover?: RecoverAddress
}

/**
 * Checks a proof with nothing but itself and what is trusted: no node is asked.
 * @throws JUSTIFICATION_INVALID, HANDOVER_INVALID, PROOF_TOO_OLD, VERIFIED_SETS_INVALID, GENESIS_UNKNOWN
 */
export function checkFinality(parameters: CheckFinalityParameters): ProvenBlock {
  const { trust, proof, recover, maxAgeS } = parameters
  const read = readProof(proof)
  const known = parameters.sets && sameChain(parameters.sets, trust)
  if (known === undefined && trust.genesisHash === undefined)
    throw sdkError('GENESIS_UNKNOWN', 'user', 'a proof without a node needs the hash of block 0 in what is trusted')
  const pages = proof.setProofs
  if (!Array.isArray(pages) || pages.length > MAX_SET_PAGES) throw brokenChain('it has no pages, or too many')
  const genesisHash = (known ? latestSet(known).network : trust).genesisHash as Hash32
  const start = known && parameters.fromSpec !== true ? known : firstSets(trust, genesisHash)
  let path = beginPath(start, known)
  for (const page of pages as readonly Hex[]) path = extendPath(path, page, recover)
  return { ...proveBlock(path, read, { recover, maxAgeS }), sets: path.known, proof }
}

/** @internal A block's part of a proof, decoded. */
export interface ReadProof {
  readonly setId: bigint
  readonly justification: Uint8Array
  readonly headers: readonly Uint8Array[]
  readonly first: BlockRef
}

/** @internal @throws JUSTIFICATION_INVALID */
export function readProof(answer: Pick<FinalityProof, 'justification' | 'headers'>): ReadProof {
  const { justification: votes, headers: raw } = answer
  if (!Array.isArray(raw) || raw.length === 0) throw forged('it has no headers')
  if (raw.length > MAX_PROOF_HEADERS) throw forged('it has too many headers')
  const headers = raw.map((hex: unknown) => {
    const rlp = readProofBytes(hex, MAX_HEADER_BYTES)
    if (rlp === undefined) throw forged('a header is none')
    return rlp
  })
  const first = readHeader(headers[0] as Uint8Array)
  const justification = readProofBytes(votes, MAX_JUSTIFICATION_BYTES)
  if (first === undefined) throw forged('a header is none')
  if (justification === undefined) throw forged('its votes are not hex')
  try {
    return { setId: decodeJustification(justification).commit.setId, justification, headers, first }
  } catch (error) {
    if (isAppError(error, 'CONSENSUS_MALFORMED')) throw forged('its votes are malformed')
    throw error
  }
}

/** @internal Checks a block's proof under the set that was in office then, by the way that the proof goes and by what is known. */
export function proveBlock(
  { followed, known }: SetPath,
  proof: ReadProof,
  options: { readonly recover?: RecoverAddress | undefined; readonly maxAgeS?: number | undefined },
): Omit<ProvenBlock, 'sets' | 'proof'> {
  const { setId, justification, headers } = proof
  const state = followed.states.find(({ voters }) => voters.setId === setId)
  const latest = latestSet(followed).voters.setId
  if (state === undefined)
    throw brokenChain(`the votes are of set ${setId}, and no proof leads further than to set ${latest}`)
  const verified = verifyFinalBlock(state, { justification, headers }, options.recover)
  if (!verified.ok) throw forged(`the votes of set ${setId} prove nothing: ${verified.error}`)
  const refs = headers.map((rlp) => readHeader(rlp) as BlockRef)
  for (const { states } of [followed, known]) checkOffice(states, setId, refs)
  const [{ number, hash }, last] = [refs[0] as BlockRef, refs.at(-1) as BlockRef]
  const fields = decodeRlp(headers[0] as Uint8Array) as Uint8Array[]
  const timestamp = readUintBE(fields[TIMESTAMP] ?? new Uint8Array())
  const ageS = Math.floor(Date.now() / 1000) - Number(timestamp)
  if (options.maxAgeS !== undefined && ageS > options.maxAgeS)
    throw sdkError(
      'PROOF_TOO_OLD',
      'peer',
      `block ${number} is ${ageS} s old, more than ${options.maxAgeS}; ask another node`,
    )
  return {
    number,
    hash,
    stateRoot: toHex(fields[STATE_ROOT] ?? new Uint8Array()) as Hash32,
    timestamp,
    justified: { number: last.number, hash: last.hash },
    setId,
  }
}

/** A set that is out of office has no say any more, and nobody may rewrite the blocks on which others took over. */
function checkOffice(states: readonly LightState[], setId: bigint, blocks: readonly BlockRef[]): void {
  const next = states.find(({ voters }) => voters.setId > setId)
  const last = blocks.at(-1) as BlockRef
  if (next && last.number > next.base.number)
    throw forged(
      `block ${last.number} has votes of set ${setId}, which was in office up to block ${next.base.number} at most`,
    )
  const first = blocks[0] as BlockRef
  for (const { base, voters } of states) {
    const block = blocks[Number(base.number - first.number)]
    if (base.number >= first.number && block && block.hash !== base.hash)
      throw forged(`its block ${base.number} is another one than that on which set ${voters.setId} took over`)
  }
}

/** @internal */
export function forged(why: string) {
  return sdkError('JUSTIFICATION_INVALID', 'peer', `the finality proof is not good: ${why}; ask another node`)
}
