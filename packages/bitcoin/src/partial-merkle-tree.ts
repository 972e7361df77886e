import { concatBytes, equalBytes, uintLE } from '@hawser/primitives'
import { MAX_BLOCK_TRANSACTIONS } from './block.ts'
import { ByteReader } from './byte-reader.ts'
import { compactSize } from './compact-size.ts'
import { bitcoinError } from './errors.ts'
import { HEADER_BYTES, parseHeader, type BlockHeader } from './header.ts'
import { hashPair } from './merkle.ts'

/** A tree of MAX_BLOCK_TRANSACTIONS leaves with every leaf shown is shorter than this. */
export const MAX_MERKLE_BLOCK_BYTES = HEADER_BYTES + 20 + 3 * 32 * MAX_BLOCK_TRANSACTIONS

/** A leaf that a partial Merkle tree proves. */
export interface ProvenLeaf {
  readonly index: number
  /** txid, 32 bytes, internal order. */
  readonly hash: Uint8Array
  /** Sibling hashes from leaf to root. */
  readonly branch: readonly Uint8Array[]
}

/** What a verified `merkleblock` (BIP37; bitcoind's gettxoutproof) says. */
export interface PartialMerkleTree {
  readonly header: BlockHeader
  readonly transactionCount: number
  readonly leaves: readonly ProvenLeaf[]
}

/** Parses and verifies a merkleblock: header, count, hashes, flag bits; nothing may be left over. @throws MERKLE_TREE_INVALID, BITCOIN_TOO_LARGE */
export function parsePartialMerkleTree(bytes: Uint8Array): PartialMerkleTree {
  if (bytes.length > MAX_MERKLE_BLOCK_BYTES)
    throw bitcoinError('BITCOIN_TOO_LARGE', 'peer', `a Merkle proof of ${bytes.length} bytes`)
  const reader = new ByteReader(bytes, invalid)
  const header = parseHeader(reader.take(HEADER_BYTES))
  const transactionCount = reader.uint(4)
  if (transactionCount === 0 || transactionCount > MAX_BLOCK_TRANSACTIONS)
    throw invalid(`${transactionCount} transactions in a block`)
  const hashCount = reader.compactSize(transactionCount, 'hashes')
  const hashes = Array.from({ length: hashCount }, () => reader.take(32))
  const flagBytes = reader.take(reader.compactSize(Math.ceil((hashCount * 2 + 64) / 8) + 32, 'flag bytes'))
  reader.end()
  const walk = new TreeWalk(transactionCount, hashes, flagBytes)
  const root = walk.run()
  if (!equalBytes(root, header.raw.subarray(36, 68))) throw invalid('the root is not the header\u2019s')
  return { header, transactionCount, leaves: walk.leaves() }
}

/** Builds the merkleblock of a block that shows the leaves at the given positions. */
export function buildPartialMerkleTree(
  header: Uint8Array,
  txids: readonly Uint8Array[],
  shown: ReadonlySet<number>,
): Uint8Array {
  const levels: Uint8Array[][] = [[...txids]]
  while ((levels.at(-1) ?? []).length > 1) {
    const below = levels.at(-1) as Uint8Array[]
    levels.push(
      Array.from({ length: Math.ceil(below.length / 2) }, (_, i) => {
        const left = below[2 * i] as Uint8Array
        return hashPair(left, below[2 * i + 1] ?? left)
      }),
    )
  }
  const bits: boolean[] = []
  const hashes: Uint8Array[] = []
  const visit = (height: number, position: number): void => {
    const parentOfShown = [...shown].some((index) => index >> height === position)
    bits.push(parentOfShown)
    if (height === 0 || !parentOfShown) {
      hashes.push(levels[height]?.[position] as Uint8Array)
      return
    }
    visit(height - 1, 2 * position)
    if (2 * position + 1 < (levels[height - 1]?.length ?? 0)) visit(height - 1, 2 * position + 1)
  }
  visit(levels.length - 1, 0)
  const flags = new Uint8Array(Math.ceil(bits.length / 8))
  bits.forEach((bit, i) => {
    if (bit) flags[i >> 3] = (flags[i >> 3] ?? 0) | (1 << (i & 7))
  })
  return concatBytes(
    header,
    uintLE(txids.length, 4),
    compactSize(hashes.length),
    ...hashes,
    compactSize(flags.length),
    flags,
  )
}

class TreeWalk {
  readonly #count: number
  readonly #hashes: readonly Uint8Array[]
  readonly #flags: Uint8Array
  #bitsUsed = 0
  #hashesUsed = 0
  /** Hashes by height and position, to read the branches from afterwards. */
  readonly #known = new Map<number, Uint8Array>()
  readonly #matches: number[] = []
  readonly #height: number

  constructor(count: number, hashes: readonly Uint8Array[], flags: Uint8Array) {
    this.#count = count
    this.#hashes = hashes
    this.#flags = flags
    let height = 0
    while (this.#width(height) > 1) height++
    this.#height = height
  }

  run(): Uint8Array {
    const root = this.#visit(this.#height, 0)
    if (this.#hashesUsed !== this.#hashes.length) throw invalid('hashes are left over')
    if (Math.ceil(this.#bitsUsed / 8) !== this.#flags.length) throw invalid('flag bytes are left over')
    for (let bit = this.#bitsUsed; bit < 8 * this.#flags.length; bit++)
      if (this.#flag(bit)) throw invalid('the padding bits are not zero')
    return root
  }

  leaves(): ProvenLeaf[] {
    return this.#matches.map((index) => {
      const branch: Uint8Array[] = []
      for (let height = 0, at = index; height < this.#height; height++, at >>= 1) {
        const sibling = this.#known.get(key(height, at ^ 1)) ?? this.#known.get(key(height, at))
        branch.push(sibling as Uint8Array)
      }
      return { index, hash: this.#known.get(key(0, index)) as Uint8Array, branch }
    })
  }

  #visit(height: number, position: number): Uint8Array {
    if (this.#bitsUsed >= 8 * this.#flags.length) throw invalid('too few flag bits')
    const flag = this.#flag(this.#bitsUsed++)
    let hash: Uint8Array
    if (height === 0 || !flag) {
      const next = this.#hashes[this.#hashesUsed++]
      if (!next) throw invalid('too few hashes')
      hash = next
      if (height === 0 && flag) this.#matches.push(position)
    } else {
      const left = this.#visit(height - 1, 2 * position)
      const hasRight = 2 * position + 1 < this.#width(height - 1)
      const right = hasRight ? this.#visit(height - 1, 2 * position + 1) : left
      // Equal neighbours let one root stand for two lists of transactions (CVE-2012-2459).
      if (hasRight && equalBytes(left, right)) throw invalid('left and right hash are equal')
      hash = hashPair(left, right)
    }
    this.#known.set(key(height, position), hash)
    return hash
  }

  #flag(bit: number): boolean {
    return (((this.#flags[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1
  }

  #width(height: number): number {
    return Math.ceil(this.#count / 2 ** height)
  }
}

function key(height: number, position: number): number {
  return height * 65_536 + position
}

function invalid(why: string) {
  return bitcoinError('MERKLE_TREE_INVALID', 'peer', `invalid partial Merkle tree: ${why}`)
}
