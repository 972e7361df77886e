import { concatBytes, keccak256, readUintBE, toHex, uintBE, type BtcHash } from '@hawser/primitives'

/**
 * Storage of the Bridge contract that proofs are made of (EIP-1186). Layouts are frozen: a test holds these numbers against
 * the compiler's.
 */

/** Slots of single words. */
export const BRIDGE_SLOTS = {
  custodySats: 0n,
  pendingSats: 1n,
  maxFeeSats: 2n,
  shortfallSats: 3n,
  claimableWei: 4n,
  pauseReasons: 5n,
  pauseId: 6n,
  lastCoinId: 10n,
} as const

/** Slot of the mapping from a coin's id to its struct: the struct begins at keccak256(id | slot), 32 bytes each. */
export const BRIDGE_COINS_SLOT = 16n

/** Words of a coin's struct that are read, counted from its first. */
export const COIN_WORDS = { txid: 0n, u: 1n, amounts: 3n, list: 4n } as const

/** Where a field stands in its word: bits from the right. */
export const COIN_BITS = { sats: 0n, vout: 96n, status: 232n, batchId: 128n } as const

const U64 = (1n << 64n) - 1n
const U32 = (1n << 32n) - 1n
const U8 = 0xffn

/** A custody coin as it is stored. */
export interface StoredCoin {
  readonly txid: BtcHash
  readonly vout: number
  readonly sats: bigint
  /** CoinStatus. */
  readonly status: number
  /** The sibling of R in the coin's tree, 32 bytes; zero for the committee's plain address. */
  readonly u: Uint8Array
  readonly batchId: bigint
}

/** The slots that a coin is read from, in the order that `readStoredCoin` takes their words. */
export function storedCoinSlots(id: bigint): readonly bigint[] {
  const first = readUintBE(keccak256(concatBytes(uintBE(id, 32), uintBE(BRIDGE_COINS_SLOT, 32))))
  return Object.values(COIN_WORDS).map((word) => first + word)
}

/** A coin from the words of its slots. */
export function readStoredCoin(words: readonly bigint[]): StoredCoin {
  const [txid = 0n, u = 0n, amounts = 0n, list = 0n] = words
  return {
    txid: toHex(uintBE(txid, 32)) as BtcHash,
    vout: Number((amounts >> COIN_BITS.vout) & U32),
    sats: (amounts >> COIN_BITS.sats) & U64,
    status: Number((amounts >> COIN_BITS.status) & U8),
    u: uintBE(u, 32),
    batchId: (list >> COIN_BITS.batchId) & U64,
  }
}
