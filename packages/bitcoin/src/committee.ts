import { concatBytes, equalBytes } from '@hawser/primitives'
import { compactSizeLength } from './compact-size.ts'
import { nobleCurve, type CurveOps } from './curve.ts'
import { bitcoinError } from './errors.ts'
import { aggregateKeys, sortKeys } from './key-agg.ts'
import { OP, pushData, pushNumber } from './script.ts'
import { pairTree, tapBranchHash, tapLeafHash } from './taproot.ts'

/** A CHECKSIGADD leaf of 100 keys is 3,405 bytes and its spend about 2,100 vB: more would not pay. */
export const MAX_COMMITTEE_MEMBERS = 100
/** Above so many members the subsets are too many for a tree (21: 54,264). */
export const MAX_SUBSET_MEMBERS = 15
/** Up to so many members one flat tree keeps every control block within 257 bytes, which relays everywhere. */
export const MAX_FLAT_TREE_MEMBERS = 10
/** Blocks after which the management keys can move a coin, unless told otherwise: about a year. */
export const RECOVERY_CSV_BLOCKS = 52_560

/** One way to spend a custody coin by script. */
export interface CommitteeLeaf {
  readonly kind: 'subset' | 'checksigadd' | 'recovery'
  readonly script: Uint8Array
  readonly leafHash: Uint8Array
  /** Siblings from the leaf to the root R; a deposit coin's control block has U behind them. */
  readonly path: readonly Uint8Array[]
  /** Positions in sortedKeys (recovery: in sortedManagementKeys), ascending. */
  readonly members: readonly number[]
  /** The x-only aggregate of a subset's keys. */
  readonly key?: Uint8Array
}

/** What deposit addresses need of a committee: its internal key P (x-only) and its tree root R, 32 bytes each. */
export interface CustodyTree {
  readonly internalKey: Uint8Array
  readonly root: Uint8Array
}

/** A committee's custody tree (bitcoin.md, section 3). */
export interface Committee extends CustodyTree {
  readonly n: number
  /** floor(2n/3) + 1. */
  readonly t: number
  /** The bitcoin keys in BIP327 order, 33 bytes each. */
  readonly sortedKeys: readonly Uint8Array[]
  /** The management keys in the same order rule, 33 bytes each. */
  readonly sortedManagementKeys: readonly Uint8Array[]
  /** P with its sign byte: BIP327 KeyAgg of sortedKeys, 33 bytes. */
  readonly aggregateKey: Uint8Array
  readonly subsets: readonly CommitteeLeaf[]
  readonly checksigadd: CommitteeLeaf
  readonly recovery: CommitteeLeaf
  /** Weight units that rungs are counted with for every input. */
  readonly inputWeight: number
}

/** Members that must sign: strictly more than two thirds. */
export function committeeThreshold(n: number): number {
  return Math.floor((2 * n) / 3) + 1
}

/**
 * Derives P, the leaves and R from the members' keys; their order does not matter.
 * With the native curve of `./musig2` n = 15 takes under a second; with noble about ten.
 * @throws COMMITTEE_INVALID, PUBLIC_KEY_INVALID
 */
