import { AppError, fromHex, toHex, uintBE, type Hash32 } from '@hawser/primitives'
import type { StorageError } from './errors.ts'
import type { KeyValueStore } from './key-value-store.ts'

/** The layout that this version reads and writes; docs/schema.md lists it. */
export const SCHEMA_VERSION = 2

/** The first byte of every key: one keyspace for each kind of record. docs/schema.md describes the values. */
export const keyspace = {
  /** 'version' -> u16, 'genesis' -> 32 bytes */
  meta: 0x00,
  /** block hash 32 -> RLP sealed block */
  block: 0x01,
  /** block hash 32 -> RLP receipts */
  receipts: 0x02,
  /** number u64 -> canonical block hash 32 */
  canonical: 0x03,
  /** transaction hash 32 -> block hash 32 | index u32, of the canonical chain */
  transaction: 0x04,
  /** block hash 32 -> justification */
  justification: 0x05,
  /** 'head' | 'finalized' -> block hash 32 | number u64 */
  pointer: 0x06,
  /** node number u48 -> trie node */
  node: 0x07,
  /** GRANDPA's own records (consensus) */
  grandpa: 0x08,
  /** script 34 -> registered deposit address (bridge) */
  depositAddress: 0x09,
  /** the deposit watcher's and the signer's own records (bridge) */
  bridge: 0x0a,
  /** parent number u64 | block hash 32 -> empty: blocks above the last finalised one */
  unfinalized: 0x0b,
  /** code hash 32 -> contract code */
  code: 0x0c,
  /** keccak256(address) 32 -> the account's RLP in the last final state */
  flatAccount: 0x0d,
  /** keccak256(address) 32 | keccak256(slot) 32 -> the word in the last final state, without leading zeros */
  flatStorage: 0x0e,
  /** block hash 32 -> what the block changed of the state: blocks above the last final one */
  stateDiff: 0x0f,
  /** block hash 32 (zero for block 0) -> state root 32 | number u64 of its root node, 0 for the empty trie */
  stateRoot: 0x10,
  /** number u64 -> parent's hash 32, numbers u64 of the nodes that the final block replaced */
  deaths: 0x11,
  /** 'final' -> hash 32 of the block whose state is flat; 'oldest' -> number u64 of the oldest block with a state; 'import' -> how far a state has come in */
  stateMeta: 0x12,
  /** offender, kind and place in ASCII -> evidence (consensus) */
  evidence: 0x13,
} as const

/** A key: the keyspace's byte, then the parts. */
export function keyIn(space: number, ...parts: readonly Uint8Array[]): Uint8Array {
  let length = 1
  for (const part of parts) length += part.length
  const key = new Uint8Array(length)
  key[0] = space
  let offset = 1
  for (const part of parts) {
    key.set(part, offset)
    offset += part.length
  }
  return key
}

const text = new TextEncoder()
const VERSION_KEY = keyIn(keyspace.meta, text.encode('version'))
const GENESIS_KEY = keyIn(keyspace.meta, text.encode('genesis'))

/**
 * Claims an empty database for a chain, or checks that it belongs to it.
 * @throws STORAGE_FOREIGN when it holds another chain
 * @throws STORAGE_SCHEMA_UNKNOWN when a newer version wrote it
 */
export async function claimDatabase(store: KeyValueStore, genesisHash: Hash32, where: string): Promise<void> {
  const version = store.get(VERSION_KEY)
  if (version === undefined) {
    await store.write(
      [
        { key: VERSION_KEY, value: uintBE(SCHEMA_VERSION, 2) },
        { key: GENESIS_KEY, value: fromHex(genesisHash) },
      ],
      { sync: true },
    )
    return
  }
  const found = Number(BigInt(toHex(version)))
  if (found !== SCHEMA_VERSION)
    throw new AppError<StorageError>(
      { code: 'STORAGE_SCHEMA_UNKNOWN', fault: 'user' },
      `the database ${where} has schema version ${found}, this node reads version ${SCHEMA_VERSION}; use a node of the right version or another data folder`,
    )
  const genesis = toHex(store.get(GENESIS_KEY) ?? new Uint8Array())
  if (genesis !== genesisHash)
    throw new AppError<StorageError>(
      { code: 'STORAGE_FOREIGN', fault: 'user' },
      `the database ${where} belongs to the chain with genesis ${genesis}, not to ${genesisHash}; choose another data folder or the right chain spec`,
    )
}
