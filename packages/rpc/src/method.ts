import type { Params } from './params.ts'
import type { Subscriber } from './subscriptions.ts'

/** A JSON-RPC method: parameters in, result out; `subscriber` is there on a WebSocket. */
export type Method = (params: Params, subscriber?: Subscriber) => unknown
