import { concatBytes, fromHex, hash256, uintLE, type BtcHash } from '@hawser/primitives'
import { targetFromBits } from '../compact-target.ts'
import { headerHashNumber } from '../header.ts'
import { merkleRoot } from '../merkle.ts'
import { pushData, pushNumber } from '../script.ts'
import { txid, wtxid, type Transaction, type TxOutput } from '../transaction.ts'
import type { Mempool, MempoolEntry } from './mempool.ts'

/** bitcoind's default limit of a block it makes, less room for the coinbase. */
const MAX_BLOCK_WEIGHT = 3_996_000
const REGTEST_BITS = 0x207fffff
const BLOCK_VERSION = 0x20000000

/** Regtest's subsidy in sats: 50 BTC, halved every 150 blocks. */
export function subsidySats(height: number): bigint {
  return 5_000_000_000n >> BigInt(Math.min(Math.floor(height / 150), 63))
}

/** The transactions of the next block: dearest first, parents before children, within the weight limit. */
export function selectTransactions(mempool: Mempool, minFeeRateSatPerVb: number): MempoolEntry[] {
  const chosen = new Map<BtcHash, MempoolEntry>()
  let room = MAX_BLOCK_WEIGHT - 4_000
  const rate = (e: MempoolEntry) => Number(e.feeSats) / e.vsize
  let open = mempool
    .entries()
    .filter((e) => rate(e) >= minFeeRateSatPerVb)
    .sort((a, b) => rate(b) - rate(a))
  for (let progress = true; progress;) {
    progress = false
    const later: MempoolEntry[] = []
    for (const entry of open) {
      const ready = mempool.parents(entry.tx).every((parent) => chosen.has(parent))
      if (!ready) later.push(entry)
      else if (entry.weight <= room) {
        chosen.set(entry.txid, entry)
        room -= entry.weight
        progress = true
      }
    }
    open = later
  }
  return [...chosen.values()]
}

/** A coinbase with the height (BIP34), an extra nonce, the reward, and the witness commitment (BIP141). */
export function buildCoinbase(
  height: number,
  extraNonce: number,
  reward: TxOutput,
  transactions: readonly Transaction[],
): Transaction {
  const reserved = new Uint8Array(32)
  const witnessRoot = merkleRoot([new Uint8Array(32), ...transactions.map((tx) => fromHex(wtxid(tx)))]).root
  const commitment = hash256(concatBytes(witnessRoot, reserved))
  return {
    version: 2,
    inputs: [
      {
        txid: `0x${'00'.repeat(32)}` as BtcHash,
        vout: 0xffff_ffff,
        scriptSig: concatBytes(pushNumber(height), pushData(uintLE(extraNonce, 8))),
        sequence: 0xffff_ffff,
        witness: [reserved],
      },
    ],
    outputs: [reward, { sats: 0n, script: concatBytes(fromHex('6a24aa21a9ed'), commitment) }],
    locktime: 0,
  }
}

/** Finds the nonce of a regtest header (two tries on average): 80 bytes. */
export function mineHeader(previousHash: BtcHash, transactions: readonly Transaction[], timeS: number): Uint8Array {
  const root = merkleRoot(transactions.map((tx) => fromHex(txid(tx)))).root
  const header = concatBytes(
    uintLE(BLOCK_VERSION, 4),
    fromHex(previousHash),
    root,
    uintLE(timeS, 4),
    uintLE(REGTEST_BITS, 4),
    new Uint8Array(4),
  )
  const target = targetFromBits(REGTEST_BITS) as bigint
  for (let nonce = 0; ; nonce++) {
    header.set(uintLE(nonce, 4), 76)
    if (headerHashNumber(header) <= target) return header
  }
}

/** Regtest's genesis block, the same in every bitcoind. */
export const REGTEST_GENESIS = fromHex(
  '0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000' +
    '0101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000',
)
