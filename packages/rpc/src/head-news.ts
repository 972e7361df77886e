import type { Block } from '@ethereumjs/block'
import type { HeadChange } from '@hawser/chain'
import type { Hash32 } from '@hawser/primitives'
import type { RpcBackend } from './backend.ts'
import { formatHeader, formatLog, placeLogs, type PlacedLog } from './format.ts'
import { matches, mayMatch, type LogFilter } from './log-filter.ts'

/** What a change of the head means to subscribers; each header and log is formed once, however many want it. */
export class HeadNews {
  readonly #backend: RpcBackend
  readonly #change: HeadChange
  readonly #blocks = new Map<Hash32, { readonly block: Block; readonly removed: boolean; logs?: FormedLog[] }>()
  #headers: ReturnType<typeof formatHeader>[] | undefined

  constructor(backend: RpcBackend, change: HeadChange) {
    this.#backend = backend
    this.#change = change
    const note = (hash: Hash32, removed: boolean) => {
      const sealed = backend.store.block(hash)
      if (sealed) this.#blocks.set(hash, { block: sealed.block, removed })
    }
    // Logs are taken back from the newest block down.
    for (const { hash } of [...change.removed].reverse()) note(hash, true)
    for (const { hash } of change.added) note(hash, false)
  }

  /** The headers of the blocks that the best chain has gained. */
  headers(): readonly ReturnType<typeof formatHeader>[] {
    this.#headers ??= this.#change.added.flatMap(({ hash }) => {
      const known = this.#blocks.get(hash)
      return known ? [formatHeader(known.block.header)] : []
    })
    return this.#headers
  }

  /** Matching logs: those of lost blocks with `removed`, then those of gained ones. */
  logs(filter: LogFilter): unknown[] {
    const found: unknown[] = []
    for (const [hash, known] of this.#blocks) {
      if (!mayMatch(filter, known.block.header.logsBloom)) continue
      known.logs ??= placeLogs(this.#backend.store.receipts(hash) ?? []).map((placed) => ({ placed }))
      for (const item of known.logs)
        if (matches(filter, item.placed.log))
          found.push((item.formed ??= formatLog(item.placed, known.block, known.removed)))
    }
    return found
  }
}

interface FormedLog {
  readonly placed: PlacedLog
  formed?: ReturnType<typeof formatLog>
}