export function deriveCommittee(
  keys: {
    readonly bitcoinKeys: readonly Uint8Array[]
    readonly managementKeys: readonly Uint8Array[]
    /** Age at which the management keys can move a coin, in blocks. */
    readonly recoveryCsvBlocks?: number
  },
  curve: CurveOps = nobleCurve,
): Committee {
  const n = keys.bitcoinKeys.length
  if (n < 1 || n > MAX_COMMITTEE_MEMBERS) throw invalid(`${n} members; 1 to ${MAX_COMMITTEE_MEMBERS} are possible`)
  if (keys.managementKeys.length !== n)
    throw invalid(`${n} bitcoin keys but ${keys.managementKeys.length} management keys`)
  const t = committeeThreshold(n)
  const sortedKeys = checkedKeys(keys.bitcoinKeys, curve)
  const sortedManagementKeys = checkedKeys(keys.managementKeys, curve)
  const everyone = Array.from({ length: n }, (_, i) => i)

  const sub = n > MAX_SUBSET_MEMBERS ? [] : subsetsOf(n, t).map((members) => subsetLeaf(members, sortedKeys, curve))
  const csaScript = thresholdScript(sortedKeys, t)
  const recScript = concatBytes(
    pushNumber(keys.recoveryCsvBlocks ?? RECOVERY_CSV_BLOCKS),
    Uint8Array.of(OP.CHECKSEQUENCEVERIFY, OP.DROP),
    thresholdScript(sortedManagementKeys, t),
  )
  const csa = { kind: 'checksigadd', script: csaScript, leafHash: tapLeafHash(csaScript), members: everyone } as const
  const rec = { kind: 'recovery', script: recScript, leafHash: tapLeafHash(recScript), members: everyone } as const

  let root: Uint8Array
  let paths: readonly (readonly Uint8Array[])[]
  if (n <= MAX_FLAT_TREE_MEMBERS) {
    const tree = pairTree([...sub, csa, rec].map((leaf) => leaf.leafHash))
    root = tree.root
    paths = tree.paths
  } else {
    const slow = tapBranchHash(csa.leafHash, rec.leafHash)
    const fast = sub.length > 0 ? pairTree(sub.map((leaf) => leaf.leafHash)) : undefined
    root = fast ? tapBranchHash(fast.root, slow) : slow
    const above = fast ? [fast.root] : []
    paths = [
      ...(fast ? fast.paths.map((path) => [...path, slow]) : []),
      [rec.leafHash, ...above],
      [csa.leafHash, ...above],
    ]
  }
  const subsets: CommitteeLeaf[] = sub.map((leaf, i) => ({ ...leaf, path: paths[i] ?? [] }))
  const checksigadd: CommitteeLeaf = { ...csa, path: paths[sub.length] ?? [] }
  const recovery: CommitteeLeaf = { ...rec, path: paths[sub.length + 1] ?? [] }
  const aggregateKey = aggregateKeys(sortedKeys, curve)
  return {
    n,
    t,
    sortedKeys,
    sortedManagementKeys,
    aggregateKey,
    internalKey: aggregateKey.slice(1),
    root,
    subsets,
    checksigadd,
    recovery,
    inputWeight: subsets.length > 0 ? subsetInputWeight(subsets) : checksigaddInputWeight(checksigadd, n, t),
  }
}

/** The leaf of exactly these members (ascending positions in sortedKeys); undefined above MAX_SUBSET_MEMBERS. */
export function subsetLeafOf(committee: Committee, members: readonly number[]): CommitteeLeaf | undefined {
  const wanted = members.join()
  return committee.subsets.find((leaf) => leaf.members.join() === wanted)
}

/** All index sets of size t out of n, in lexicographic order. */
export function subsetsOf(n: number, t: number): number[][] {
  const all: number[][] = []
  const grow = (chosen: number[], from: number): void => {
    if (chosen.length === t) return void all.push(chosen)
    for (let i = from; i <= n - (t - chosen.length); i++) grow([...chosen, i], i + 1)
  }
  grow([], 0)
  return all
}

function subsetLeaf(members: readonly number[], sortedKeys: readonly Uint8Array[], curve: CurveOps) {
  const key = aggregateKeys(
    members.map((i) => sortedKeys[i] as Uint8Array),
    curve,
  ).slice(1)
  const script = concatBytes(pushData(key), Uint8Array.of(OP.CHECKSIG))
  return { kind: 'subset' as const, script, leafHash: tapLeafHash(script), members, key }
}

function thresholdScript(keys: readonly Uint8Array[], t: number): Uint8Array {
  const checks = keys.map((key, i) =>
    concatBytes(pushData(key.subarray(1)), Uint8Array.of(i === 0 ? OP.CHECKSIG : OP.CHECKSIGADD)),
  )
  return concatBytes(...checks, pushNumber(t), Uint8Array.of(OP.NUMEQUAL))
}

function subsetInputWeight(subsets: readonly CommitteeLeaf[]): number {
  // One more branch than in R: a deposit coin's U.
  const depth = Math.max(...subsets.map((leaf) => leaf.path.length)) + 1
  const control = 33 + 32 * depth
  return 4 * 41 + 1 + (1 + 64) + (1 + 34) + compactSizeLength(control) + control
}

function checksigaddInputWeight(leaf: CommitteeLeaf, n: number, t: number): number {
  const control = 33 + 32 * (leaf.path.length + 1)
  const script = leaf.script.length
  const signatures = t * (1 + 64) + (n - t)
  const items = compactSizeLength(n + 2)
  return 4 * 41 + items + signatures + compactSizeLength(script) + script + compactSizeLength(control) + control
}

function checkedKeys(keys: readonly Uint8Array[], curve: CurveOps): Uint8Array[] {
  for (const key of keys) curve.assertPoint(key)
  const sorted = sortKeys(keys)
  for (const [i, key] of sorted.entries())
    for (const other of sorted.slice(i + 1))
      if (equalBytes(key.subarray(1), other.subarray(1)))
        throw invalid('two members have the same key (up to its sign)')
  return sorted
}

function invalid(why: string) {
  return bitcoinError('COMMITTEE_INVALID', 'user', `these keys make no committee: ${why}`)
}
