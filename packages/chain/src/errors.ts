/** What this room's errors say. Fault drives the peer score, retry the back-off. */
export type ChainError =
  /** The chain spec file breaks a rule; the message names the field. */
  | { code: 'SPEC_INVALID'; fault: 'user' }
  /** The bytes are no sealed block, or too many. */
  | { code: 'BLOCK_MALFORMED'; fault: 'peer' }
  /** The parent is not here yet; sync, then retry. */
  | { code: 'BLOCK_UNKNOWN_PARENT'; fault: 'peer'; retry: true }
  /** The block does not descend from the last final block. */
  | { code: 'BLOCK_BESIDE_FINAL'; fault: 'peer' }
  /** The block is, or stands on, another one than the block of its number that custody on Bitcoin names as final. */
  | { code: 'BLOCK_BESIDE_CHECKPOINT'; fault: 'peer' }
  /** A header field is not what the parent demands. */
  | { code: 'BLOCK_BAD_HEADER'; fault: 'peer' }
  /** The seal is not the slot author's. */
  | { code: 'BLOCK_BAD_SEAL'; fault: 'peer' }
  /** Transactions, inherents or roots of the body are wrong. */
  | { code: 'BLOCK_BAD_BODY'; fault: 'peer' }
  /** Execution gave another result than the header says. */
  | { code: 'BLOCK_BAD_EXECUTION'; fault: 'peer' }
  /** The import queue is full; retry later. */
  | { code: 'IMPORT_BUSY'; fault: 'local'; retry: true }
  /** The raw transaction cannot be decoded or has a type that the chain refuses. */
  | { code: 'TX_MALFORMED'; fault: 'user' }
  /** The signature is not valid, or made for another chain. */
  | { code: 'TX_BAD_SIGNATURE'; fault: 'user' }
  | { code: 'TX_WRONG_CHAIN'; fault: 'user' }
  | { code: 'TX_KNOWN'; fault: 'user' }
  | { code: 'TX_NONCE_TOO_LOW'; fault: 'user' }
  | { code: 'TX_NONCE_TOO_HIGH'; fault: 'user' }
  | { code: 'TX_INSUFFICIENT_FUNDS'; fault: 'user' }
  | { code: 'TX_UNDERPRICED'; fault: 'user' }
  | { code: 'TX_REPLACEMENT_UNDERPRICED'; fault: 'user' }
  | { code: 'TX_GAS_TOO_HIGH'; fault: 'user' }
  | { code: 'TX_GAS_TOO_LOW'; fault: 'user' }
  /** An account with a delegation, pending or done, has its one transaction in the pool (EIP-7702). */
  | { code: 'TX_DELEGATED_LIMIT'; fault: 'user' }
  /** A session key's address sends no paid transactions (protocol.md section 2). */
  | { code: 'TX_FROM_SESSION_KEY'; fault: 'user' }
  | { code: 'POOL_FULL'; fault: 'local'; retry: true }
