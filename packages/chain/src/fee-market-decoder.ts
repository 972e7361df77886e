import { FeeMarket1559Tx, paramsTx, TransactionType } from '@ethereumjs/tx'
import type { Common } from '@ethereumjs/common'
import { Address as EthereumAddress } from '@ethereumjs/util'
import { readUintBE } from '@hawser/primitives'

const ADDRESS_BYTES = 20
const EMPTY_LIST = 0xc0
/** EIP-2681: a nonce stays below this. */
const MAX_NONCE = (1n << 64n) - 1n
/** Beyond it, gas times price might not fit into a word; nobody pays so much. */
const MAX_PLAIN_FEE = 1n << 128n

/** The plain parts of a type 2 transaction, in the order of EIP-1559. */
interface Fields {
  readonly nonce: bigint
  readonly maxPriorityFeePerGas: bigint
  readonly maxFeePerGas: bigint
  readonly gasLimit: bigint
  readonly to: EthereumAddress
  readonly value: bigint
  readonly data: Uint8Array
  readonly v: bigint
  readonly r: bigint
  readonly s: bigint
}

/** What FeeMarket1559Tx's constructor makes of such fields, without the tests that they have passed. */
class PlainFeeMarketTx {
  readonly type = TransactionType.FeeMarketEIP1559
  readonly cache = {}
  readonly activeCapabilities = [1559, 2718, 2930]
  readonly common: Common
  readonly txOptions: object
  readonly to: EthereumAddress
  readonly nonce: bigint
  readonly gasLimit: bigint
  readonly value: bigint
  readonly data: Uint8Array
  readonly v: bigint
  readonly r: bigint
  readonly s: bigint
  readonly chainId: bigint
  readonly accessList: [] = []
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint

  constructor(fields: Fields, common: Common) {
    this.common = common
    this.txOptions = { common, freeze: false }
    this.to = fields.to
    this.nonce = fields.nonce
    this.gasLimit = fields.gasLimit
    this.value = fields.value
    this.data = fields.data
    this.v = fields.v
    this.r = fields.r
    this.s = fields.s
    this.chainId = common.chainId()
    this.maxFeePerGas = fields.maxFeePerGas
    this.maxPriorityFeePerGas = fields.maxPriorityFeePerGas
  }
}
Object.setPrototypeOf(PlainFeeMarketTx.prototype, FeeMarket1559Tx.prototype)

/**
 * Reads what nearly all transactions are straight from their bytes: type 2, signed, to an account, without an access list.
 * EthereumJS takes five times as long for them. undefined: it is none, or something is wrong with it, and EthereumJS decides.
 * The bytes are kept.
 * @see EIP-1559
 */
export function decodePlainFeeMarket(bytes: Uint8Array, common: Common, maxGas: bigint): FeeMarket1559Tx | undefined {
  const items = new FlatList(bytes, 1)
  const chainId = items.uint(8)
  const nonce = items.uint(8)
  const maxPriorityFeePerGas = items.uint(32)
  const maxFeePerGas = items.uint(32)
  const gasLimit = items.uint(8)
  const to = items.string()
  const value = items.uint(32)
  const data = items.string()
  items.emptyList()
  const v = items.uint(1)
  const r = items.uint(32)
  const s = items.uint(32)
  if (!items.complete || chainId !== common.chainId() || to.length !== ADDRESS_BYTES) return undefined
  if (nonce >= MAX_NONCE || gasLimit > maxGas || maxFeePerGas >= MAX_PLAIN_FEE || maxFeePerGas < maxPriorityFeePerGas)
    return undefined
  if (v > 1n || r === 0n || s === 0n || s > HALF_ORDER) return undefined
  if (!common.isActivatedEIP(1559)) return undefined
  common.updateParams(paramsTx)
  const address = new EthereumAddress(to)
  const fields: Fields = { nonce, maxPriorityFeePerGas, maxFeePerGas, gasLimit, to: address, value, data, v, r, s }
  return new PlainFeeMarketTx(fields, common) as unknown as FeeMarket1559Tx
}

/** Half of secp256k1's order: EIP-2 allows no greater s. */
export const HALF_ORDER = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/** The items of an RLP list that fills the rest of the bytes, one after the other; `complete` says whether all were as they must be. */
class FlatList {
  readonly #bytes: Uint8Array
  #at: number
  #good = true

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes
    const first = bytes[at] ?? 0
    const lengthBytes = first > 0xf7 ? first - 0xf7 : 0
    this.#at = at + 1 + lengthBytes
    this.#expect(first >= EMPTY_LIST && this.#at + this.#length(first, at, EMPTY_LIST) === bytes.length)
  }

  get complete(): boolean {
    return this.#good && this.#at === this.#bytes.length
  }

  /** A string in its only encoding. */
  string(): Uint8Array {
    const at = this.#at
    const first = this.#bytes[at] ?? EMPTY_LIST
    if (first < 0x80) return this.#take(at, 1)
    this.#expect(first < EMPTY_LIST)
    const length = this.#length(first, at, 0x80)
    const start = at + 1 + (first > 0xb7 ? first - 0xb7 : 0)
    this.#expect(length !== 1 || (this.#bytes[start] ?? 0) >= 0x80)
    return this.#take(start, length)
  }

  /** An unsigned integer without leading zeros, of so many bytes at most. */
  uint(maxBytes: number): bigint {
    const bytes = this.string()
    this.#expect(bytes.length <= maxBytes && bytes[0] !== 0)
    return this.#good ? readUintBE(bytes) : 0n
  }

  emptyList(): void {
    this.#expect(this.#bytes[this.#at] === EMPTY_LIST)
    this.#at++
  }

  #take(start: number, length: number): Uint8Array {
    this.#expect(start + length <= this.#bytes.length)
    if (!this.#good) return this.#bytes.subarray(0, 0)
    this.#at = start + length
    return this.#bytes.subarray(start, this.#at)
  }

  /** The length that a head says; one that could be said shorter is refused. */
  #length(first: number, at: number, offset: number): number {
    const short = first - offset
    if (short < 56) return short
    const lengthBytes = short - 55
    let length = 0
    for (let i = 1; i <= lengthBytes; i++) length = length * 256 + (this.#bytes[at + i] ?? 0)
    this.#expect(lengthBytes <= 3 && length >= 56 && this.#bytes[at + 1] !== 0)
    return length
  }

  #expect(holds: boolean): void {
    if (!holds) this.#good = false
  }
}
