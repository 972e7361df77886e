import {
  encodeSealedBlock,
  headerFromParent,
  type BlockImporter,
  type ChainSpec,
  type ChainStore,
  type ExecutionEngine,
  type Inherents,
  type Signer,
  type TransactionPool,
  type Transport,
} from '@hawser/chain'
import type { AuthorTask } from '@hawser/consensus'
import { invariant, messageOf, spawn, toHex, type Hash32, type Logger } from '@hawser/primitives'

export interface BlockProducerParts {
  readonly spec: ChainSpec
  readonly store: ChainStore
  readonly engine: ExecutionEngine
  readonly importer: BlockImporter
  readonly pool: TransactionPool
  readonly inherents: Inherents
  readonly transport: Transport
  readonly signer: Signer
  readonly logger: Logger
}

/** Makes the block of a slot: builds it on the parent, seals it, imports it like any other, and tells the peers. */
export async function produceBlock(
  parts: BlockProducerParts,
  { slot, parent, deadlineMs, signal }: AuthorTask,
): Promise<void> {
  const { spec, store, engine, importer, pool, inherents, transport, signer, logger } = parts
  const header = store.block(parent.hash)?.block.header
  invariant(header, 'the block to build on is stored')
  const { block, executed, dropped } = await engine.build(
    header,
    {
      slot,
      author: signer.address,
      inherents: await inherents.inherents(parent, { signal }),
      transactions: pool.ready(headerFromParent(spec, header, slot).baseFeePerGas),
      deadlineMs,
      sign: signer,
    },
    { signal },
  )
  for (const hash of dropped) pool.drop(hash)
  const hash = toHex(block.hash()) as Hash32
  const sealed = { block, seal: await signer.sign({ kind: 'seal', slot, blockHash: hash }) }
  await importer.import(sealed, 'own', executed)
  spawn(
    () => transport.publish('blocks', encodeSealedBlock(sealed)),
    (error) => logger.warn({ err: messageOf(error) }, 'a block could not be published'),
  )
}
