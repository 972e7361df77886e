import { VoterSet } from '@hawser/consensus/verify'
import type { BitcoinNetwork, CustodyTree } from '@hawser/bitcoin'
import { address, fromHex, hash32, messageOf, type Hash32, type Hex } from '@hawser/primitives'
import { sdkError } from './errors.ts'

/** What a user knows of a chain from elsewhere than the node that he asks: everything else is checked against it. */
export interface TrustedChain {
  readonly chainId: bigint
  /** Who makes the first blocks final: set 0. Later sets are followed from it. */
  readonly voters: VoterSet
  /** Blocks in an epoch: only the last one of each changes the set. */
  readonly epochBlocks: bigint
  /**
   * Block 0. Without it the node's word is taken: the validators' signatures bind it, so it can only mislead where the same
   * session keys make blocks final on two chains of one id.
   */
  readonly genesisHash?: Hash32
  /** The Bitcoin network, and the committee whose deposit addresses are safe to pay. */
  readonly network: BitcoinNetwork
  readonly committee: CustodyTree
}

/** The parts of a chain spec that are looked at: see docs/ of the node for all of it. */
interface SpecParts {
  readonly chainId: number
  readonly epochBlocks: number
  readonly parent: { readonly network: BitcoinNetwork }
  readonly validators: readonly { readonly session: string }[]
  readonly committee: { readonly internalKey: Hex; readonly root: Hex }
}

const NETWORKS: readonly string[] = ['mainnet', 'testnet3', 'testnet4', 'signet', 'regtest'] satisfies BitcoinNetwork[]

/**
 * Reads a chain spec (its JSON, as text or parsed) that came from somebody whom the user trusts: the validators of the first set
 * and the first committee.
 * @throws SPEC_UNREADABLE
 */
export function trustedChain(spec: string | object, genesisHash?: Hash32): TrustedChain {
  try {
    const parts = (typeof spec === 'string' ? JSON.parse(spec) : spec) as SpecParts
    if (!Number.isSafeInteger(parts.chainId)) throw new Error('chainId is no number')
    if (!Number.isSafeInteger(parts.epochBlocks) || parts.epochBlocks < 1) throw new Error('epochBlocks is no number')
    if (!NETWORKS.includes(parts.parent.network)) throw new Error(`unknown Bitcoin network ${parts.parent.network}`)
    return {
      chainId: BigInt(parts.chainId),
      voters: new VoterSet(
        0n,
        parts.validators.map(({ session }) => ({ id: address(session), weight: 1 })),
      ),
      epochBlocks: BigInt(parts.epochBlocks),
      network: parts.parent.network,
      committee: {
        internalKey: fromHex(hash32(parts.committee.internalKey)),
        root: fromHex(hash32(parts.committee.root)),
      },
      ...(genesisHash && { genesisHash }),
    }
  } catch (cause) {
    throw sdkError('SPEC_UNREADABLE', 'user', `this is no chain spec: ${messageOf(cause)}`, { cause })
  }
}
