import { AppError, type ErrorInfo } from '@hawser/primitives'

/** What can go wrong in this room; fault drives the peer score. */
export type ConsensusErrorInfo = ErrorInfo &
  (
    | /** A message is no valid encoding, or larger than its limit: the sender's fault. */ {
        code: 'CONSENSUS_MALFORMED'
        fault: 'peer'
      }
    | /** A voter set is empty, has a weight below 1 or a sum beyond 2^53 - 1. */ {
        code: 'VOTER_SET_INVALID'
        fault: 'user'
      }
    | /** The guard file is missing and a fresh one was not allowed. */ { code: 'GUARD_MISSING'; fault: 'user' }
    | /** The guard file is damaged; nothing is signed until it is restored. */ {
        code: 'GUARD_DAMAGED'
        fault: 'local'
      }
    | /** Signing this would contradict, or go behind, what was signed already. */ {
        code: 'SIGNER_REFUSED'
        fault: 'local'
      }
    | /** The seal is not the slot author's. */ { code: 'BLOCK_BAD_SEAL'; fault: 'peer' }
    | /** The timestamp is no slot, or none after the parent's. */ { code: 'BLOCK_BAD_SLOT'; fault: 'peer' }
    | /** More than one slot ahead of our clock: perhaps ours is wrong; retry later. */ {
        code: 'BLOCK_TOO_EARLY'
        fault: 'local'
        retry: true
      }
    | /** The justification does not prove its block final, or its set is not the present one. */ {
        code: 'JUSTIFICATION_INVALID'
        fault: 'peer'
      }
    | /** The epoch's last block below it is not final here: its own justification comes first. */ {
        code: 'JUSTIFICATION_TOO_EARLY'
        fault: 'local'
        retry: true
      }
    | /** This node holds no proof of a handover: it began after it. */ { code: 'HANDOVER_UNKNOWN'; fault: 'local' }
    | /** More events wait than the queue takes; retry later. */ { code: 'GRANDPA_BUSY'; fault: 'local'; retry: true }
    | /** Finality cannot go on: a persist failed or two conflicting blocks are final. */ {
        code: 'GRANDPA_HALTED'
        fault: 'local'
      }
  )

/** @internal */
export function malformed(why: string, cause?: unknown): AppError {
  return new AppError({ code: 'CONSENSUS_MALFORMED', fault: 'peer' }, `malformed consensus message: ${why}`, { cause })
}
