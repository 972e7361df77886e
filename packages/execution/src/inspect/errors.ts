import { AppError } from '@hawser/primitives'

/** Why a call, a simulation or a trace is refused. All but the last three are the caller's doing. */
export type InspectionError =
  | { code: 'CALL_NONCE_TOO_LOW'; fault: 'user' }
  | { code: 'CALL_NONCE_TOO_HIGH'; fault: 'user' }
  /** The fee cap is below the base fee, or the tip above the cap. */
  | { code: 'CALL_FEE_TOO_LOW'; fault: 'user' }
  | { code: 'CALL_TIP_ABOVE_CAP'; fault: 'user' }
  | { code: 'CALL_INTRINSIC_GAS'; fault: 'user' }
  | { code: 'CALL_INSUFFICIENT_FUNDS'; fault: 'user' }
  | { code: 'CALL_GAS_LIMIT_REACHED'; fault: 'user' }
  | { code: 'CALL_INIT_CODE_TOO_LARGE'; fault: 'user' }
  /** The fields of the call or the override contradict each other or the rules of the block. */
  | { code: 'CALL_INVALID'; fault: 'user' }
  | { code: 'SIMULATION_BLOCK_NUMBER'; fault: 'user' }
  | { code: 'SIMULATION_BLOCK_TIME'; fault: 'user' }
  | { code: 'SIMULATION_TOO_MANY_BLOCKS'; fault: 'user' }
  /** Execution took longer than this node allows for one request. */
  | { code: 'CALL_TIMEOUT'; fault: 'local' }
  /** The trace is larger than this node answers. */
  | { code: 'TRACE_TOO_LARGE'; fault: 'local' }
  /** The block has no parent state to be traced on. */
  | { code: 'TRACE_GENESIS'; fault: 'user' }

/** An inspection that is refused for what the caller asked. */
export function refused(
  code: Extract<InspectionError, { fault: 'user' }>['code'],
  message: string,
): AppError<InspectionError> {
  return new AppError<InspectionError>({ code, fault: 'user' }, message)
}
