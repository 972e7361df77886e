import { verifyInclusionProof, type Block, type InclusionProof } from '@hawser/bitcoin'
import type { EmbeddedChain } from '@hawser/bitcoin/embedded'
import type { BitcoinSource, BitcoinTip } from '@hawser/chain'
import { fromHex, type BtcHash } from '@hawser/primitives'
import { proofFromBlock } from '../scan-block.ts'

/** An embedded regtest chain as a BitcoinSource without a network; it can be switched off. */
export class FakeSource implements BitcoinSource {
  isDown = false
  readonly asked: BtcHash[] = []
  readonly #chain: EmbeddedChain

  constructor(chain: EmbeddedChain) {
    this.#chain = chain
  }

  async tip(): Promise<BitcoinTip> {
    this.#check()
    return { hash: this.#chain.tip.header.hash, height: this.#chain.height }
  }

  async headers(fromHeight: number, count: number): Promise<Uint8Array[]> {
    this.#check()
    return Array.from({ length: count }, (_, i) => this.#chain.atHeight(fromHeight + i)?.header.raw).filter(
      (raw) => raw !== undefined,
    )
  }

  async block(hash: BtcHash): Promise<Block> {
    this.#check()
    this.asked.push(hash)
    const block = this.#chain.block(hash)
    if (!block) throw new Error('no such block')
    return block
  }

  async transactionProof(txid: BtcHash, blockHash: BtcHash): Promise<InclusionProof> {
    this.#check()
    const block = this.#chain.block(blockHash)
    if (!block) throw new Error('no such block')
    const proof = proofFromBlock(
      block,
      block.txids.indexOf(txid),
      block.txids.map((id) => fromHex(id)),
    )
    verifyInclusionProof(proof)
    return proof
  }

  async broadcast(): Promise<'accepted'> {
    this.#check()
    return 'accepted'
  }

  async isInMempool(): Promise<boolean> {
    return false
  }

  async feeRate(): Promise<number> {
    this.#check()
    return 1
  }

  async *changes(signal: AbortSignal): AsyncGenerator<BitcoinTip> {
    let wake: () => void = () => undefined
    let last: BtcHash | undefined
    const stopListening = this.#chain.onTip(() => wake())
    signal.addEventListener('abort', () => wake(), { once: true })
    try {
      while (!signal.aborted) {
        const next = new Promise<void>((resolve) => (wake = resolve))
        const tip = await this.tip()
        if (tip.hash !== last) {
          last = tip.hash
          yield tip
        } else await next
      }
    } finally {
      stopListening()
    }
  }

  #check(): void {
    if (this.isDown) throw new Error('the source is down')
  }
}
