import { isAppError, messageOf, toHex } from '@hawser/primitives'

/** A JSON-RPC error: the code the ecosystem expects, a message for people, data for programs. */
export class RpcError extends Error {
  readonly code: number
  readonly data: unknown
  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.code = code
    this.data = data
  }
}

/** JSON-RPC 2.0's own codes, and those that Ethereum's nodes add. @see EIP-1474 */
export const RpcCode = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  server: -32000,
  resourceNotFound: -32001,
  limitExceeded: -32005,
  /** Geth's: the call reverted; `data` holds what it returned. */
  reverted: 3,
  /** A call of a simulation halted. */
  vmError: -32015,
  /** Geth's: more than this node does for one request. */
  clientLimit: -38026,
} as const

/** eth_simulateV1's own codes, by what the inspector refuses. */
const SIMULATION_CODES: Readonly<Record<string, number>> = {
  CALL_NONCE_TOO_LOW: -38010,
  CALL_NONCE_TOO_HIGH: -38011,
  CALL_FEE_TOO_LOW: -38012,
  CALL_TIP_ABOVE_CAP: RpcCode.invalidParams,
  CALL_INTRINSIC_GAS: -38013,
  CALL_INSUFFICIENT_FUNDS: -38014,
  CALL_GAS_LIMIT_REACHED: -38015,
  SIMULATION_BLOCK_NUMBER: -38020,
  SIMULATION_BLOCK_TIME: -38021,
  CALL_INIT_CODE_TOO_LARGE: -38025,
  SIMULATION_TOO_MANY_BLOCKS: RpcCode.clientLimit,
}

export function invalidParams(message: string): RpcError {
  return new RpcError(RpcCode.invalidParams, message)
}

/** The error of a call that reverted, with the reason where there is one. */
export function reverted(output: Uint8Array, reason: string | undefined): RpcError {
  return new RpcError(
    RpcCode.reverted,
    reason === undefined ? 'execution reverted' : `execution reverted: ${reason}`,
    toHex(output),
  )
}

/** What a caller gets to see of an error; what is our own fault keeps its details in the log. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  if (isAppError(error)) {
    if (error.code === 'POOL_FULL' || error.code === 'TRACE_TOO_LARGE')
      return new RpcError(RpcCode.limitExceeded, error.message)
    if (error.code === 'STATE_MISSING') return new RpcError(RpcCode.server, `missing trie node: ${error.message}`)
    return new RpcError(RpcCode.server, error.message)
  }
  return new RpcError(RpcCode.internal, `internal error: ${messageOf(error)}`)
}

/** The error of a simulation, which has codes of its own. */
export function toSimulationError(error: unknown): unknown {
  if (!isAppError(error)) return error
  const code = SIMULATION_CODES[error.code]
  return code === undefined ? error : new RpcError(code, error.message)
}

/** The body of an error that belongs to no request. */
export function errorBody(code: number, message: string): string {
  return JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message } })
}
