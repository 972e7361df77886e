import { RLP } from '@ethereumjs/rlp'
import { concatBytes, fromHex, toHex, type Address, type RlpItem } from '@hawser/primitives'
import { MAX_HEADER_BYTES, MAX_JUSTIFICATION_BYTES } from './codec.ts'
import { MAX_PROOF_NODES } from './merkle-proof.ts'
import { bytesOf, bytesUpTo, decodeBounded, listOf, listUpTo, rlpUint, smallUintOf, uint64Of } from './rlp.ts'
import { MAX_VOTERS, type VoterEntry } from './voter-set.ts'

/** Handovers in one message; a longer chain of sets comes in pages. */
export const MAX_HANDOVERS = 64
/** Bytes of one message of handovers. */
export const MAX_SET_PROOFS_BYTES = 4 * 1024 * 1024

const MAX_NODE_BYTES = 1024
/** Items of one handover: its members with their weights, the nodes of its two paths, and itself. */
const MAX_HANDOVER_ITEMS = 3 * MAX_VOTERS + 2 * MAX_PROOF_NODES + 7
/** Shows that a set made the last block of an epoch final, and which set that block's state puts into office after it. */
export interface HandoverProof {
  readonly justification: Uint8Array
  /** The block's header, RLP. */
  readonly header: Uint8Array
  /** Nodes of the path to the account of `Validators` under the header's state root, and to its slot 0. */
  readonly accountProof: readonly Uint8Array[]
  readonly storageProof: readonly Uint8Array[]
  /** The new set: what slot 0 is the hash of. */
  readonly setId: bigint
  /** Ascending. */
  readonly voters: readonly VoterEntry[]
}

/** Handovers as bytes: RLP, one list for each; what a node's JSON carries as hex. */
export function encodeHandovers(proofs: readonly HandoverProof[]): Uint8Array {
  return RLP.encode(
    proofs.map(({ justification, header, accountProof, storageProof, setId, voters }) => [
      justification,
      header,
      [...accountProof],
      [...storageProof],
      rlpUint(setId),
      voters.map(({ id, weight }) => [fromHex(id), rlpUint(weight)]),
    ]),
  )
}

/** Puts encoded lists of handovers together as one: a page of many sets is served without a look into any. */
export function joinHandovers(lists: readonly Uint8Array[]): Uint8Array {
  // Of a long list the first byte tells how many bytes hold its length, of a short one the length itself (Yellow Paper, appendix B).
  const items = lists.map((list) => list.subarray(Math.max(1, (list[0] as number) - 0xf6)))
  const length = items.reduce((sum, item) => sum + item.length, 0)
  const lengthBytes = rlpUint(length)
  const head =
    length < 56 ? Uint8Array.of(0xc0 + length) : concatBytes(Uint8Array.of(0xf7 + lengthBytes.length), lengthBytes)
  return concatBytes(head, ...items)
}

/** @throws CONSENSUS_MALFORMED */
export function decodeHandovers(bytes: Uint8Array): HandoverProof[] {
  const message = decodeBounded(bytes, MAX_SET_PROOFS_BYTES, 'handovers', 1 + MAX_HANDOVERS * MAX_HANDOVER_ITEMS)
  const items = listUpTo(message, MAX_HANDOVERS, 'handovers')
  return items.map((item) => {
    const [justification, header, account, storage, setId, voters] = listOf(item, 6, 'a handover')
    return {
      justification: bytesUpTo(justification, MAX_JUSTIFICATION_BYTES, 'a justification'),
      header: bytesUpTo(header, MAX_HEADER_BYTES, 'a header'),
      accountProof: nodesOf(account),
      storageProof: nodesOf(storage),
      setId: uint64Of(setId, 'set id'),
      voters: listUpTo(voters, MAX_VOTERS, 'a set').map((voter) => {
        const [id, weight] = listOf(voter, 2, 'a member')
        return {
          id: toHex(bytesOf(id, 20, 'a session address')) as Address,
          weight: smallUintOf(weight, Number.MAX_SAFE_INTEGER, 'a weight'),
        }
      }),
    }
  })
}

function nodesOf(item: RlpItem | undefined): Uint8Array[] {
  return listUpTo(item, MAX_PROOF_NODES, 'a path').map((node) => bytesUpTo(node, MAX_NODE_BYTES, 'a node'))
}
