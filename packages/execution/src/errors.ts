/** What this room's errors say. */
export type ExecutionError =
  /** The state of a block is not in the database: pruned, or never executed here. */
  | { code: 'STATE_MISSING'; fault: 'local' }
  /** Execution gave another result than the header says, or a transaction that cannot run stands in the block. */
  | { code: 'BLOCK_BAD_EXECUTION'; fault: 'peer' }
  /** A system call failed: the block cannot exist. */
  | { code: 'SYSTEM_CALL_FAILED'; fault: 'local' }
  /** A Geth genesis file that cannot be used. */
  | { code: 'GENESIS_INVALID'; fault: 'user' }
  /** A state that was fetched in parts does not come to its root: the database must be emptied and filled anew. */
  | { code: 'STATE_IMPORT_INVALID'; fault: 'local' }
  /** The import is finished, or another one was opened on the database: nothing of what still came was kept. */
  | { code: 'STATE_IMPORT_CLOSED'; fault: 'local' }
