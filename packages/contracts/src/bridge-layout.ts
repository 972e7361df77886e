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

/** Words of a coin's struct, counted from its first, and where its fields stand in `amounts`: bits from the right. */
export const BRIDGE_COIN = {
  txidWord: 0n,
  uWord: 1n,
  amountsWord: 3n,
  satsBits: 0n,
  voutBits: 96n,
  statusBits: 232n,
} as const
