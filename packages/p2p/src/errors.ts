/** What this room's errors say. */
export type P2pError =
  /** No connection to the peer could be made or kept; retry with another, or later. */
  | { code: 'PEER_UNREACHABLE'; fault: 'peer'; retry: true }
  /** The peer did not answer in time. */
  | { code: 'PEER_TIMEOUT'; fault: 'peer'; retry: true }
  /** The peer answered that it will not serve the request; its words are in the message. */
  | { code: 'PEER_REFUSED'; fault: 'peer'; retry: true }
  /** The message is longer than the protocol allows, or not what it must be. */
  | { code: 'MESSAGE_MALFORMED'; fault: 'peer' }
  /** The peer is on another chain. */
  | { code: 'PEER_FOREIGN'; fault: 'peer' }
  /** No connected peer keeps the state that is wanted; retry with a younger block, or with other peers. */
  | { code: 'STATE_UNAVAILABLE'; fault: 'peer'; retry: true }
  /** The listen address is taken or not allowed. */
  | { code: 'LISTEN_FAILED'; fault: 'user' }
