import {
  createBlob4844TxFromSerializedNetworkWrapper,
  createMinimal4844TxFromNetworkWrapper,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { createBlockFromRLP, type Block, type BlockHeader } from '@ethereumjs/block'

import {
  blockHash,
  blockRef,
  decodeTransaction,
  readHeaderFields,
  senderOf,
  StoredChain,
  TransactionPool,
  type SealedBlock,
} from '@hawser/chain'
import {
  buildEthereumGenesis,
  EthereumEngine,
  EthereumForks,
  MAX_GENESIS_BYTES,
  parseGethGenesis,
  type GethGenesis,
} from '@hawser/execution'
import { AppError, decodeRlp, messageOf, toHex, type Address, type Hash32, type Logger } from '@hawser/primitives'
import { claimDatabase, LevelStore } from '@hawser/storage'
import { readFileSync, statSync } from 'node:fs'
import type { NodeError } from '../errors.ts'
import { readRlpItems } from './block-file.ts'

/** Blocks between two lines of progress. */
const PROGRESS_BLOCKS = 1_000
/** Blocks that become final in one batch: each of these waits for the disk. */
const FINALIZED_TOGETHER = 64

/** A plain Ethereum chain in a store of its own, executed by Hawser's executor: what `hawser import-chain` serves. */
export class ImportedChain {
  readonly genesis: GethGenesis
  readonly forks: EthereumForks
  readonly store: StoredChain
  readonly engine: EthereumEngine
  /** Transactions that were sent to it; nobody mines them. */
  readonly pool = new TransactionPool({ sessionKeys: [], minFeePerGas: 1n })
  readonly #db: LevelStore
  readonly #logger: Logger

  private constructor(
    parts: Pick<ImportedChain, 'genesis' | 'forks' | 'store' | 'engine'>,
    db: LevelStore,
    logger: Logger,
  ) {
    this.genesis = parts.genesis
    this.forks = parts.forks
    this.store = parts.store
    this.engine = parts.engine
    this.#db = db
    this.#logger = logger
  }

  /** Opens the chain of a Geth genesis file in a folder. @throws FILE_UNREADABLE, GENESIS_INVALID, STORAGE_FOREIGN, STORAGE_LOCKED */
  static async open(genesisFile: string, folder: string, logger: Logger): Promise<ImportedChain> {
    const genesis = parseGethGenesis(readText(genesisFile))
    const forks = new EthereumForks(genesis.config)
    const { block, state } = await buildEthereumGenesis(genesis, forks.commonAt)
    const db = await LevelStore.open(folder)
    try {
      await claimDatabase(db, blockHash(block), folder)
      const store = await StoredChain.open(db, forks.commonAt, { sealed: { block, seal: new Uint8Array() }, state })
      const engine = new EthereumEngine({
        store: db,
        headerOf: (hash) => store.header(hash),
        commonAt: forks.commonAt,
        depositContract: genesis.config.depositContractAddress as Address | undefined,
      })
      return new ImportedChain({ genesis, forks, store, engine }, db, logger)
    } catch (error) {
      await db.close()
      throw error
    }
  }

  /** Imports the blocks of a file, on from where the chain stands. @throws CHAIN_FILE_INVALID, BLOCK_BAD_EXECUTION with the block's number */
  async importFile(file: string): Promise<number> {
    let imported = 0
    for await (const item of readRlpItems(file)) {
      const block = this.#decode(item)
      if (this.store.canonicalHash(block.header.number) === blockHash(block)) continue
      await this.#import(block)
      imported++
      if (imported % FINALIZED_TOGETHER === 0) await this.#finalize()
      if (imported % PROGRESS_BLOCKS === 0) this.#logger.info({ block: Number(block.header.number) }, 'importing')
    }
    await this.#finalize()
    return imported
  }

  head(): BlockHeader {
    return (this.store.block(this.store.pointers().head.hash) as SealedBlock).block.header
  }

  /** A transaction in the form that it is sent in: with its blobs, when it has some, which are checked. */
  decodeTransaction(bytes: Uint8Array): TypedTransaction {
    const { common } = this.head()
    if (bytes[0] !== 3) return decodeTransaction(bytes, common)
    try {
      return createMinimal4844TxFromNetworkWrapper(createBlob4844TxFromSerializedNetworkWrapper(bytes, { common }), {
        common,
      })
    } catch (cause) {
      throw new AppError(
        { code: 'TX_MALFORMED', fault: 'user' },
        `the raw transaction is malformed: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  async submit(tx: TypedTransaction): Promise<Hash32> {
    const head = this.head()
    const account = await this.engine.stateAt(head).account(senderOf(tx))
    return this.pool.add(tx, { nonce: account?.nonce ?? 0n, balance: account?.balance ?? 0n }, head.gasLimit)
  }

  close(): Promise<void> {
    return this.#db.close()
  }

  #decode(bytes: Uint8Array): Block {
    try {
      const common = this.forks.commonAt(readHeaderFields(decodeRlp(bytes)))
      return createBlockFromRLP(bytes, { common, setHardfork: false })
    } catch (cause) {
      throw new AppError<NodeError>(
        { code: 'CHAIN_FILE_INVALID', fault: 'user' },
        `the chain file holds a malformed block: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  async #import(block: Block): Promise<void> {
    const parent = this.head()
    const ref = blockRef(block)
    try {
      const { receipts, state } = await this.engine.execute(parent, block)
      await this.store.commit({
        block: { sealed: { block, seal: new Uint8Array() }, receipts, state },
        head: { ref, added: [ref], removed: [] },
      })
    } catch (cause) {
      throw new AppError<NodeError>(
        { code: 'CHAIN_FILE_INVALID', fault: 'user' },
        `block ${ref.number} ${ref.hash} on top of ${toHex(parent.hash())} cannot be imported: ${messageOf(cause)}`,
        { cause },
      )
    }
  }

  /** What a trusted file holds is final. */
  async #finalize(): Promise<void> {
    const path = this.store.unfinalized()
    const ref = path.at(-1)
    if (ref) await this.store.commit({ finalized: { ref, pruned: [], state: this.engine.finalize(path, []) } })
  }
}

function readText(file: string): string {
  try {
    if (statSync(file).size > MAX_GENESIS_BYTES) throw new Error(`it is longer than ${MAX_GENESIS_BYTES} bytes`)
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new AppError<NodeError>(
      { code: 'FILE_UNREADABLE', fault: 'user' },
      `the genesis file ${file} cannot be read: ${messageOf(cause)}`,
      { cause },
    )
  }
}
