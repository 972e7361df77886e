import './polyfill.ts'

export { Libp2pTransport, peerIdOf, protocolId, type TransportParts } from './libp2p-transport.ts'
export { serveBlocks } from './sync-server.ts'
export { SyncService, type SyncParts, type SyncTransport } from './sync-service.ts'
export { TransactionGossip, type TransactionGossipParts } from './transaction-gossip.ts'
export { identityDigest, type StatusMessage } from './status-message.ts'
export { BAN_SCORE, MAX_GOSSIP_BYTES, MAX_MESSAGE_BYTES } from './limits.ts'
export type { P2pError } from './errors.ts'
