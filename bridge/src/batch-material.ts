import {
  batchPrevouts,
  buildBatchTransaction,
  coinControlBlock,
  coinTweak,
  custodyKey,
  decodeTransaction,
  encodeStripped,
  encodeTransaction,
  keyPathWitness,
  plainAddress,
  subsetLeafOf,
  subsetWitness,
  taprootSighashes,
  withWitnesses,
  type BatchInput,
  type Committee,
  type CommitteeLeaf,
  type Transaction,
} from '@hawser/bitcoin'
import { keyAggContext, verifySchnorr, type KeyAggContext } from '@hawser/bitcoin/musig2'
import type { ChainSpec } from '@hawser/chain'
import { equalBytes, fromHex, type BtcHash, type Hash32 } from '@hawser/primitives'
import type { BatchState } from './contract-reader.ts'
import { bridgeError } from './errors.ts'

/** How a session spends the batch's coins: all members by the key path, or one t-subset by its leaf. */
export type SigningPath =
  { readonly kind: 'key-path' } | { readonly kind: 'subset'; readonly members: readonly number[] }

/** One signature to make: an input of a rung's transaction. */
export interface SigningItem {
  readonly rung: number
  readonly input: number
}

/**
 * Everything a member signs of one batch, rebuilt from his own final state and from nothing else: the transactions of
 * all payable rungs, their sighashes and the keys (protocol.md, sections 7 and 8).
 */
export class BatchMaterial {
  readonly batchId: bigint
  readonly committee: Committee
  readonly inputs: readonly BatchInput[]
  readonly transactions: readonly Transaction[]
  /** sat/vB of each rung. */
  readonly rates: readonly number[]
  readonly payoutSats: bigint
  readonly formedAtTimeS: number
  readonly #sighashes: ReturnType<typeof taprootSighashes>[]
  readonly #contexts = new Map<string, KeyAggContext>()

  /** @throws BATCH_UNUSABLE when the state's batch makes no transaction. */
  constructor(spec: ChainSpec, committee: Committee, batch: BatchState, formedAtHash: Hash32) {
    const changeScript = plainAddress(committee, spec.parent.network).scriptPubKey
    this.batchId = batch.id
    this.committee = committee
    this.inputs = batch.inputs.map(({ txid, vout, sats, u }) => ({ txid: txid as BtcHash, vout, sats, u: fromHex(u) }))
    this.rates = spec.bridge.feeRungs.slice(0, batch.payableRungs)
    this.payoutSats = batch.payoutSats
    this.formedAtTimeS = Number(batch.formedAtTime)
    try {
      this.transactions = this.rates.map((rate) =>
        buildBatchTransaction({
          inputs: this.inputs,
          payouts: batch.requests.map(({ script, amountSats }) => ({ script: fromHex(script), sats: amountSats })),
          checkpoint: { number: batch.formedAtBlock, hash: formedAtHash },
          changeScript,
          feeSats: BigInt(rate) * batch.vsize,
        }),
      )
    } catch (cause) {
      throw bridgeError('BATCH_UNUSABLE', 'local', `batch ${batch.id} makes no transaction`, { cause })
    }
    const prevouts = batchPrevouts(committee, this.inputs)
    this.#sighashes = this.transactions.map((tx) => taprootSighashes(tx, prevouts))
  }

  get rungs(): number {
    return this.transactions.length
  }

  /** What a session of the first `rungs` rungs signs, in the order of its nonces. */
  items(rungs: number): SigningItem[] {
    return Array.from({ length: rungs * this.inputs.length }, (_, i) => ({
      rung: Math.floor(i / this.inputs.length),
      input: i % this.inputs.length,
    }))
  }

  /** Who signs on a path: positions in committee.sortedKeys. */
  members(path: SigningPath): readonly number[] {
    return path.kind === 'key-path' ? this.committee.sortedKeys.map((_, i) => i) : path.members
  }

