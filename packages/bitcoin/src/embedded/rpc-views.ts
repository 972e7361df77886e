import { displayBtcHash, toHex, type BtcHash } from '@hawser/primitives'
import { scriptToAddress } from '../bitcoin-address.ts'
import { targetFromBits } from '../compact-target.ts'
import { classifyScript, type ScriptType } from '../script.ts'
import {
  encodeStripped,
  encodeTransaction,
  isCoinbase,
  vsize,
  weight,
  type Transaction,
  type TxOutput,
} from '../transaction.ts'
import type { EmbeddedBlock, EmbeddedChain } from './embedded-chain.ts'
import { idsOf } from './mempool.ts'

const TYPE_NAMES: Record<ScriptType, string> = {
  p2pkh: 'pubkeyhash',
  p2sh: 'scripthash',
  p2wpkh: 'witness_v0_keyhash',
  p2wsh: 'witness_v0_scripthash',
  p2tr: 'witness_v1_taproot',
  op_return: 'nulldata',
  other: 'nonstandard',
}

/** Hex without 0x, as bitcoind writes it. */
export function bareHex(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}

/** BTC as bitcoind's JSON number. */
export function btc(sats: bigint): number {
  return Number(sats) / 1e8
}

export function scriptView(script: Uint8Array): object {
  const { type } = classifyScript(script)
  const address = type === 'op_return' || type === 'other' ? {} : { address: scriptToAddress(script, 'regtest') }
  return { hex: bareHex(script), ...address, type: TYPE_NAMES[type] }
}

function outputView(output: TxOutput, n: number): object {
  return { value: btc(output.sats), n, scriptPubKey: scriptView(output.script) }
}

/** bitcoind's verbose transaction. */
export function transactionView(tx: Transaction): object {
  const ids = idsOf(tx)
  const raw = encodeTransaction(tx)
  return {
    txid: displayBtcHash(ids.txid),
    hash: displayBtcHash(ids.wtxid),
    version: tx.version,
    size: raw.length,
    vsize: vsize(tx),
    weight: weight(tx),
    locktime: tx.locktime,
    vin: tx.inputs.map((input) => ({
      ...(isCoinbase(tx)
        ? { coinbase: bareHex(input.scriptSig) }
        : { txid: displayBtcHash(input.txid), vout: input.vout, scriptSig: { hex: bareHex(input.scriptSig) } }),
      ...(input.witness.length > 0 ? { txinwitness: input.witness.map(bareHex) } : {}),
      sequence: input.sequence,
    })),
    vout: tx.outputs.map(outputView),
    hex: bareHex(raw),
  }
}

/** Confirmations as bitcoind counts them: -1 off the main chain. */
export function confirmations(chain: EmbeddedChain, block: EmbeddedBlock): number {
  return chain.isOnMainChain(block) ? chain.height - block.height + 1 : -1
}

/** bitcoind's verbose header. */
export function headerView(chain: EmbeddedChain, block: EmbeddedBlock): Record<string, unknown> {
  const { header, height } = block
  const next = chain.isOnMainChain(block) ? chain.atHeight(height + 1) : undefined
  return {
    hash: displayBtcHash(header.hash),
    confirmations: confirmations(chain, block),
    height,
    version: header.version,
    versionHex: (header.version >>> 0).toString(16).padStart(8, '0'),
    merkleroot: displayBtcHash(header.merkleRoot),
    time: header.timeS,
    mediantime: chain.medianTimeS(block),
    nonce: header.nonce,
    bits: header.bits.toString(16).padStart(8, '0'),
    target: (targetFromBits(header.bits) ?? 0n).toString(16).padStart(64, '0'),
    difficulty: 4.656542373906925e-10,
    chainwork: block.chainWork.toString(16).padStart(64, '0'),
    nTx: block.transactions.length,
    ...(height > 0 ? { previousblockhash: displayBtcHash(header.previousHash) } : {}),
    ...(next ? { nextblockhash: displayBtcHash(next.header.hash) } : {}),
  }
}

/** bitcoind's verbose block: txids (verbosity 1) or whole transactions (2). */
export function blockView(chain: EmbeddedChain, block: EmbeddedBlock, verbosity: number): object {
  const strippedSize = block.transactions.reduce((sum, tx) => sum + encodeStripped(tx).length, 80)
  return {
    ...headerView(chain, block),
    strippedsize: strippedSize,
    size: block.raw.length,
    weight: 3 * strippedSize + block.raw.length,
    tx: verbosity >= 2 ? block.transactions.map(transactionView) : block.txids.map((id: BtcHash) => displayBtcHash(id)),
  }
}
