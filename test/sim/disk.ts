import type { Hash32 } from '@hawser/primitives'
import { NOTHING_SIGNED, type BlockRef, type Commit, type GuardState } from './cores.ts'

/** What lies on a node's disk. */
export interface DiskState {
  readonly records: Map<string, Uint8Array>
  readonly blocks: Set<Hash32>
  readonly canonical: Map<bigint, Hash32>
  /** Where each set took over. */
  readonly sets: Map<bigint, BlockRef>
  /** What proves each final block that this node made final by itself. */
  readonly justifications: Map<bigint, Commit>
  final: BlockRef
}

/** A disk that keeps what was synced; of the rest a crash leaves the first part, in the order of writing. */
export class Disk {
  state: DiskState
  /** In a file of its own, synced by itself: neither a crash nor a copy of yesterday's database takes it back. */
  guard: GuardState = NOTHING_SIGNED
  #unsynced: ((state: DiskState) => void)[] = []

  constructor(genesis: BlockRef) {
    this.state = {
      records: new Map(),
      blocks: new Set([genesis.hash]),
      canonical: new Map([[genesis.number, genesis.hash]]),
      sets: new Map(),
      justifications: new Map(),
      final: genesis,
    }
  }

  write(change: (state: DiskState) => void): void {
    this.#unsynced.push(change)
  }

  /** Writes that a crash may lose. */
  get unsynced(): number {
    return this.#unsynced.length
  }

  sync(): void {
    for (const change of this.#unsynced) change(this.state)
    this.#unsynced = []
  }

  /** Loses all writes since the last sync but a part of the first ones; `kept` in [0, 1]. */
  tear(kept: number): void {
    for (const change of this.#unsynced.slice(0, Math.floor(kept * (this.#unsynced.length + 1)))) change(this.state)
    this.#unsynced = []
  }

  copy(): DiskState {
    const { records, blocks, canonical, sets, justifications, final } = this.state
    return {
      records: new Map(records),
      blocks: new Set(blocks),
      canonical: new Map(canonical),
      sets: new Map(sets),
      justifications: new Map(justifications),
      final,
    }
  }
}
