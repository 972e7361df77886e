import type { Params } from './params.ts'
import type { Subscriber } from './subscriptions.ts'

/** Who asks. */
export interface Caller {
  /** The client's network address: what rates are counted by. */
  readonly address: string
  /** There on a WebSocket. */
  readonly subscriber?: Subscriber
}

/** A JSON-RPC method: parameters in; the result, or a promise of it, out. */
export type Method = (params: Params, caller: Caller) => unknown

export type Methods = Readonly<Record<string, Method>>
