/** What one endpoint gives to whoever asks it; each is an option of the server. */
export interface RpcLimits {
  /** The longest HTTP body or WebSocket message, in bytes. */
  readonly maxBodyBytes: number
  /** Requests in one batch. */
  readonly maxBatch: number
  /** Characters of one answer, a batch's altogether: what comes after that is refused. Also the size of one trace. */
  readonly maxResponseChars: number
  /** Blocks that one eth_getLogs looks at. */
  readonly maxLogBlocks: number
  /** Logs that one answer holds. */
  readonly maxLogResults: number
  /** Gas of one call, estimate or trace, and of one eth_simulateV1 altogether. */
  readonly gasCap: bigint
  /** How long one call, simulation or trace may run. */
  readonly evmTimeoutMs: number
  /** Connections at the same time, HTTP and WebSocket together. */
  readonly maxConnections: number
  /** WebSockets among them. */
  readonly maxSockets: number
  /** Requests of one connection that are answered at the same time. */
  readonly maxConnectionRequests: number
  /** Executions (calls, traces, logs, proofs) at the same time; as many again may wait, times `MAX_WAITING_FACTOR`. */
  readonly maxExecutions: number
  /** Traces and simulations that one client address may begin in a second. */
  readonly maxTracesPerSecond: number
  /** Deposit addresses that one client address may ask for in a second: each is kept, and told to all validators. */
  readonly maxAddressesPerSecond: number
  /** Subscriptions on one connection. */
  readonly maxSubscriptions: number
  /** Bytes that may wait for a slow WebSocket client before it is cut off. */
  readonly maxSocketBufferBytes: number
}

/** Geth's numbers where it has them. */
export const DEFAULT_LIMITS: RpcLimits = {
  // A raw transaction of 128 kB a hundred times over.
  maxBodyBytes: 15 * 1024 * 1024,
  maxBatch: 1_000,
  maxResponseChars: 32 * 1024 * 1024,
  maxLogBlocks: 10_000,
  maxLogResults: 10_000,
  gasCap: 50_000_000n,
  evmTimeoutMs: 5_000,
  maxConnections: 1_000,
  maxSockets: 200,
  maxConnectionRequests: 64,
  maxExecutions: 16,
  maxTracesPerSecond: 500,
  maxAddressesPerSecond: 100,
  maxSubscriptions: 100,
  maxSocketBufferBytes: 4 * 1024 * 1024,
}

/** Bodies of the greatest length that may be on their way at the same time: more bytes than that altogether are refused. */
export const MAX_BODIES = 16
/** Requests that wait for an execution, for each that runs. */
export const MAX_WAITING_FACTOR = 128
/** Claims of deposits that wait: one is looked for at a time, in up to a thousand Bitcoin blocks. */
export const MAX_WAITING_CLAIMS = 16
/** Requests of one batch that are answered at the same time. */
export const MAX_BATCH_AT_ONCE = 16
/** Client addresses whose rate is remembered. */
export const MAX_CLIENTS = 10_000
/** Addresses, and alternatives for one topic, in a filter. */
export const MAX_FILTER_ITEMS = 1_000
/** Blocks of one eth_feeHistory. */
export const MAX_FEE_HISTORY = 1_024
/** Slots of one eth_getStorageValues or eth_getProof. */
export const MAX_STORAGE_SLOTS = 1_024
/** Accounts, and slots of one account, that one call overrides. */
export const MAX_OVERRIDES = 1_024
/** Addresses and slots of one access list, and authorizations of one call. */
export const MAX_ACCESS_ITEMS = 4_096
/** Blocks and calls of one eth_simulateV1. */
export const MAX_SIMULATED_ITEMS = 1_024
/** Polling filters altogether; the one unused for longest goes first. */
export const MAX_FILTERS = 1_000
/** Results that wait for a polling client; it loses the oldest. */
export const MAX_WAITING_RESULTS = 10_000
/** A polling filter that nobody asks for ends after this, as in Geth. */
export const FILTER_LIFETIME_MS = 5 * 60_000
