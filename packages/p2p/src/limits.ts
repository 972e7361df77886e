import { MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES, type Protocol, type Topic } from '@hawser/chain'

/** The longest message of each topic, in bytes. Larger blocks are announced by nobody and fetched by hash. */
export const MAX_GOSSIP_BYTES: Readonly<Record<Topic, number>> = {
  blocks: 1024 * 1024,
  votes: 512,
  commits: 256 * 1024,
  evidence: 4096,
  'deposit-addresses': 256,
}

/** Transactions in one message, in bytes; one that is larger goes alone. */
export const MAX_BATCH_BYTES = 64 * 1024
/** Transactions in one message: more than fit when they are real ones, far fewer than single bytes would. */
export const MAX_PUSHED = 1_024
/** Hashes in one announcement. */
export const MAX_ANNOUNCED = 1_024
/** Hashes in one request for transactions. */
export const MAX_FETCHED = 256

/** The longest request and response of each protocol, in bytes. */
export const MAX_MESSAGE_BYTES: Readonly<Record<Protocol, { readonly request: number; readonly response: number }>> = {
  status: { request: 512, response: 512 },
  'blocks-by-range': { request: 64, response: 2 * MAX_BLOCK_BYTES },
  'blocks-by-hash': { request: 1024, response: 2 * MAX_BLOCK_BYTES },
  transactions: { request: MAX_BATCH_BYTES + MAX_TRANSACTION_BYTES + 1024, response: 1 },
  'transaction-hashes': { request: 48 * MAX_ANNOUNCED + 16, response: 1 },
  'pooled-transactions': { request: 34 * MAX_FETCHED + 16, response: MAX_BATCH_BYTES + MAX_TRANSACTION_BYTES + 1024 },
  neighbour: { request: 4096, response: 4096 },
  'catch-up': { request: 512, response: 512 * 1024 },
  'missing-votes': { request: 4096, response: 256 * 1024 },
  justification: { request: 8, response: 512 * 1024 },
  signing: { request: 512 * 1024, response: 512 * 1024 },
}

/** How long an answer may take. */
export const REQUEST_TIMEOUT_MS = 10_000
/** Requests of one protocol that one peer may have open here at the same time. */
export const MAX_STREAMS_PER_PEER = 16
/** Connections altogether: 100 validators and some followers. */
export const MAX_CONNECTIONS = 150
/** A peer whose score falls to this is disconnected and refused for a while. */
export const BAN_SCORE = -1_000
export const BAN_MS = 10 * 60_000
/** Score that a peer cannot rise above: a good past does not pay for much. */
export const MAX_SCORE = 1_000
/** Blocks in one answer to blocks-by-range. */
export const MAX_RANGE_BLOCKS = 64
/** Hashes in one blocks-by-hash request. */
export const MAX_HASHES = 16
