import { schnorr } from '@noble/curves/secp256k1.js'
import type { BtcHash } from '@hawser/primitives'
import type { DepositAddress } from './deposit.ts'
import { bitcoinError } from './errors.ts'
import { dustLimitSats } from './script.ts'
import { taprootSighashes } from './sighash.ts'
import type { Transaction } from './transaction.ts'

/**
 * The depositor's way out: spends a reclaimable deposit by its RECLAIM leaf, once csv blocks have passed on it.
 * @throws DEPOSIT_INVALID without a reclaim leaf, or when nothing is left above dust.
 */
export function buildReclaimTransaction(parameters: {
  readonly deposit: DepositAddress
  readonly coin: { readonly txid: BtcHash; readonly vout: number; readonly sats: bigint }
  readonly toScript: Uint8Array
  readonly feeSats: bigint
  /** 32 bytes; its x-only public key is the refund key. */
  readonly refundSecretKey: Uint8Array
}): Transaction {
  const { deposit, coin, toScript, feeSats, refundSecretKey } = parameters
  const { reclaim } = deposit
  if (!reclaim) throw bitcoinError('DEPOSIT_INVALID', 'user', 'this deposit address has no refund key')
  const sats = coin.sats - feeSats
  if (sats < (dustLimitSats(toScript) ?? 0n))
    throw bitcoinError('DEPOSIT_INVALID', 'user', `${coin.sats} sat less a fee of ${feeSats} leaves less than dust`)
  const unsigned: Transaction = {
    version: 2,
    inputs: [{ txid: coin.txid, vout: coin.vout, scriptSig: new Uint8Array(0), sequence: reclaim.csv, witness: [] }],
    outputs: [{ sats, script: toScript }],
    locktime: 0,
  }
  const messages = taprootSighashes(unsigned, [{ sats: coin.sats, script: deposit.scriptPubKey }])
  const signature = schnorr.sign(messages.leaf(0, reclaim.leafHash), refundSecretKey)
  const witness = [signature, reclaim.script, reclaim.controlBlock]
  return { ...unsigned, inputs: unsigned.inputs.map((input) => ({ ...input, witness })) }
}
