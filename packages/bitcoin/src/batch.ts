import {
  concatBytes,
  equalBytes,
  fromHex,
  readUintBE,
  toHex,
  uintBE,
  utf8,
  type BtcHash,
  type Hash32,
} from '@hawser/primitives'
import { compactSizeLength } from './compact-size.ts'
import type { Committee, CommitteeLeaf, CustodyTree } from './committee.ts'
import { custodyKey } from './deposit.ts'
import { bitcoinError } from './errors.ts'
import { DUST_LIMIT_SATS, OP, p2trScript } from './script.ts'
import { taprootSighashes } from './sighash.ts'
import { controlBlock } from './taproot.ts'
import type { Transaction, TxOutput } from './transaction.ts'

/** Opts in to replacement by fee and leaves relative locktimes off. */
export const BATCH_SEQUENCE = 0xfffffffd
const CHECKPOINT_MAGIC = utf8('HWSR')
const CHECKPOINT_VERSION = 1
const CHECKPOINT_PAYLOAD_BYTES = 45
/** Length of the checkpoint's output script. */
export const CHECKPOINT_SCRIPT_BYTES = 47
/** Length of the change output's script (P2TR). */
export const CHANGE_SCRIPT_BYTES = 34

/** A custody coin to spend. */
export interface BatchInput {
  readonly txid: BtcHash
  readonly vout: number
  readonly sats: bigint
  /** 32 bytes, zero for the plain address. */
  readonly u: Uint8Array
}

export interface BatchPayout {
  readonly script: Uint8Array
  readonly sats: bigint
}

/** The final chain block that formed a batch. */
export interface BatchCheckpoint {
  readonly number: bigint
  readonly hash: Hash32
}

/** The 47-byte script `OP_RETURN <"HWSR" | version | number u64 BE | hash>`. */
export function checkpointScript(checkpoint: BatchCheckpoint): Uint8Array {
  return concatBytes(
    Uint8Array.of(OP.RETURN, CHECKPOINT_PAYLOAD_BYTES),
    CHECKPOINT_MAGIC,
    Uint8Array.of(CHECKPOINT_VERSION),
    uintBE(checkpoint.number, 8),
    fromHex(checkpoint.hash),
  )
}

/** Reads a checkpoint's script; undefined for any other script or version. */
export function parseCheckpointScript(script: Uint8Array): BatchCheckpoint | undefined {
  if (script.length !== CHECKPOINT_SCRIPT_BYTES || script[0] !== OP.RETURN || script[1] !== CHECKPOINT_PAYLOAD_BYTES)
    return undefined
  if (!equalBytes(script.subarray(2, 6), CHECKPOINT_MAGIC) || script[6] !== CHECKPOINT_VERSION) return undefined
  return { number: readUintBE(script.subarray(7, 15)), hash: toHex(script.subarray(15)) as Hash32 }
}

/**
 * The one Bitcoin transaction of a batch at a given fee, unsigned (protocol.md, section 7): payouts, checkpoint, change.
 * @throws BATCH_INVALID without inputs or when the change would be dust.
 */
export function buildBatchTransaction(batch: {
  readonly inputs: readonly BatchInput[]
  readonly payouts: readonly BatchPayout[]
  readonly checkpoint: BatchCheckpoint
  /** The current committee's plain script. */
  readonly changeScript: Uint8Array
  readonly feeSats: bigint
}): Transaction {
  if (batch.inputs.length === 0) throw bitcoinError('BATCH_INVALID', 'local', 'a batch needs an input')
  const inSats = batch.inputs.reduce((sum, input) => sum + input.sats, 0n)
  const outSats = batch.payouts.reduce((sum, payout) => sum + payout.sats, 0n)
  const changeSats = inSats - outSats - batch.feeSats
  if (changeSats < DUST_LIMIT_SATS.p2tr)
    throw bitcoinError(
      'BATCH_INVALID',
      'local',
      `${inSats} sat in do not cover ${outSats} out, ${batch.feeSats} of fee and change`,
    )
  return {
    version: 2,
    inputs: batch.inputs.map(({ txid, vout }) => ({
      txid,
      vout,
      scriptSig: new Uint8Array(0),
      sequence: BATCH_SEQUENCE,
      witness: [],
    })),
    outputs: [
      ...batch.payouts.map(({ sats, script }) => ({ sats, script })),
      { sats: 0n, script: checkpointScript(batch.checkpoint) },
      { sats: changeSats, script: batch.changeScript },
    ],
    locktime: 0,
  }
}

