import {
  encodeStripped,
  isCoinbase,
  merkleBranch,
  parseDepositReturn,
  txid,
  type Block,
  type InclusionProof,
  type Transaction,
} from '@hawser/bitcoin'
import { equalBytes, fromHex, toHex, type Address, type BtcHash } from '@hawser/primitives'
import type { RegisteredAddress } from './address-book.ts'

/** P2TR: OP_1 and a push of 32 bytes. */
const P2TR_BYTES = 34
/** `OP_RETURN <"HWSD"`: whatever follows, such an output claims to be a deposit's. */
const DEPOSIT_RETURN_HEAD = fromHex('0x6a2248575344')

/** Payments of one transaction that are taken up; whoever splits his deposit further credits the rest by hand. */
export const MAX_PAYMENTS_PER_TRANSACTION = 64
/** Payments of one block that can never be credited and are shown with the reason. */
export const MAX_REFUSED_PER_BLOCK = 64

export interface Outpoint {
  readonly txid: BtcHash
  readonly vout: number
}

/** An output that is custody, or becomes it once it is credited. */
export interface CustodyPayment extends Outpoint {
  /** `address`: to a registered address; `op-return`: to the plain address, with HWSD; `plain`: change, or nobody's. */
  readonly kind: 'address' | 'op-return' | 'plain'
  readonly sats: bigint
  readonly blockHash: BtcHash
  readonly height: number
  readonly isCoinbase: boolean
  /** Who is credited; absent for `plain`. */
  readonly account?: Address
  /** x-only key that may take it back. */
  readonly refundKey?: Uint8Array
  /** The Bridge contract's Qy; for `address`. */
  readonly qy?: Uint8Array
  /** One object for all payments of a transaction. Absent for `plain`, for what can never be credited, and once the payment is credited for good. */
  readonly proof?: InclusionProof
}

/** A transaction that spends custody: a batch's, a reclaim, or a theft. */
export interface CustodySpend {
  readonly txid: BtcHash
  readonly blockHash: BtcHash
  readonly height: number
  /** The inputs that spend custody, in order. */
  readonly spent: readonly { readonly index: number; readonly outpoint: Outpoint }[]
  readonly proof: InclusionProof
}

/** What a scan looks for. */
export interface ScanTargets {
  readonly chainId: bigint
  /** The committee's plain address. */
  readonly plainScript: Uint8Array
  /** Why a payment can never be credited; undefined when it may. */
  refusalOf(payment: Pick<CustodyPayment, 'sats' | 'refundKey'>): string | undefined
  addressOf(script: Uint8Array): RegisteredAddress | undefined
  isCustody(outpoint: Outpoint): boolean
}

/** The name of an outpoint in maps. */
export function outpointKey({ txid, vout }: Outpoint): string {
  return `${txid}:${vout}`
}

/** What one block has for the bridge. */
export interface ScanResult {
  readonly payments: readonly CustodyPayment[]
  readonly spends: readonly CustodySpend[]
  /** Payments that can never be credited, without proofs, for their payers to see. */
  readonly refused: readonly CustodyPayment[]
  /** Payments beyond the limits. */
  readonly dropped: number
}

/** Everything in a block that concerns the bridge. */
export function scanBlock(block: Block, height: number, targets: ScanTargets): ScanResult {
  const payments: CustodyPayment[] = []
  const spends: CustodySpend[] = []
  const refused: CustodyPayment[] = []
  let dropped = 0
  const fresh = new Set<string>()
  // Hashing every transaction is for blocks that have something for us.
  let ids: Uint8Array[] | undefined
  const prove = (index: number) =>
    proofFromBlock(block, index, (ids ??= block.transactions.map((tx) => fromHex(txid(tx)))))
  const at = { blockHash: block.header.hash, height }
  for (const [index, tx] of block.transactions.entries()) {
    const coinbase = isCoinbase(tx)
    const spent = coinbase
      ? []
      : tx.inputs.flatMap(({ txid, vout }, i) =>
          targets.isCustody({ txid, vout }) || fresh.has(outpointKey({ txid, vout }))
            ? [{ index: i, outpoint: { txid, vout } }]
            : [],
        )
    const found = paymentsIn(tx, targets)
    if (spent.length === 0 && found.length === 0) continue
    const base = { ...at, txid: txid(tx), isCoinbase: coinbase }
    let proof: InclusionProof | undefined
    if (spent.length > 0) spends.push({ ...at, txid: base.txid, spent, proof: (proof ??= prove(index)) })
    let taken = 0
    for (const output of found) {
      const payment: CustodyPayment = { ...base, ...output }
      // Change of any size is custody; what else lies below the minimum never is.
      const isChange = output.kind === 'plain' && spent.length > 0
      if (!isChange && targets.refusalOf(output) !== undefined) {
        if (output.kind !== 'plain' && refused.length < MAX_REFUSED_PER_BLOCK) refused.push(payment)
        else dropped++
      } else if (taken++ >= MAX_PAYMENTS_PER_TRANSACTION) dropped++
      else {
        fresh.add(outpointKey(payment))
        payments.push(output.kind === 'plain' ? payment : { ...payment, proof: (proof ??= prove(index)) })
      }
    }
  }
  return { payments, spends, refused, dropped }
}

function paymentsIn(tx: Transaction, targets: ScanTargets) {
  const found: Pick<CustodyPayment, 'kind' | 'vout' | 'sats' | 'account' | 'refundKey' | 'qy'>[] = []
  const plain: number[] = []
  for (const [vout, { script, sats }] of tx.outputs.entries()) {
    if (script.length !== P2TR_BYTES || script[0] !== 0x51) continue
    if (equalBytes(script, targets.plainScript)) plain.push(vout)
    else {
      const entry = targets.addressOf(script)
      if (entry) {
        const { account, refundKey, qy } = entry
        found.push({ kind: 'address', vout, sats, account, refundKey, qy })
      }
    }
  }
  const account = plain.length === 1 ? returnAccount(tx, targets.chainId) : undefined
  for (const vout of plain)
    found.push({ kind: account ? 'op-return' : 'plain', vout, sats: tx.outputs[vout]?.sats ?? 0n, account })
  return found
}

/** The account of the one HWSD output; undefined when there is none, more than one, or one for another chain. */
function returnAccount(tx: Transaction, chainId: bigint): Address | undefined {
  const claims = tx.outputs.filter(({ script }) =>
    equalBytes(script.subarray(0, DEPOSIT_RETURN_HEAD.length), DEPOSIT_RETURN_HEAD),
  )
  const parsed = claims.length === 1 && claims[0] ? parseDepositReturn(claims[0].script) : undefined
  return parsed && parsed.chainId === chainId && parsed.kind === 0 ? parsed.account : undefined
}

/** The proof that the transaction at `index` is in the block; `ids` are the block's txids in internal byte order. */
export function proofFromBlock(block: Block, index: number, ids: readonly Uint8Array[]): InclusionProof {
  return {
    header: block.header.raw,
    index,
    coinbase: encodeStripped(block.transactions[0] as Transaction),
    coinbaseBranch: merkleBranch(ids, 0),
    transaction: encodeStripped(block.transactions[index] as Transaction),
    branch: merkleBranch(ids, index),
  }
}

/** Every P2TR script of a block as hex: what a later registration may ask for. */
export function taprootScripts(block: Block): string[] {
  return block.transactions.flatMap((tx) =>
    tx.outputs.flatMap(({ script }) => (script.length === P2TR_BYTES && script[0] === 0x51 ? [toHex(script)] : [])),
  )
}
