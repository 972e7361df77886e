import { equalBytes, hash256, toHex, type BtcHash } from '@hawser/primitives'
import { bitcoinError } from './errors.ts'
import { parseHeader } from './header.ts'
import { rootFromBranch } from './merkle.ts'
import { parsePartialMerkleTree } from './partial-merkle-tree.ts'
import { decodeTransaction, encodeStripped, isCoinbase, type Transaction } from './transaction.ts'

/** A Merkle branch is at most so long: 2^15 is the first power of two above MAX_BLOCK_TRANSACTIONS. */
export const MAX_BRANCH_HASHES = 15
/** Size of a Merkle tree's inner node: a transaction this long could pass for one (CVE-2017-12842). */
const INNER_NODE_BYTES = 64

/** That a transaction is in a block; all bytes as the Bridge contract takes them. */
export interface InclusionProof {
  /** 80 bytes. */
  readonly header: Uint8Array
  /** Position of the transaction in its block. */
  readonly index: number
  /** The block's coinbase transaction, witness stripped. */
  readonly coinbase: Uint8Array
  /** Siblings of the coinbase (position 0), 32 bytes each. */
  readonly coinbaseBranch: readonly Uint8Array[]
  /** The transaction, witness stripped. */
  readonly transaction: Uint8Array
  /** Its siblings, as many as the coinbase has. */
  readonly branch: readonly Uint8Array[]
}

/** What a verified proof shows. */
export interface ProvenTransaction {
  readonly blockHash: BtcHash
  readonly txid: BtcHash
  readonly index: number
  readonly transaction: Transaction
  readonly isCoinbase: boolean
}

/**
 * Turns bitcoind's gettxoutproof of [coinbase, txid] and the two raw transactions into a proof, and verifies it.
 * @throws MERKLE_TREE_INVALID, INCLUSION_INVALID, TX_MALFORMED
 */
export function buildInclusionProof(parts: {
  /** Answer of gettxoutproof, decoded from hex. */
  readonly partialTree: Uint8Array
  /** Raw coinbase transaction, with or without witness. */
  readonly coinbase: Uint8Array
  /** Raw transaction, with or without witness. */
  readonly transaction: Uint8Array
}): InclusionProof {
  const tree = parsePartialMerkleTree(parts.partialTree)
  const transaction = encodeStripped(decodeTransaction(parts.transaction))
  const hash = hash256(transaction)
  const first = tree.leaves.find((leaf) => leaf.index === 0)
  if (!first) throw invalid('it does not show the coinbase')
  const leaf = tree.leaves.find((l) => equalBytes(l.hash, hash))
  if (!leaf) throw invalid('it does not show the transaction')
  const proof: InclusionProof = {
    header: tree.header.raw,
    index: leaf.index,
    coinbase: encodeStripped(decodeTransaction(parts.coinbase)),
    coinbaseBranch: first.branch,
    transaction,
    branch: leaf.branch,
  }
  verifyInclusionProof(proof)
  return proof
}

/**
 * Checks the branches of transaction and coinbase against the header's Merkle root (bitcoin.md, section 2). The header
 * itself (work, chain, depth) is the caller's to check.
 * @throws INCLUSION_INVALID, TX_MALFORMED, HEADER_BAD_LENGTH
 */
export function verifyInclusionProof(proof: InclusionProof): ProvenTransaction {
  const header = parseHeader(proof.header)
  if (proof.branch.length > MAX_BRANCH_HASHES || proof.branch.length !== proof.coinbaseBranch.length)
    throw invalid('the branches of transaction and coinbase are not equally long, or too long')
  if ([...proof.branch, ...proof.coinbaseBranch].some((hash) => hash.length !== 32))
    throw invalid('a hash is not 32 bytes')
  if (!Number.isInteger(proof.index) || proof.index < 0 || proof.index >= 2 ** proof.branch.length)
    throw invalid(`position ${proof.index} does not exist at depth ${proof.branch.length}`)
  const coinbase = checkedTransaction(proof.coinbase)
  if (!isCoinbase(coinbase)) throw invalid('the first transaction is no coinbase')
  const transaction = checkedTransaction(proof.transaction)
  const root = header.raw.subarray(36, 68)
  if (!equalBytes(rootFromBranch(hash256(proof.coinbase), 0, proof.coinbaseBranch), root))
    throw invalid('the coinbase is not in the block')
  const hash = hash256(proof.transaction)
  if (!equalBytes(rootFromBranch(hash, proof.index, proof.branch), root))
    throw invalid('the transaction is not in the block')
  return {
    blockHash: header.hash,
    txid: toHex(hash) as BtcHash,
    index: proof.index,
    transaction,
    isCoinbase: proof.index === 0,
  }
}

function checkedTransaction(bytes: Uint8Array): Transaction {
  if (bytes.length === INNER_NODE_BYTES) throw invalid('a transaction of 64 bytes can pass for an inner node')
  const tx = decodeTransaction(bytes)
  if (tx.inputs.some((input) => input.witness.length > 0)) throw invalid('a transaction still has its witness')
  return tx
}

function invalid(why: string) {
  return bitcoinError('INCLUSION_INVALID', 'peer', `invalid inclusion proof: ${why}`)
}
