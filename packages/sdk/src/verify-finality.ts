import { verifyJustification, VoterSet, type BlockRef } from '@hawser/consensus/verify'
import { systemContracts, validatorsAbi } from '@hawser/contracts'
import { fromHex, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { getBlock, getChainId, readContract } from 'viem/actions'
import { sdkError } from './errors.ts'
import { callNode, explained, type HawserClient } from './hawser-client.ts'

export interface VerifyFinalityParameters {
  /** The last final block unless told otherwise. */
  readonly blockNumber?: bigint
  /** The set that the caller trusts; without it the node's own word on the set is taken. */
  readonly voters?: VoterSet
  /** The chain that the caller trusts; the node's block 0 otherwise. */
  readonly genesisHash?: Hash32
}

/**
 * Checks the votes that made a block final. @returns the block that they prove.
 * @throws JUSTIFICATION_MISSING (a later block's covers it), JUSTIFICATION_INVALID
 */
export async function verifyFinality(
  client: HawserClient,
  parameters: VerifyFinalityParameters = {},
): Promise<BlockRef> {
  const [chainId, block] = await explained(() =>
    Promise.all([
      getChainId(client),
      parameters.blockNumber === undefined
        ? getBlock(client, { blockTag: 'finalized' })
        : getBlock(client, { blockNumber: parameters.blockNumber }),
    ]),
  )
  const genesisHash = parameters.genesisHash ?? (await explained(() => getBlock(client, { blockNumber: 0n }))).hash
  const answer = await callNode<Hex | null>(client, 'finality_getJustification', [`0x${block.number.toString(16)}`])
  if (answer === null)
    throw sdkError(
      'JUSTIFICATION_MISSING',
      'user',
      `block ${block.number} has no justification of its own; ask for a later one`,
      {
        retry: true,
      },
    )
  const verified = verifyJustification({
    justification: fromHex(answer),
    voters: parameters.voters ?? (await votersOf(client, block.number)),
    network: { chainId: BigInt(chainId), genesisHash: genesisHash as Hash32 },
    block: { number: block.number, hash: block.hash as Hash32 },
  })
  if (!verified.ok)
    throw sdkError(
      'JUSTIFICATION_INVALID',
      'peer',
      `the proof for block ${block.number} proves nothing: ${verified.error}; ask another node`,
    )
  return verified.value
}

async function votersOf(client: HawserClient, blockNumber: bigint): Promise<VoterSet> {
  const contract = { abi: validatorsAbi, address: systemContracts.validators, blockNumber } as const
  const [setId, validators] = await explained(() =>
    Promise.all([
      readContract(client, { ...contract, functionName: 'setId' }),
      readContract(client, { ...contract, functionName: 'getValidators' }),
    ]),
  )
  return new VoterSet(
    setId,
    validators.map(({ session }) => ({ id: session.toLowerCase() as Address, weight: 1 })),
  )
}
