import { concatBytes, hash256 } from '@hawser/primitives'

/** A Merkle root over hashes in internal byte order, and whether it is ambiguous. */
export interface MerkleRoot {
  /** 32 bytes. */
  readonly root: Uint8Array
  /** Two equal hashes stand side by side: another list of transactions has the same root (CVE-2012-2459). */
  readonly mutated: boolean
}

/** The root of a block's txids (32 bytes each, internal order, at least one). */
export function merkleRoot(hashes: readonly Uint8Array[]): MerkleRoot {
  let level = hashes
  let mutated = false
  while (level.length > 1) {
    const next: Uint8Array[] = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as Uint8Array
      const right = level[i + 1] ?? left
      if (i + 1 < level.length && sameHash(left, right)) mutated = true
      next.push(hashPair(left, right))
    }
    level = next
  }
  return { root: level[0] ?? new Uint8Array(32), mutated }
}

/** The sibling hashes from leaf to root of the leaf at `index`. */
export function merkleBranch(hashes: readonly Uint8Array[], index: number): Uint8Array[] {
  const branch: Uint8Array[] = []
  let level = hashes
  let at = index
  while (level.length > 1) {
    branch.push(level[at ^ 1] ?? (level[at] as Uint8Array))
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => {
      const left = level[2 * i] as Uint8Array
      return hashPair(left, level[2 * i + 1] ?? left)
    })
    at >>= 1
  }
  return branch
}

/** The root that a leaf, its position and its siblings lead to. */
export function rootFromBranch(leaf: Uint8Array, index: number, branch: readonly Uint8Array[]): Uint8Array {
  let hash = leaf
  let at = index
  for (const sibling of branch) {
    hash = at & 1 ? hashPair(sibling, hash) : hashPair(hash, sibling)
    at = Math.floor(at / 2)
  }
  return hash
}

/** @internal hash256 of two hashes side by side. */
export function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash256(concatBytes(left, right))
}

function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i])
}
