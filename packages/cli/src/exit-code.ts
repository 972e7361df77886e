import { isAppError } from '@hawser/primitives'

/** What the command's exit codes mean; `hawser --help` lists them. */
export const ExitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  notCovered: 3,
  unreachable: 4,
  timeout: 5,
  notFinal: 6,
  refuted: 7,
} as const

const BY_ERROR: Readonly<Record<string, number>> = {
  USAGE: ExitCode.usage,
  ADDRESS_INVALID: ExitCode.usage,
  BTC_ADDRESS_INVALID: ExitCode.usage,
  BTC_ADDRESS_WRONG_NETWORK: ExitCode.usage,
  BTC_AMOUNT_INVALID: ExitCode.usage,
  BTC_HASH_INVALID: ExitCode.usage,
  HEX_INVALID: ExitCode.usage,
  SATS_OUT_OF_RANGE: ExitCode.usage,
  REFUND_KEY_UNSUPPORTED: ExitCode.usage,
  WITHDRAWAL_AMOUNT_TOO_SMALL: ExitCode.usage,
  WITHDRAWAL_FEE_TOO_LOW: ExitCode.usage,
  WITHDRAWAL_SCRIPT_REFUSED: ExitCode.usage,
  NODE_UNREACHABLE: ExitCode.unreachable,
  L1_UNKNOWN: ExitCode.unreachable,
  L1_UNREACHABLE: ExitCode.unreachable,
  BITCOIND_MISSING: ExitCode.unreachable,
  BITCOIND_UNREACHABLE: ExitCode.unreachable,
  BITCOIND_UNAUTHORIZED: ExitCode.unreachable,
  WAIT_TIMEOUT: ExitCode.timeout,
  DEVNET_NOT_READY: ExitCode.timeout,
  BLOCK_NOT_FINAL: ExitCode.notFinal,
  JUSTIFICATION_MISSING: ExitCode.notFinal,
  BLOCK_NOT_CANONICAL: ExitCode.refuted,
  JUSTIFICATION_INVALID: ExitCode.refuted,
  HANDOVER_INVALID: ExitCode.refuted,
  PROOF_INVALID: ExitCode.refuted,
  PROOF_FILE_INVALID: ExitCode.refuted,
}

/** The exit code for whatever was thrown. */
export function exitCodeOf(error: unknown): number {
  return isAppError(error) ? (BY_ERROR[error.code] ?? ExitCode.failure) : ExitCode.failure
}
