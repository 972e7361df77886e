import type { BlockHeader } from '@ethereumjs/block'
import type { Hash32 } from '@hawser/primitives'
import type { SealedBlock } from './block-types.ts'

/** Blocks kept decoded: the unfinalised ones and what RPC clients ask for again and again. */
const MAX_BLOCKS = 512
/** Transactions of all of them, at some 2 kB each: full blocks would be a gigabyte otherwise. */
const MAX_TRANSACTIONS = 16_384
/** Headers kept without their bodies, at some 2 kB each: BLOCKHASH and finality walk back along them. */
const MAX_HEADERS = 2_048

/** The blocks and headers that were decoded last; the oldest go first, and one block stays however large it is. */
export class BlockCache {
  readonly #blocks = new Map<Hash32, SealedBlock>()
  readonly #headers = new Map<Hash32, BlockHeader>()
  #transactions = 0

  block(hash: Hash32): SealedBlock | undefined {
    return this.#blocks.get(hash)
  }

  header(hash: Hash32): BlockHeader | undefined {
    return this.#headers.get(hash)
  }

  addBlock(hash: Hash32, sealed: SealedBlock): void {
    this.addHeader(hash, sealed.block.header)
    if (this.#blocks.has(hash)) return
    this.#blocks.set(hash, sealed)
    this.#transactions += sealed.block.transactions.length
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= MAX_BLOCKS && this.#transactions <= MAX_TRANSACTIONS) break
      if (this.#blocks.size === 1) break
      this.#forgetBody(oldest)
    }
  }

  addHeader(hash: Hash32, header: BlockHeader): void {
    this.#headers.set(hash, header)
    const oldest = this.#headers.keys().next()
    if (this.#headers.size > MAX_HEADERS && !oldest.done) this.#headers.delete(oldest.value)
  }

  /** The block is no longer there. */
  delete(hash: Hash32): void {
    this.#headers.delete(hash)
    this.#forgetBody(hash)
  }

  #forgetBody(hash: Hash32): void {
    const sealed = this.#blocks.get(hash)
    if (!sealed) return
    this.#blocks.delete(hash)
    this.#transactions -= sealed.block.transactions.length
  }
}
