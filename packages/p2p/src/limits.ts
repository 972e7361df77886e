import { MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES, type Protocol, type Topic } from '@hawser/chain'
import type { Rate } from './token-bucket.ts'

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

/** Leaves of a state in one answer, in bytes, about: a node that reads them does nothing else meanwhile, so some hundred accounts. */
export const MAX_STATE_BYTES = 64 * 1024

/** A commit of 1,024 voters who all voted twice, and the headers that link their targets (consensus/src/codec.ts). */
const MAX_JUSTIFICATION_BYTES = 256 * 1024 + 1024 * (1024 + 8)

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
  justification: { request: 8, response: MAX_JUSTIFICATION_BYTES },
  handovers: { request: 8, response: 4 * 1024 * 1024 + 1024 },
  signing: { request: 512 * 1024, response: 512 * 1024 },
  peers: { request: 1, response: 6 * 1024 },
  // The leaves, one leaf at least, and the proof of two paths.
  'state-range': { request: 256, response: MAX_STATE_BYTES + 128 * 1024 },
  'state-code': { request: 64, response: 32 * 1024 },
}

/**
 * How often one peer may ask for a thing; what is beyond is refused and costs a little score. Each is several times what an honest
 * node in a hurry asks for.
 */
export const REQUEST_RATES: Readonly<Record<Protocol, Rate>> = {
  status: { burst: 30, perSecond: 5 },
  // An importer takes about 10 ranges of empty blocks a second.
  'blocks-by-range': { burst: 60, perSecond: 20 },
  'blocks-by-hash': { burst: 60, perSecond: 20 },
  // Gathered for 50 ms each, in parts of 64 KiB.
  transactions: { burst: 200, perSecond: 100 },
  'transaction-hashes': { burst: 200, perSecond: 100 },
  'pooled-transactions': { burst: 200, perSecond: 100 },
  neighbour: { burst: 100, perSecond: 20 },
  'catch-up': { burst: 20, perSecond: 2 },
  'missing-votes': { burst: 50, perSecond: 10 },
  // One of each epoch's end, while a node catches up with the sets.
  justification: { burst: 100, perSecond: 20 },
  // Pages of a chain of sets, while a node begins: up to 64 sets and 4 MiB each. Who follows thousands of sets paces itself.
  handovers: { burst: 8, perSecond: 2 },
  // One message for each input, rung and step of a batch.
  signing: { burst: 1_000, perSecond: 200 },
  peers: { burst: 5, perSecond: 0.2 },
  // Each contract costs a request for its storage and one for its code.
  'state-range': { burst: 500, perSecond: 100 },
  'state-code': { burst: 500, perSecond: 100 },
}

/** How many messages of a topic one peer may bring that nobody brought before. */
export const GOSSIP_RATES: Readonly<Record<Topic, Rate>> = {
  blocks: { burst: 100, perSecond: 20 },
  // Three votes a round of each of a hundred validators, and again after a partition.
  votes: { burst: 4_000, perSecond: 1_000 },
  commits: { burst: 200, perSecond: 50 },
  // Four offences of each of a hundred validators.
  evidence: { burst: 400, perSecond: 5 },
  'deposit-addresses': { burst: 200, perSecond: 20 },
}
/** Votes that one validator sends of its own. */
export const DIRECT_VOTE_RATE: Rate = { burst: 1_000, perSecond: 100 }
/** What a message beyond its rate costs. */
export const FLOOD_SCORE = -10
/** Addresses in one answer to peers. */
export const MAX_EXCHANGED = 32

/** How long an attempt to connect may take: several times around the world; those to whom nothing leads must not keep others waiting. */
export const DIAL_TIMEOUT_MS = 3_000
/** How long an answer may take. */
export const REQUEST_TIMEOUT_MS = 10_000
/** Requests of one protocol that one peer may have open here at the same time. */
export const MAX_STREAMS_PER_PEER = 16
/** Connections altogether, unless the operator says otherwise: 100 validators and some followers. */
export const DEFAULT_MAX_PEERS = 150
/** Connections that others may make from one IP address, unless the operator says otherwise; loopback is free of it. */
export const DEFAULT_MAX_PEERS_PER_IP = 8
/** A peer whose score falls to this is disconnected and refused for a while. */
export const BAN_SCORE = -1_000
export const BAN_MS = 10 * 60_000
/** Score that a peer cannot rise above: a good past does not pay for much. */
export const MAX_SCORE = 1_000
/** Blocks in one answer to blocks-by-range. */
export const MAX_RANGE_BLOCKS = 64
/** Hashes in one blocks-by-hash request. */
export const MAX_HASHES = 16
