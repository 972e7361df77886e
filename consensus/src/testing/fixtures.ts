import { toHex, uintBE, type Address, type Hash32 } from '@hawser/primitives'
import { HeaderTree, type TreeHeader } from '../header-tree.ts'
import type { BlockRef, SignedVote, VoteKind } from '../types.ts'
import { VoterSet } from '../voter-set.ts'

/** A block hash that is easy to tell apart. */
export function testHash(n: number): Hash32 {
  return toHex(uintBE(n, 32)) as Hash32
}

/** n voters of weight 1 (or the weights given), with addresses in ascending order. */
export function testVoters(weights: number | readonly number[], setId = 1n): VoterSet {
  const list = typeof weights === 'number' ? Array.from({ length: weights }, () => 1) : weights
  return new VoterSet(
    setId,
    list.map((weight, i) => ({ id: toHex(uintBE(i + 1, 20)) as Address, weight })),
  )
}

/** A tree from parent indexes: block i + 1 has parent `parents[i]`; block 0 is the root. */
export function testTree(parents: readonly number[]): { tree: HeaderTree; blocks: TreeHeader[] } {
  const root: TreeHeader = { number: 0n, hash: testHash(1), parentHash: testHash(0), slot: 0n }
  const tree = new HeaderTree(root)
  const blocks = [root]
  for (const [i, parentIndex] of parents.entries()) {
    const parent = blocks[parentIndex] as TreeHeader
    const header = { number: parent.number + 1n, hash: testHash(i + 2), parentHash: parent.hash, slot: BigInt(i + 1) }
    tree.add(header)
    blocks.push(header)
  }
  return { tree, blocks }
}

/** A vote with a signature of zeroes. */
export function testVote(kind: VoteKind, voter: number, target: BlockRef, round = 1n, setId = 1n): SignedVote {
  const { number, hash } = target
  return { setId, round, kind, number, hash, voter, signature: new Uint8Array(65) }
}
