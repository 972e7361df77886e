import { isAppError, messageOf, type Hex } from '@hawser/primitives'

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
} as const

export function invalidParams(message: string): RpcError {
  return new RpcError(RpcCode.invalidParams, message)
}

/** The error of a call that reverted, with the reason where it is one that Solidity encodes. */
export function reverted(output: Uint8Array, hex: Hex): RpcError {
  const reason = revertReason(output)
  return new RpcError(
    RpcCode.reverted,
    reason === undefined ? 'execution reverted' : `execution reverted: ${reason}`,
    hex,
  )
}

/** What `Error(string)` says (selector 08c379a0); undefined for anything else. */
function revertReason(output: Uint8Array): string | undefined {
  const selector = [0x08, 0xc3, 0x79, 0xa0]
  if (output.length < 68 || selector.some((byte, i) => output[i] !== byte)) return undefined
  const length = Number(
    BigInt(`0x${[...output.subarray(36, 68)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`),
  )
  if (length > output.length - 68) return undefined
  return new TextDecoder().decode(output.subarray(68, 68 + length))
}

/** What a caller gets to see of an error; what is our own fault keeps its details in the log. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error
  if (isAppError(error)) {
    if (error.code === 'POOL_FULL') return new RpcError(RpcCode.limitExceeded, error.message)
    if (error.info.fault === 'user') return new RpcError(RpcCode.server, error.message)
    if (error.code === 'STATE_MISSING') return new RpcError(RpcCode.server, `missing trie node: ${error.message}`)
    return new RpcError(RpcCode.server, error.message)
  }
  return new RpcError(RpcCode.internal, `internal error: ${messageOf(error)}`)
}
