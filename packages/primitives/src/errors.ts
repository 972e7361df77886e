/** Whose doing an error is: it drives the peer score, the HTTP status and the exit code. */
export type Fault = 'peer' | 'local' | 'user'

/** What every error of a room's union has. */
export interface ErrorInfo {
  /** SCREAMING_SNAKE_CASE, with the room's word first. */
  readonly code: string
  readonly fault: Fault
  /** Whether the same call may succeed later without a change on the caller's side. */
  readonly retry?: boolean
}

/** The one error class: a code for programs, a message (what, why, what to do) for people. */
export class AppError<I extends ErrorInfo = ErrorInfo> extends Error {
  readonly info: I
  constructor(info: I, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = info.code
    this.info = info
  }
  get code(): I['code'] {
    return this.info.code
  }
}

/** Whether a value is an AppError, optionally of one code. */
export function isAppError(value: unknown, code?: string): value is AppError {
  return value instanceof AppError && (code === undefined || value.code === code)
}

/** States what must hold; a failure is a bug of ours, never bad input. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`)
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
