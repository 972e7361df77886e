import type { RecoverAddress } from '@hawser/consensus/verify'
import type { Hash32, Hex } from '@hawser/primitives'
import { getBlock } from 'viem/actions'
import { forged, MAX_SET_PAGES, proveBlock, readProof, type ProvenBlock } from './check-finality.ts'
import { refusalOf } from './explain-error.ts'
import { sdkError } from './errors.ts'
import { callNode, explained, type HawserClient } from './hawser-client.ts'
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

export interface VerifyFinalityParameters {
  readonly trust: TrustedChain
  /**
   * Validator sets that were followed before, of an earlier answer or `readVerifiedSets`: only what came since is asked for, and
   * nothing is taken that contradicts them.
   */
  readonly sets?: VerifiedSets
  /** Asks for the proof from the chain spec on all the same: for somebody who has nothing else. */
  readonly fromSpec?: boolean
  /** The last final block that the node tells of, unless told otherwise. */
  readonly blockNumber?: bigint
  /** The block with this hash; not together with `blockNumber`. */
  readonly blockHash?: Hash32
  /** Refuses what is older, in seconds: whoever shows the past hides the present. */
  readonly maxAgeS?: number
  /** Recovers signers faster than the pure JavaScript that is used without it. */
  readonly recover?: RecoverAddress
}

/** What finality_getProof answers, as far as it is read. */
interface Answer {
  readonly justification: Hex
  readonly headers: readonly Hex[]
}

/**
 * Proves a block final without trusting the node: follows the chain of validator sets from those that are known, and checks the
 * votes for the block, or for a later block whose headers lead back to it, under the set that was in office then.
 * @throws BLOCK_NOT_FINAL, BLOCK_NOT_CANONICAL, JUSTIFICATION_MISSING, SET_PROOF_MISSING (the node's word), JUSTIFICATION_INVALID, HANDOVER_INVALID, PROOF_TOO_OLD, VERIFIED_SETS_INVALID
 */
export async function verifyFinality(client: HawserClient, parameters: VerifyFinalityParameters): Promise<ProvenBlock> {
  const { trust, blockNumber, blockHash, maxAgeS, recover } = parameters
  const given = parameters.sets && sameChain(parameters.sets, trust)
  const answer = await ask(client, parameters)
  const read = readProof(answer)
  if (blockNumber !== undefined && read.first.number !== blockNumber)
    throw forged(`it is about block ${read.first.number}, not ${blockNumber}`)
  if (blockHash !== undefined && read.first.hash !== blockHash)
    throw forged(`it is about block ${read.first.hash}, not ${blockHash}`)
  const oldest = given?.states[0]
  // A block of a set before those that are known is proven from the chain spec on.
  const fromSpec = parameters.fromSpec === true || (oldest !== undefined && read.setId < oldest.voters.setId)
  const start =
    given && !fromSpec ? given : firstSets(trust, oldest?.network.genesisHash ?? (await genesis(client, trust)))
  // One set more than the voters': it shows where their office ends.
  const { path, pages } = await followSets(client, {
    from: beginPath(start, given),
    upTo: read.setId + 1n,
    recover,
  })
  const block = proveBlock(path, read, { recover, maxAgeS })
  const { justification, headers } = answer
  return { ...block, sets: path.known, proof: { justification, headers, setProofs: pages } }
}

async function genesis(client: HawserClient, { genesisHash }: TrustedChain): Promise<Hash32> {
  return genesisHash ?? ((await explained(() => getBlock(client, { blockNumber: 0n }))).hash as Hash32)
}

async function ask(client: HawserClient, { blockNumber, blockHash }: VerifyFinalityParameters): Promise<Answer> {
  const name = blockHash ?? (blockNumber === undefined ? 'finalized' : `0x${blockNumber.toString(16)}`)
  try {
    const answer = await callNode<Answer | null>(client, 'finality_getProof', [name])
    if (answer !== null) return answer
  } catch (error) {
    const { code, reason, message } = refusalOf(error)
    if (reason === 'not-final') throw sdkError('BLOCK_NOT_FINAL', 'user', message, { cause: error, retry: true })
    if (reason === 'other-block') throw sdkError('BLOCK_NOT_CANONICAL', 'user', message, { cause: error })
    if (code === NOT_FOUND)
      throw sdkError('JUSTIFICATION_MISSING', 'user', `${message}; ask another node`, { cause: error })
    throw error
  }
  throw sdkError('JUSTIFICATION_MISSING', 'user', `the node has no block ${blockNumber ?? name}; ask again later`, {
    retry: true,
  })
}

/** JSON-RPC's code for what a node does not have. */
const NOT_FOUND = -32001

/** Follows the handovers, page by page, and checks each as it comes: whoever lies is found out before he is asked again. */
async function followSets(
  client: HawserClient,
  options: { readonly from: SetPath; readonly upTo: bigint; readonly recover?: RecoverAddress | undefined },
): Promise<{ readonly path: SetPath; readonly pages: readonly Hex[] }> {
  let path = options.from
  const pages: Hex[] = []
  for (;;) {
    const { setId } = latestSet(path.followed).voters
    if (setId >= options.upTo) return { path, pages }
    if (pages.length === MAX_SET_PAGES) throw brokenChain(`it has more than ${MAX_SET_PAGES} pages`)
    const { proofs, next } = await askForSets(client, setId, options.upTo)
    path = extendPath(path, proofs, options.recover)
    const moved = latestSet(path.followed).voters.setId > setId
    if (moved) pages.push(proofs)
    if (next === null || next === undefined) return { path, pages }
    if (!moved) throw brokenChain('the node promises more of it and gives nothing')
  }
}

async function askForSets(client: HawserClient, from: bigint, upTo: bigint) {
  const params = [from, upTo].map((setId) => `0x${setId.toString(16)}`)
  try {
    const page = await callNode<{ readonly proofs: Hex; readonly next: Hex | null } | null>(
      client,
      'finality_getSetProofs',
      params,
    )
    return page ?? { proofs: '0x' as const, next: null }
  } catch (error) {
    const { code, message } = refusalOf(error)
    if (code === NOT_FOUND) throw sdkError('SET_PROOF_MISSING', 'user', message, { cause: error })
    throw error
  }
}
