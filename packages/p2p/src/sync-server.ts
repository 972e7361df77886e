import { MAX_BLOCK_BYTES, type StoredChain, type Transport } from '@hawser/chain'
import type { Hash32 } from '@hawser/primitives'
import { decodeHashRequest, decodeRangeRequest, encodeBlocks } from './block-messages.ts'

/** What blocks are served from. */
export type ServedChain = Pick<StoredChain, 'canonicalHash' | 'encodedBlock' | 'justification'>

/** Answers others' requests for blocks from the store; an answer is about as long as the longest block, whatever is asked. */
export function serveBlocks(transport: Pick<Transport, 'serve'>, store: ServedChain): () => void {
  const stops = [
    transport.serve('blocks-by-range', async (message) => {
      const { from, count } = decodeRangeRequest(message)
      return answerOf(canonical(store, from, count), store, true)
    }),
    transport.serve('blocks-by-hash', async (message) => answerOf(decodeHashRequest(message), store, false)),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}

function* canonical(store: ServedChain, from: bigint, count: number): Iterable<Hash32> {
  for (let number = from; number < from + BigInt(count); number++) {
    const hash = store.canonicalHash(number)
    if (!hash) return
    yield hash
  }
}

function answerOf(hashes: Iterable<Hash32>, store: ServedChain, withJustifications: boolean): Uint8Array {
  const blocks: [Uint8Array, Uint8Array][] = []
  let bytes = 0
  for (const hash of hashes) {
    const sealed = store.encodedBlock(hash)
    if (!sealed) continue
    const justification = withJustifications ? store.justification(hash) : undefined
    const entry: [Uint8Array, Uint8Array] = [sealed, justification ?? new Uint8Array()]
    bytes += entry[0].length + entry[1].length
    if (blocks.length > 0 && bytes > MAX_BLOCK_BYTES) break
    blocks.push(entry)
  }
  return encodeBlocks(blocks)
}
