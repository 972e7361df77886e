import { RLP } from '@ethereumjs/rlp'
import {
  decodeJustification,
  readHeader,
  verifyFinalBlock,
  type BlockRef,
  type LightState,
} from '@hawser/consensus/verify'
import { fromHex, readUintBE, toHex, type Hash32, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'
import { followSets, type ProvenSets } from './follow-sets.ts'
import { callNode, type HawserClient } from './hawser-client.ts'
import type { TrustedChain } from './trusted-chain.ts'

/** Headers of one proof: what a node answers at most. */
const MAX_PROOF_HEADERS = 1_024
/** Fields of an execution header that are read: their places in the RLP list. */
const STATE_ROOT = 3
const TIMESTAMP = 11

export interface VerifyFinalityParameters {
  readonly trust: TrustedChain
  /** The validator sets as an earlier call has proven them; without them they are followed from the first one. */
  readonly sets?: ProvenSets
  /** The last final block that the node tells of, unless told otherwise. */
  readonly blockNumber?: bigint
  /** Refuses what is older, in seconds: whoever shows the past hides the present. */
  readonly maxAgeS?: number
}

/** A block that the validators' votes prove to be final. */
export interface ProvenBlock extends BlockRef {
  readonly stateRoot: Hash32
  /** Unix seconds. */
  readonly timestamp: bigint
  /** The block that the votes are for: this one, or a later one that follows from it. */
  readonly justified: BlockRef
  /** The validators' set whose votes these are. */
  readonly setId: bigint
  /** The sets that are proven by now, for the next call. */
  readonly sets: ProvenSets
}

/** What finality_getProof answers. */
interface Answer {
  readonly justified: { readonly number: Hex; readonly hash: Hash32 }
  readonly justification: Hex
  readonly headers: readonly Hex[]
}

/**
 * Proves a block final without trusting the node: the votes of the set in office for it, or for a later block whose headers lead
 * back to it. Which set that is follows from the first one, by the proof of each handover.
 * @throws JUSTIFICATION_MISSING, JUSTIFICATION_INVALID, HANDOVER_INVALID, PROOF_TOO_OLD
 */
export async function verifyFinality(client: HawserClient, parameters: VerifyFinalityParameters): Promise<ProvenBlock> {
  const { trust, blockNumber, maxAgeS } = parameters
  const name = blockNumber === undefined ? 'finalized' : `0x${blockNumber.toString(16)}`
  const answer = await callNode<Answer | null>(client, 'finality_getProof', [name])
  if (answer === null)
    throw sdkError('JUSTIFICATION_MISSING', 'user', `the node has no block ${blockNumber ?? name}; ask again later`, {
      retry: true,
    })
  const sets = await followSets(client, trust, parameters.sets)
  const proven = checkProof(answer, sets)
  if (blockNumber !== undefined && proven.number !== blockNumber)
    throw forged(`it is about block ${proven.number}, not ${blockNumber}`)
  const ageS = Math.floor(Date.now() / 1000) - Number(proven.timestamp)
  if (maxAgeS !== undefined && ageS > maxAgeS)
    throw sdkError(
      'PROOF_TOO_OLD',
      'peer',
      `block ${proven.number} is ${ageS} s old, more than ${maxAgeS}; ask another node`,
    )
  return proven
}

/** Checks a proof against the sets that are known. @throws JUSTIFICATION_INVALID */
function checkProof(answer: Answer, sets: ProvenSets): ProvenBlock {
  const headers = readHeaders(answer.headers)
  const [first] = headers
  const last = headers.at(-1)
  if (!first || !last) throw forged('it has no headers')
  const justification = readBytes(answer.justification)
  const state = inOffice(sets, setIdOf(justification), last.number)
  const verified = verifyFinalBlock(state, { justification, headers: headers.map(({ rlp }) => rlp) })
  if (!verified.ok) throw forged(`the votes for block ${last.number} prove nothing: ${verified.error}`)
  const { number, hash, stateRoot, timestamp } = first
  const justified = { number: last.number, hash: last.hash }
  return { number, hash, stateRoot, timestamp, justified, setId: state.voters.setId, sets }
}

/** The set with an id, if blocks of this number are in its office: old keys prove nothing beyond it. */
function inOffice(sets: ProvenSets, setId: bigint, number: bigint): LightState {
  const state = sets.find(({ voters }) => voters.setId === setId)
  if (!state) throw forged(`it is by set ${setId}, of which nothing is proven`)
  const next = sets.find(({ voters }) => voters.setId === setId + 1n)
  if (next && number > next.base.number)
    throw forged(`block ${number} is beyond the office of set ${setId}, which ended with block ${next.base.number}`)
  return state
}

function setIdOf(justification: Uint8Array): bigint {
  try {
    return decodeJustification(justification).commit.setId
  } catch {
    throw forged('the justification is malformed')
  }
}

/** Decodes headers of which each is the parent of the next. */
function readHeaders(raw: readonly Hex[]) {
  if (!Array.isArray(raw)) throw forged('it has no headers')
  if (raw.length > MAX_PROOF_HEADERS) throw forged('it has too many headers')
  let before: Hash32 | undefined
  return raw.map((hex: Hex) => {
    const rlp = readBytes(hex)
    const header = readHeader(rlp)
    if (!header) throw forged('a header is none')
    if (before !== undefined && before !== header.parentHash) throw forged('the headers do not follow one another')
    before = header.hash
    const fields = RLP.decode(rlp) as Uint8Array[]
    const stateRoot = toHex(fields[STATE_ROOT] ?? new Uint8Array()) as Hash32
    return { ...header, rlp, stateRoot, timestamp: readUintBE(fields[TIMESTAMP] ?? new Uint8Array()) }
  })
}

function readBytes(hex: Hex): Uint8Array {
  try {
    return fromHex(hex)
  } catch {
    throw forged('a part of it is not hex')
  }
}

function forged(why: string) {
  return sdkError('JUSTIFICATION_INVALID', 'peer', `the node's proof is not good: ${why}; ask another node`)
}
