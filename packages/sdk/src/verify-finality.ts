import { RLP } from '@ethereumjs/rlp'
import { readHeader, verifyJustification, type BlockRef } from '@hawser/consensus/verify'
import { fromHex, readUintBE, toHex, type Hash32, type Hex } from '@hawser/primitives'
import { getBlock } from 'viem/actions'
import { sdkError } from './errors.ts'
import { callNode, explained, type HawserClient } from './hawser-client.ts'
import type { TrustedChain } from './trusted-chain.ts'

/** Headers of one proof: what a node answers at most. */
const MAX_PROOF_HEADERS = 1_024
/** Fields of an execution header that are read: their places in the RLP list. */
const STATE_ROOT = 3
const TIMESTAMP = 11

export interface VerifyFinalityParameters {
  readonly trust: TrustedChain
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
}

/** What finality_getProof answers. */
interface Answer {
  readonly justified: { readonly number: Hex; readonly hash: Hash32 }
  readonly justification: Hex
  readonly headers: readonly Hex[]
}

/**
 * Proves a block final without trusting the node: the votes of the trusted set for it, or for a later block whose headers lead
 * back to it.
 * @throws JUSTIFICATION_MISSING, JUSTIFICATION_INVALID, PROOF_TOO_OLD
 */
export async function verifyFinality(client: HawserClient, parameters: VerifyFinalityParameters): Promise<ProvenBlock> {
  const { trust, blockNumber, maxAgeS } = parameters
  const genesisHash =
    trust.genesisHash ?? ((await explained(() => getBlock(client, { blockNumber: 0n }))).hash as Hash32)
  const name = blockNumber === undefined ? 'finalized' : `0x${blockNumber.toString(16)}`
  const answer = await callNode<Answer | null>(client, 'finality_getProof', [name])
  if (answer === null)
    throw sdkError('JUSTIFICATION_MISSING', 'user', `the node has no block ${blockNumber ?? name}; ask again later`, {
      retry: true,
    })
  const headers = readHeaders(answer.headers)
  const [first] = headers
  const last = headers.at(-1)
  if (!first || !last) throw forged('it has no headers')
  if (blockNumber !== undefined && first.number !== blockNumber)
    throw forged(`it is about block ${first.number}, not ${blockNumber}`)
  const verified = verifyJustification({
    justification: readBytes(answer.justification),
    voters: trust.voters,
    network: { chainId: trust.chainId, genesisHash },
    block: { number: last.number, hash: last.hash },
  })
  if (!verified.ok) throw forged(`the votes for block ${last.number} prove nothing: ${verified.error}`)
  const ageS = Math.floor(Date.now() / 1000) - Number(first.timestamp)
  if (maxAgeS !== undefined && ageS > maxAgeS)
    throw sdkError(
      'PROOF_TOO_OLD',
      'peer',
      `block ${first.number} is ${ageS} s old, more than ${maxAgeS}; ask another node`,
    )
  const { number, hash, stateRoot, timestamp } = first
  return { number, hash, stateRoot, timestamp, justified: verified.value }
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
    return { ...header, stateRoot, timestamp: readUintBE(fields[TIMESTAMP] ?? new Uint8Array()) }
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
