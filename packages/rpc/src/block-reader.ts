import type { BlockHeader } from '@ethereumjs/block'
import { blockHash, type SealedBlock } from '@hawser/chain'
import type { RpcBackend } from './backend.ts'
import { invalidParams, RpcCode, RpcError } from './errors.ts'
import { readHash, readObject, readQuantity } from './params.ts'

const TAGS = ['latest', 'pending', 'safe', 'finalized', 'earliest'] as const

/** Finds blocks by what callers name them: tag, number, hash or EIP-1898 object. */
export class BlockReader {
  readonly #backend: RpcBackend

  constructor(backend: RpcBackend) {
    this.#backend = backend
  }

  /** The number that a tag or quantity stands for; `pending` is the best block: nothing is executed ahead of it. */
  number(parameter: unknown): bigint {
    const { head, finalized } = this.#backend.store.pointers()
    if (typeof parameter === 'string' && (TAGS as readonly string[]).includes(parameter)) {
      if (parameter === 'earliest') return 0n
      return parameter === 'safe' || parameter === 'finalized' ? finalized.number : head.number
    }
    return readQuantity(parameter, 'block number or tag')
  }

  /** The block, or undefined where there is none. */
  find(parameter: unknown): SealedBlock | undefined {
    const { store } = this.#backend
    if (typeof parameter === 'object' && parameter !== null) {
      const named = readObject(parameter, 'block')
      if (named['blockHash'] !== undefined) {
        const sealed = store.block(readHash(named['blockHash'], 'blockHash'))
        if (named['requireCanonical'] === true && sealed && !this.isCanonical(sealed.block))
          throw invalidParams('hash is not currently canonical')
        return sealed
      }
      return this.#byNumber(named['blockNumber'])
    }
    if (typeof parameter === 'string' && /^0x[0-9a-fA-F]{64}$/.test(parameter)) return store.block(readHash(parameter))
    // The most frequent ones need no look into the database.
    if (parameter === 'latest' || parameter === 'pending') return store.block(store.pointers().head.hash)
    return this.#byNumber(parameter)
  }

  #byNumber(parameter: unknown): SealedBlock | undefined {
    const { store } = this.#backend
    const hash = store.canonicalHash(this.number(parameter))
    return hash && store.block(hash)
  }

  /** The block. @throws -32000 when there is none */
  block(parameter: unknown): SealedBlock['block'] {
    const sealed = this.find(parameter)
    if (!sealed) throw new RpcError(RpcCode.server, `block ${describe(parameter)} not found`)
    return sealed.block
  }

  /** The header of a block that state is read at; `latest` when nothing is given. @throws -32000 when there is none */
  header(parameter: unknown): BlockHeader {
    const sealed = this.find(parameter ?? 'latest')
    if (!sealed) throw new RpcError(RpcCode.server, 'header not found')
    return sealed.block.header
  }

  isCanonical(block: SealedBlock['block']): boolean {
    return this.#backend.store.canonicalHash(block.header.number) === blockHash(block)
  }
}

function describe(parameter: unknown): string {
  return typeof parameter === 'string' ? parameter.slice(0, 80) : JSON.stringify(parameter)?.slice(0, 200)
}
