/** The longest HTTP body or WebSocket message, in bytes: a raw transaction of 128 kB a hundred times over is more than enough. */
export const MAX_BODY_BYTES = 15 * 1024 * 1024
/** Requests in one batch. */
export const MAX_BATCH = 1_000
/** Characters of one answer, a batch's altogether: what comes after that is refused. */
export const MAX_RESPONSE_CHARS = 32 * 1024 * 1024
/** Blocks that one eth_getLogs looks at. */
export const MAX_LOG_BLOCKS = 10_000n
/** Logs that one answer holds. */
export const MAX_LOG_RESULTS = 10_000
/** Addresses, and alternatives for one topic, in a filter. */
export const MAX_FILTER_ITEMS = 1_000
/** Blocks of one eth_feeHistory. */
export const MAX_FEE_HISTORY = 1_024
/** WebSocket connections at the same time. */
export const MAX_SOCKETS = 200
/** Subscriptions on one connection. */
export const MAX_SUBSCRIPTIONS = 100
/** Requests of one WebSocket that are answered at the same time. */
export const MAX_SOCKET_REQUESTS = 64
/** Bytes that may wait for a slow WebSocket client before it is cut off. */
export const MAX_SOCKET_BUFFER_BYTES = 16 * 1024 * 1024
/** Polling filters altogether; the one unused for longest goes first. */
export const MAX_FILTERS = 1_000
/** A polling filter that nobody asks for ends after this, as in Geth. */
export const FILTER_LIFETIME_MS = 5 * 60_000
