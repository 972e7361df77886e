import { AppError, type Fault } from '@hawser/primitives'

export type CliErrorCode =
  /** The command line is not understood; the message says which part. */
  | 'USAGE'
  /** A file or folder that must not be there is there: nothing is overwritten. */
  | 'FILE_EXISTS'
  /** A file that was named cannot be read. */
  | 'FILE_UNREADABLE'
  /** The data folder is another program's, or another devnet runs on it. */
  | 'DATA_FOLDER_INVALID'
  /** `hawser l1` and no devnet or --l1 to talk to. */
  | 'L1_UNKNOWN'
  /** A file that should hold a finality proof of the chain holds none. */
  | 'PROOF_FILE_INVALID'
  /** A step of the tour did not go as it must. */
  | 'DEMO_FAILED'
  /** Ctrl-C while something was under way. */
  | 'INTERRUPTED'

/** What this room's errors say. */
export interface CliErrorInfo {
  readonly code: CliErrorCode
  readonly fault: Fault
}

/** @internal The room's one way to make an error; the message says what, why and what to do. */
export function cliError(code: CliErrorCode, message: string, cause?: unknown): AppError<CliErrorInfo> {
  const fault = code === 'DEMO_FAILED' ? 'local' : 'user'
  return new AppError<CliErrorInfo>({ code, fault }, message, cause === undefined ? undefined : { cause })
}