/**
 * The vsize that rungs are counted with: every input as dear as the committee's script path, whatever is signed later.
 * Weight = 4 * (4 + count of inputs + count of outputs + 4) + 2 + inputs * inputWeight + 4 * sum(8 + 1 + script length).
 */
export function batchVsize(batch: {
  readonly inputCount: number
  readonly inputWeight: number
  readonly payoutScriptLengths: readonly number[]
}): number {
  const scripts = [...batch.payoutScriptLengths, CHECKPOINT_SCRIPT_BYTES, CHANGE_SCRIPT_BYTES]
  const counts = compactSizeLength(batch.inputCount) + compactSizeLength(scripts.length)
  const outputBytes = scripts.reduce((sum, length) => sum + 8 + 1 + length, 0)
  return Math.ceil((4 * (4 + counts + 4) + 2 + batch.inputCount * batch.inputWeight + 4 * outputBytes) / 4)
}

/** The coins that a batch's inputs spend, in their order. */
export function batchPrevouts(committee: CustodyTree, inputs: readonly BatchInput[]): TxOutput[] {
  return inputs.map(({ sats, u }) => ({ sats, script: p2trScript(custodyKey(committee, u).x) }))
}

/** The 32-byte messages to sign, one for each input: for the key path, or for a leaf. */
export function batchSighashes(
  committee: CustodyTree,
  inputs: readonly BatchInput[],
  tx: Transaction,
  leaf?: CommitteeLeaf,
): Uint8Array[] {
  const messages = taprootSighashes(tx, batchPrevouts(committee, inputs))
  return inputs.map((_, i) => (leaf ? messages.leaf(i, leaf.leafHash) : messages.keyPath(i)))
}

/** The x-only tweak (32 bytes) that the key path's MuSig2 session of a coin applies to P. */
export function coinTweak(committee: CustodyTree, u: Uint8Array): Uint8Array {
  return custodyKey(committee, u).tweak
}

/** The control block of a committee's leaf for a coin: the path gets `u` behind it when `u` is not zero. */
export function coinControlBlock(committee: CustodyTree, leaf: CommitteeLeaf, u: Uint8Array): Uint8Array {
  const plain = equalBytes(u, new Uint8Array(32))
  const { parity } = custodyKey(committee, u)
  return controlBlock(parity, committee.internalKey, plain ? leaf.path : [...leaf.path, u])
}

/** Witness of the key path: the 64-byte signature alone. */
export function keyPathWitness(signature: Uint8Array): Uint8Array[] {
  return [signature]
}

/** Witness of a subset's leaf: signature, script, control block. */
export function subsetWitness(
  committee: CustodyTree,
  leaf: CommitteeLeaf,
  u: Uint8Array,
  signature: Uint8Array,
): Uint8Array[] {
  return [signature, leaf.script, coinControlBlock(committee, leaf, u)]
}

/**
 * Witness of the CHECKSIGADD leaf (or of the recovery leaf): signatures by position in the sorted keys, undefined for
 * those who did not sign; exactly t are used, the first ones.
 * @throws BATCH_INVALID with fewer than t signatures.
 */
export function thresholdWitness(
  committee: Committee,
  leaf: CommitteeLeaf,
  u: Uint8Array,
  signatures: readonly (Uint8Array | undefined)[],
): Uint8Array[] {
  let used = 0
  const items = Array.from({ length: committee.n }, (_, i) => {
    const signature = signatures[i]
    // NUMEQUAL wants exactly t: one signature more would fail.
    if (!signature || used === committee.t) return new Uint8Array(0)
    used++
    return signature
  })
  if (used < committee.t)
    throw bitcoinError('BATCH_INVALID', 'local', `${used} signatures; the leaf needs ${committee.t}`)
  // The first key's signature is taken from the top of the stack: last in the witness.
  return [...items.reverse(), leaf.script, coinControlBlock(committee, leaf, u)]
}

/** The transaction with its witnesses in place, one for each input. */
export function withWitnesses(tx: Transaction, witnesses: readonly (readonly Uint8Array[])[]): Transaction {
  return { ...tx, inputs: tx.inputs.map((input, i) => ({ ...input, witness: witnesses[i] ?? [] })) }
}
