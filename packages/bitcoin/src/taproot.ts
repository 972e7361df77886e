import { compareBytes, concatBytes, readUintBE, taggedHash } from '@hawser/primitives'
import { withLength } from './compact-size.ts'
import { CURVE_ORDER, nobleCurve, type CurveOps } from './curve.ts'
import { bitcoinError } from './errors.ts'

/** BIP342's leaf version. */
export const TAPSCRIPT_VERSION = 0xc0

/** TapLeaf hash of a tapscript, 32 bytes (BIP341). */
export function tapLeafHash(script: Uint8Array): Uint8Array {
  return taggedHash('TapLeaf', Uint8Array.of(TAPSCRIPT_VERSION), withLength(script))
}

/** TapBranch hash of two nodes, smaller first (BIP341). */
export function tapBranchHash(a: Uint8Array, b: Uint8Array): Uint8Array {
  return compareBytes(a, b) <= 0 ? taggedHash('TapBranch', a, b) : taggedHash('TapBranch', b, a)
}

/** A Taproot output key and how it came about. */
export interface TweakedKey {
  /** t = H_TapTweak(P | root), 32 bytes. */
  readonly tweak: Uint8Array
  /** x of Q = P + tG (P with even y), 32 bytes. */
  readonly x: Uint8Array
  /** y of that very Q, 32 bytes: even or odd, as `parity` says. */
  readonly y: Uint8Array
  /** 0 when y is even, 1 when odd: the lowest bit of a control block's first byte. */
  readonly parity: 0 | 1
}

/** Tweaks an x-only internal key with a Merkle root (none: a key without script tree). @throws PUBLIC_KEY_INVALID */
export function tapTweakKey(
  internalKey: Uint8Array,
  root: Uint8Array = new Uint8Array(0),
  curve: CurveOps = nobleCurve,
): TweakedKey {
  const tweak = taggedHash('TapTweak', internalKey, root)
  const scalar = readUintBE(tweak)
  const lifted = concatBytes(Uint8Array.of(2), internalKey)
  const sum = scalar < CURVE_ORDER ? curve.add(lifted, curve.multiplyBase(scalar)) : undefined
  if (!sum) throw bitcoinError('PUBLIC_KEY_INVALID', 'user', 'the tweak gives no valid output key')
  const point = curve.uncompressed(sum)
  const parity = ((point[64] ?? 0) & 1) as 0 | 1
  return { tweak, x: point.slice(1, 33), y: point.slice(33), parity }
}

/** A script path's last witness item: version and parity, internal key, path (BIP341). */
export function controlBlock(parity: 0 | 1, internalKey: Uint8Array, path: readonly Uint8Array[]): Uint8Array {
  return concatBytes(Uint8Array.of(TAPSCRIPT_VERSION | parity), internalKey, ...path)
}

/** A tree that pairs neighbours level by level, an odd last node moving up. */
export interface PairedTree {
  readonly root: Uint8Array
  /** For every leaf its siblings, leaf to root. */
  readonly paths: readonly (readonly Uint8Array[])[]
}

/** Builds the paired tree over leaf hashes (at least one). */
export function pairTree(leafHashes: readonly Uint8Array[]): PairedTree {
  const paths: Uint8Array[][] = leafHashes.map(() => [])
  let level = leafHashes.map((hash, i) => ({ hash, leaves: [i] }))
  while (level.length > 1) {
    const next: typeof level = []
    for (let i = 0; i < level.length; i += 2) {
      const left = level[i] as (typeof level)[number]
      const right = level[i + 1]
      if (!right) {
        next.push(left)
        continue
      }
      for (const leaf of left.leaves) paths[leaf]?.push(right.hash)
      for (const leaf of right.leaves) paths[leaf]?.push(left.hash)
      next.push({ hash: tapBranchHash(left.hash, right.hash), leaves: [...left.leaves, ...right.leaves] })
    }
    level = next
  }
  return { root: level[0]?.hash ?? new Uint8Array(32), paths }
}
