/** What this room's errors say. */
export type NodeError =
  /** The configuration file breaks a rule; the message names the field. */
  | { code: 'CONFIG_INVALID'; fault: 'user' }
  /** A file that the configuration names cannot be read. */
  | { code: 'FILE_UNREADABLE'; fault: 'user' }
  /** A key file is malformed, or the password does not open it. */
  | { code: 'KEY_INVALID'; fault: 'user' }
  /** The node's bitcoin key is none of the validators'. */
  | { code: 'KEY_NOT_VALIDATOR'; fault: 'user' }
  /** A bitcoind is needed and none is found, or it does not start. */
  | { code: 'BITCOIND_MISSING'; fault: 'user' }
  /** The Bitcoin node does not answer, or is on another network. */
  | { code: 'L1_UNREACHABLE'; fault: 'user'; retry: true }
  | { code: 'L1_WRONG_NETWORK'; fault: 'user' }
  /** A process of the devnet ended when it should not. */
  | { code: 'DEVNET_PROCESS_DIED'; fault: 'local' }
  /** The devnet did not become ready in time. */
  | { code: 'DEVNET_NOT_READY'; fault: 'local' }
  /** The data folder holds something that is no devnet of this version. */
  | { code: 'DATA_FOLDER_INVALID'; fault: 'user' }
  /** A file of blocks that is cut off, malformed, or holds a block that execution refuses. */
  | { code: 'CHAIN_FILE_INVALID'; fault: 'user' }
  /** The address for metrics and health is taken or malformed. */
  | { code: 'METRICS_PORT_TAKEN'; fault: 'user' }
  /** A state sync was begun in this folder and is not complete. */
  | { code: 'SYNC_UNFINISHED'; fault: 'user' }
  /** A peer's proof of a change of validators is false. */
  | { code: 'HANDOVER_INVALID'; fault: 'peer' }
  /** A proof is by another set of validators than the one that was followed to; it is asked for again. */
  | { code: 'SET_NOT_KNOWN'; fault: 'local'; retry: true }
