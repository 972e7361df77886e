import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import type { PeerId } from '@hawser/chain'
import { messageOf, type Logger } from '@hawser/primitives'
import { peerIn } from './peer-address.ts'
import { MAX_BOOK, type KnownAddress } from './peer-book.ts'

/** A full book and all its bans take about half of that. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/** What a node remembers of others over a restart. */
export interface KeptPeers {
  readonly peers: readonly KnownAddress[]
  /** Peer ids, and until when they are banned (Unix milliseconds). */
  readonly bans: readonly (readonly [PeerId, number])[]
}

/** Reads the peer file. One that cannot be read is as good as none: bootnodes and other peers tell anew. */
export function readPeerFile(file: string, logger: Logger): KeptPeers {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Error(`it is longer than ${MAX_FILE_BYTES} bytes`)
    const { peers, bans } = JSON.parse(readFileSync(file, 'utf8')) as { peers: unknown; bans: unknown }
    if (!Array.isArray(peers) || !Array.isArray(bans)) throw new Error('not { peers, bans }')
    return {
      peers: (peers as unknown[]).slice(0, MAX_BOOK).filter(isKnownAddress),
      bans: (bans as unknown[]).filter(isBan),
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOENT')
      logger.warn({ file, err: messageOf(error) }, 'the peer file cannot be read; peers are found anew')
    return { peers: [], bans: [] }
  }
}

/** Writes the peer file, whole or not at all. */
export function writePeerFile(file: string, kept: KeptPeers): void {
  writeFileSync(`${file}.new`, JSON.stringify(kept), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

function isKnownAddress(value: unknown): value is KnownAddress {
  const { id, addresses, seenMs } = (value ?? {}) as Record<string, unknown>
  return (
    typeof id === 'string' &&
    Array.isArray(addresses) &&
    addresses.every((address) => typeof address === 'string' && peerIn(address) === id) &&
    Number.isSafeInteger(seenMs)
  )
}

function isBan(value: unknown): value is readonly [PeerId, number] {
  return Array.isArray(value) && typeof value[0] === 'string' && Number.isSafeInteger(value[1])
}
