/** What this room's errors say. */
export type StorageError =
  /** Another process has the database open; stop it, then retry. */
  | { code: 'STORAGE_LOCKED'; fault: 'user'; retry: true }
  /** The files are damaged or not a database; restore or resync. */
  | { code: 'STORAGE_CORRUPT'; fault: 'user' }
  /** The database belongs to another chain; choose another folder. */
  | { code: 'STORAGE_FOREIGN'; fault: 'user' }
  /** The database was written by a newer version; upgrade the node. */
  | { code: 'STORAGE_SCHEMA_UNKNOWN'; fault: 'user' }
