import { decodeHandovers, verifyHandover, type LightState } from '@hawser/consensus/verify'
import { fromHex, isAppError, type Hash32, type Hex } from '@hawser/primitives'
import { getBlock } from 'viem/actions'
import { sdkError } from './errors.ts'
import { callNode, explained, type HawserClient } from './hawser-client.ts'
import type { TrustedChain } from './trusted-chain.ts'

/** Sets that one call follows: an epoch each at the most, so more than anybody has. */
const MAX_SETS = 100_000

/** The validator sets from the first one on, as far as handovers prove them; to be kept, and given again. */
export type ProvenSets = readonly [LightState, ...LightState[]]

/** What finality_getSetProofs answers. */
interface Answer {
  readonly proofs: Hex
}

/**
 * Follows the chain of validator sets without trusting the node: each epoch's end at which the set changed is proven final by the
 * set before, and its state says which set comes next. `known`: where an earlier call got to.
 * @throws HANDOVER_INVALID for a proof that is none
 */
export async function followSets(client: HawserClient, trust: TrustedChain, known?: ProvenSets): Promise<ProvenSets> {
  const sets: [LightState, ...LightState[]] = known ? [...known] : [await firstSet(client, trust)]
  for (;;) {
    const present = sets[sets.length - 1] as LightState
    const from: Hex = `0x${present.voters.setId.toString(16)}`
    const { proofs } = await callNode<Answer>(client, 'finality_getSetProofs', [from])
    const handovers = decode(proofs)
    if (handovers.length === 0) return sets
    if (sets.length + handovers.length > MAX_SETS) throw forged(`there are more than ${MAX_SETS} sets`)
    let state = present
    for (const handover of handovers) {
      const next = verifyHandover(state, handover)
      if (!next.ok) throw forged(`the handover to set ${handover.setId} proves nothing: ${next.error}`)
      state = next.value
      sets.push(state)
    }
  }
}

async function firstSet(client: HawserClient, trust: TrustedChain): Promise<LightState> {
  const hash = trust.genesisHash ?? ((await explained(() => getBlock(client, { blockNumber: 0n }))).hash as Hash32)
  return {
    network: { chainId: trust.chainId, genesisHash: hash },
    epochBlocks: trust.epochBlocks,
    voters: trust.voters,
    base: { number: 0n, hash },
  }
}

function decode(proofs: unknown) {
  try {
    return decodeHandovers(fromHex(String(proofs)))
  } catch (error) {
    if (isAppError(error)) throw forged('it is malformed')
    throw error
  }
}

function forged(why: string) {
  return sdkError(
    'HANDOVER_INVALID',
    'peer',
    `the node's proof of the validators is not good: ${why}; ask another node`,
  )
}
