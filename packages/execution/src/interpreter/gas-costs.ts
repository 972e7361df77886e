/** Gas of state access and calls, as it is from Osaka on. */

export const WARM_ACCESS = 100 // EIP-2929
export const COLD_ACCOUNT = 2_600
export const COLD_SLOT = 2_100
export const SLOT_SET = 20_000 // EIP-2200
export const SLOT_RESET = 2_900 // EIP-2929
/** An SSTORE with this or less left fails (EIP-2200). */
export const SLOT_SENTRY = 2_300
export const REFUND_CLEARED = 4_800 // EIP-3529
export const CALL_VALUE = 9_000
export const CALL_STIPEND = 2_300
export const NEW_ACCOUNT = 25_000
export const COPY_WORD = 3
export const KECCAK_WORD = 6
export const INIT_CODE_WORD = 2 // EIP-3860
export const LOG_BYTE = 8
export const EXP_BYTE = 50 // EIP-160
export const CODE_DEPOSIT_BYTE = 200
export const MAX_CODE_BYTES = 24_576 // EIP-170
export const MAX_INIT_CODE_BYTES = 49_152 // EIP-3860
export const MAX_CALL_DEPTH = 1_024

/** 32-byte words that hold this many bytes. */
export function words(bytes: number): number {
  return Math.ceil(bytes / 32)
}
