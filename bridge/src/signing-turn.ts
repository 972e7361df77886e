/** A coordinator's turn may be this many turns ahead of our clock: turns of absent ones are skipped. */
export const MAX_TURNS_AHEAD = 2
/** A session that began at the end of a turn goes on into the next one. */
const MAX_TURNS_BEHIND = 1

/** member[(batchId + attempt) mod n], by the order of the sorted keys. */
export function coordinatorOf(batchId: bigint, attempt: number, n: number): number {
  return Number((batchId + BigInt(attempt)) % BigInt(n))
}

/** Whether an attempt is one that a coordinator may make in this turn: else one member could hold sessions of all his turns. */
export function isInTurn(attempt: number, turn: number): boolean {
  return attempt >= turn - MAX_TURNS_BEHIND && attempt <= turn + MAX_TURNS_AHEAD
}

/** The attempt that is a member's to coordinate now, turns of members who are not there skipped; undefined when it is another's. */
export function ownAttempt(
  at: { readonly batchId: bigint; readonly turn: number; readonly n: number },
  self: number,
  isOnline: (member: number) => boolean,
): number | undefined {
  for (let attempt = at.turn; attempt <= at.turn + MAX_TURNS_AHEAD; attempt++) {
    const coordinator = coordinatorOf(at.batchId, attempt, at.n)
    if (coordinator === self) return attempt
    if (isOnline(coordinator)) return undefined
  }
  return undefined
}
