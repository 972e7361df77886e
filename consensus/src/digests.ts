import { concatBytes, fromHex, keccak256, uintBE, utf8, type Hash32 } from '@hawser/primitives'
import type { UnsignedVote, VoteKind } from './types.ts'

/** The network that signatures are for; keeps votes and seals from being replayed on another. */
export interface NetworkId {
  readonly chainId: bigint
  readonly genesisHash: Hash32
}

const KIND_CODES = { prevote: 0, precommit: 1, primary: 2 } as const satisfies Record<VoteKind, number>
const KINDS: readonly VoteKind[] = ['prevote', 'precommit', 'primary']
const VOTE_TAG = utf8('HWGV')
const SEAL_TAG = utf8('HWAS')

/** The byte that stands for a vote's kind: prevote 0, precommit 1, primary 2. */
export function voteKindCode(kind: VoteKind): number {
  return KIND_CODES[kind]
}

/** The vote kind behind a byte, undefined for any other value. */
export function voteKindOf(code: number): VoteKind | undefined {
  return KINDS[code]
}

/**
 * What a voter signs: keccak256("HWGV" | chainId u64 | genesisHash 32 | setId u64 | round u64 | kind u8 |
 * targetNumber u64 | targetHash 32), big endian; 32 bytes.
 */
export function voteDigest(network: NetworkId, vote: UnsignedVote): Uint8Array {
  return keccak256(
    concatBytes(
      VOTE_TAG,
      uintBE(network.chainId, 8),
      fromHex(network.genesisHash),
      uintBE(vote.setId, 8),
      uintBE(vote.round, 8),
      uintBE(voteKindCode(vote.kind), 1),
      uintBE(vote.number, 8),
      fromHex(vote.hash),
    ),
  )
}

/**
 * What an author signs: keccak256("HWAS" | chainId u64 | blockHash 32), big endian; 32 bytes. It does not bind the genesis: a
 * session key is for one network of a chain id.
 */
export function sealDigest(chainId: bigint, blockHash: Hash32): Uint8Array {
  return keccak256(concatBytes(SEAL_TAG, uintBE(chainId, 8), fromHex(blockHash)))
}
