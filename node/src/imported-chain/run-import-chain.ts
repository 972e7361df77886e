import { createLogger } from '@hawser/primitives/node'
import { RpcServer } from '@hawser/rpc'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ImportedChain } from './imported-chain.ts'
import { importedChainBackend } from './rpc-backend.ts'

export interface ImportChainOptions {
  readonly genesisFile: string
  readonly chainFile: string
  /** Where the chain is kept; a temporary folder, removed at the end, when it is not given. */
  readonly dataDir?: string
  /** Serves JSON-RPC on 127.0.0.1 there until SIGINT or SIGTERM; 0 takes a free port. */
  readonly httpPort?: number
  /** Called once the blocks are in, with the port that is served. */
  readonly onReady: (result: ImportChainResult) => void
}

export interface ImportChainResult {
  readonly imported: number
  readonly head: { readonly number: bigint; readonly hash: string }
  readonly rpcPort: number | undefined
}

/** Imports a plain Ethereum chain from a file and serves it. @throws FILE_UNREADABLE, GENESIS_INVALID, CHAIN_FILE_INVALID, STORAGE_*, RPC_PORT_TAKEN */
export async function runImportChain(options: ImportChainOptions): Promise<void> {
  const logger = createLogger({ level: 'info', destination: 2 })
  const temporary = options.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'hawser-import-')) : undefined
  const folder = options.dataDir ?? (temporary as string)
  try {
    const chain = await ImportedChain.open(options.genesisFile, join(folder, 'chain'), logger)
    try {
      const imported = await chain.importFile(options.chainFile)
      const rpc =
        options.httpPort === undefined
          ? undefined
          : await RpcServer.start(importedChainBackend(chain, logger), { host: '127.0.0.1', port: options.httpPort })
      try {
        options.onReady({ imported, head: chain.store.pointers().head, rpcPort: rpc?.port })
        if (rpc)
          await new Promise<void>((resolve) => {
            process.once('SIGTERM', resolve)
            process.once('SIGINT', resolve)
          })
      } finally {
        await rpc?.stop()
      }
    } finally {
      await chain.close()
    }
  } finally {
    if (temporary) await rm(temporary, { recursive: true, force: true })
  }
}