  /** The leaf of a path; undefined for the key path, and for a subset that is none. */
  leaf(path: SigningPath): CommitteeLeaf | undefined {
    return path.kind === 'subset' ? subsetLeafOf(this.committee, path.members) : undefined
  }

  /** The 32 bytes that an item's signature is over. */
  message(path: SigningPath, { rung, input }: SigningItem): Uint8Array {
    const sighashes = this.#sighashes[rung]
    if (!sighashes) throw bridgeError('BATCH_UNUSABLE', 'local', `batch ${this.batchId} has no rung ${rung}`)
    const leaf = this.leaf(path)
    if (path.kind === 'subset' && !leaf) throw bridgeError('BATCH_UNUSABLE', 'local', 'no leaf for these members')
    return leaf ? sighashes.leaf(input, leaf.leafHash) : sighashes.keyPath(input)
  }

  /** The keys that sign an item, aggregated and tweaked. */
  context(path: SigningPath, { input }: SigningItem): KeyAggContext {
    const name = path.kind === 'key-path' ? `key:${input}` : path.members.join()
    let context = this.#contexts.get(name)
    if (!context) {
      const keys = this.members(path).map((i) => this.committee.sortedKeys[i] as Uint8Array)
      const u = (this.inputs[input] as BatchInput).u
      const tweaks = path.kind === 'key-path' ? [{ tweak: coinTweak(this.committee, u), isXOnly: true }] : []
      context = keyAggContext(keys, tweaks)
      this.#contexts.set(name, context)
    }
    return context
  }

  /** The signed raw transactions, one for each rung; signatures stand in the order of `items`. */
  assemble(path: SigningPath, signatures: readonly Uint8Array[]): Uint8Array[] {
    const leaf = this.leaf(path)
    const rungs = signatures.length / this.inputs.length
    return Array.from({ length: rungs }, (_, rung) => {
      const witnesses = this.inputs.map(({ u }, input) => {
        const signature = signatures[rung * this.inputs.length + input] as Uint8Array
        return leaf ? subsetWitness(this.committee, leaf, u, signature) : keyPathWitness(signature)
      })
      return encodeTransaction(withWitnesses(this.transactions[rung] as Transaction, witnesses))
    })
  }

  /** Why a raw transaction is not the rung's with valid witnesses; undefined when it is. */
  faultOf(raw: Uint8Array, rung: number): string | undefined {
    const wanted = this.transactions[rung]
    if (!wanted) return `the batch has no rung ${rung}`
    let tx: Transaction
    try {
      tx = decodeTransaction(raw)
    } catch {
      return 'it is no transaction'
    }
    if (!equalBytes(encodeStripped(tx), encodeStripped(wanted))) return 'it is not the transaction of the batch'
    for (const [input, { witness }] of tx.inputs.entries())
      if (!this.#isSigned(rung, input, witness)) return `the witness of input ${input} is not valid`
    return undefined
  }

  /** key-path or subset, by the witness of the first input. */
  pathOf(raw: Uint8Array): 'key-path' | 'subset' {
    return decodeTransaction(raw).inputs[0]?.witness.length === 1 ? 'key-path' : 'subset'
  }

  #isSigned(rung: number, input: number, witness: readonly Uint8Array[]): boolean {
    const { u } = this.inputs[input] as BatchInput
    const sighashes = this.#sighashes[rung]
    const [signature, script, control] = witness
    if (!sighashes || !signature) return false
    if (witness.length === 1) return verifySchnorr(signature, sighashes.keyPath(input), custodyKey(this.committee, u).x)
    const leaf = this.committee.subsets.find((candidate) => script && equalBytes(candidate.script, script))
    if (witness.length !== 3 || !leaf?.key || !control) return false
    return (
      equalBytes(control, coinControlBlock(this.committee, leaf, u)) &&
      verifySchnorr(signature, sighashes.leaf(input, leaf.leafHash), leaf.key)
    )
  }
}
