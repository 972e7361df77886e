import type { BlockHeader } from '@ethereumjs/block'
import type { BlockRef, ChainStore } from '@hawser/chain'
import { toHex, type Hash32 } from '@hawser/primitives'
import { RpcCode, RpcError } from './errors.ts'
import { Turns } from './turns.ts'

/** Headers of one answer; justifications stand closer together than that. */
export const MAX_PROOF_HEADERS = 1_024

/** What shows a stranger that a block is final. */
export interface FinalityProof {
  readonly block: BlockRef
  /** The first final block at or above it that has a justification. */
  readonly justified: BlockRef
  readonly justification: Uint8Array
  /** RLP of the headers from the block up to the justified one, both counted: each one's parent is the one before. */
  readonly headers: readonly Uint8Array[]
}

/** The nearest justification at or above a final block, with the headers between. @throws -32000 when the block is not final; its data says why: not-final or other-block */
export async function finalityProof(store: ChainStore, header: BlockHeader): Promise<FinalityProof> {
  const { finalized } = store.pointers()
  const block = { number: header.number, hash: toHex(header.hash()) as Hash32 }
  if (block.number > finalized.number)
    throw new RpcError(
      RpcCode.server,
      `block ${block.number} is not final yet; the last final block is ${finalized.number}`,
      { reason: 'not-final' },
    )
  if (store.canonicalHash(block.number) !== block.hash)
    throw new RpcError(
      RpcCode.server,
      `block ${block.hash} is on no final chain; block ${block.number} is another one`,
      { reason: 'other-block' },
    )
  const headers: Uint8Array[] = []
  const turns = new Turns()
  for (let number = block.number; number <= finalized.number && headers.length < MAX_PROOF_HEADERS; number++) {
    await turns.next()
    const hash = store.canonicalHash(number)
    const sealed = hash && store.block(hash)
    if (!sealed) break
    headers.push(sealed.block.header.serialize())
    const justification = store.justification(hash)
    if (justification) return { block, justified: { number, hash }, justification, headers }
  }
  throw new RpcError(
    RpcCode.resourceNotFound,
    `no justification is kept within ${MAX_PROOF_HEADERS} blocks above block ${block.number}`,
  )
}
