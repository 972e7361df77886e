import type { Common } from '@ethereumjs/common'
import {
  createAccessList2930Tx,
  createEOACode7702Tx,
  createFeeMarket1559Tx,
  createLegacyTx,
  type TypedTransaction,
} from '@ethereumjs/tx'
import { createAddressFromString, eoaCode7702SignAuthorization, type PrefixedHexString } from '@ethereumjs/util'
import { concatBytes, fromHex, keccak256, toHex, uintBE, utf8, type Address } from '@hawser/primitives'
import { publicKeyToAddress, secp256k1 } from '@hawser/primitives/node'

const SENDERS = 5
export const senderKey = (n: number): Uint8Array => keccak256(utf8(`random sender ${n}`))
export const senderAddress = (n: number): Address => publicKeyToAddress(secp256k1.publicKey(senderKey(n), false))

/** Numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const push = (bytes: Uint8Array) => concatBytes(Uint8Array.of(0x5f + bytes.length), bytes)
const pushNumber = (n: number) => push(uintBE(n, 2))
const op = (...codes: number[]) => Uint8Array.from(codes)

/**
 * Transactions and programs at random, most of them sensible: they meet on few accounts, contracts and slots, so that what one does
 * matters to the next.
 */
export class RandomTransactions {
  readonly #random: () => number
  readonly #common: Common
  readonly #nonces: number[] = new Array<number>(SENDERS).fill(0)
  /** Where contracts may be; whoever runs them adds what was created. */
  readonly contracts: Address[] = []

  constructor(seed: number, common: Common) {
    this.#random = randomFrom(seed)
    this.#common = common
  }

  below(n: number): number {
    return Math.floor(this.#random() * n)
  }

  chance(share: number): boolean {
    return this.#random() < share
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T
  }

  /** An account that is known, a contract, a precompile, the coinbase, or nobody's address. */
  anyone(): Address {
    const kind = this.below(10)
    if (kind < 3) return senderAddress(this.below(SENDERS))
    if (kind < 7 && this.contracts.length > 0) return this.pick(this.contracts)
    if (kind === 7) return toHex(uintBE(1 + this.below(10), 20)) as Address
    if (kind === 8) return '0xc0ffee0000000000000000000000000000000000' as Address
    return toHex(keccak256(uintBE(this.below(12), 4)).subarray(0, 20)) as Address
  }

  /** Statements that leave the stack as it was, then an end. */
  program(depth = 0): Uint8Array {
    const parts: Uint8Array[] = []
    for (let left = 1 + this.below(5); left > 0; left--) parts.push(this.#statement(depth))
    const end = this.below(10)
    if (end === 0)
      parts.push(op(0x5f, 0x5f, 0xfd)) // REVERT
    else if (end === 1) parts.push(op(0xfe))
    else if (end === 2)
      parts.push(push(fromHex(this.anyone())), op(0xff)) // SELFDESTRUCT
    else parts.push(op(0x00))
    return concatBytes(...parts)
  }

  #statement(depth: number): Uint8Array {
    const slot = pushNumber(this.below(5))
    const address = push(fromHex(this.anyone()))
    switch (this.below(12)) {
      case 0:
      case 1:
      case 2:
        return concatBytes(pushNumber(this.below(3)), slot, op(0x55)) // SSTORE
      case 3:
        return concatBytes(slot, op(0x54), pushNumber(1), op(0x01), slot, op(0x55)) // SSTORE(s, SLOAD(s) + 1)
      case 4:
        return concatBytes(address, op(0x31), slot, op(0x55)) // BALANCE
      case 5:
        return concatBytes(address, op(0x3b), slot, op(0x55)) // EXTCODESIZE
      case 6:
        return concatBytes(pushNumber(7), pushNumber(32), pushNumber(0), op(0xa1)) // LOG1
      case 7:
        return depth > 1 ? op(0x5b) : this.#create(depth)
      case 8: {
        const code = this.#common.gteHardfork('homestead') ? this.pick([0xf2, 0xf4]) : 0xf2 // CALLCODE, DELEGATECALL
        const value = code === 0xf2 ? pushNumber(0) : new Uint8Array()
        return concatBytes(zeros(4), value, address, op(0x5a), op(code, 0x50))
      }
      default:
        return concatBytes(zeros(4), pushNumber(this.below(3)), address, op(0x5a, 0xf1, 0x50)) // CALL
    }
  }

  /** Puts creation code into memory and creates with it; half of the time by CREATE2, where the same address comes again. */
  #create(depth: number): Uint8Array {
    const code = this.creationCode(depth + 1)
    const parts: Uint8Array[] = []
    for (let at = 0; at < code.length; at += 32) {
      const word = new Uint8Array(32)
      word.set(code.subarray(at, at + 32))
      parts.push(push(word), pushNumber(at), op(0x52))
    }
    const two = this.#common.gteHardfork('constantinople') && this.chance(0.5)
    return concatBytes(
      ...parts,
      ...(two ? [pushNumber(this.below(2))] : []),
      pushNumber(code.length),
      pushNumber(0),
      pushNumber(this.below(2)),
      op(two ? 0xf5 : 0xf0, 0x50),
    )
  }

  creationCode(depth = 0): Uint8Array {
    const before = this.chance(0.5) ? this.#statement(2) : new Uint8Array()
    const runtime = this.chance(0.1) ? this.program(2).subarray(0, 3) : this.program(depth + 1)
    const start = before.length + 16
    // CODECOPY(0, start, length); RETURN(0, length)
    return concatBytes(
      before,
      pushNumber(runtime.length),
      pushNumber(start),
      pushNumber(0),
      op(0x39),
      pushNumber(runtime.length),
      op(0x60, 0),
      op(0xf3),
      runtime,
    ).slice()
  }

  /** The next transaction: now and then one that cannot run. */
  next(baseFee: bigint): TypedTransaction {
    const sender = this.below(SENDERS)
    const nonce = (this.#nonces[sender] ?? 0) + (this.chance(0.03) ? 1 : 0)
    const creates = this.chance(0.25)
    const fields = {
      nonce: BigInt(nonce),
      gasLimit: this.chance(0.1) ? BigInt(20_000 + this.below(60_000)) : BigInt(400_000 + this.below(1_000_000)),
      to: creates ? undefined : createAddressFromString(this.anyone()),
      value: this.chance(0.02) ? 10n ** 30n : BigInt(this.below(3)),
      data: creates ? this.creationCode() : this.chance(0.5) ? new Uint8Array() : keccak256(uintBE(this.below(99), 4)),
    }
    const gasPrice = baseFee + BigInt(this.below(5)) - (this.chance(0.02) ? 2n : 0n)
    const fees = { maxFeePerGas: gasPrice, maxPriorityFeePerGas: BigInt(this.below(2)) }
    const options = { common: this.#common, freeze: false } as const
    const accessList = [{ address: this.anyone(), storageKeys: [toHex(uintBE(this.below(5), 32))] }]
    const types = [0]
    if (this.#common.isActivatedEIP(2930)) types.push(1)
    if (this.#common.isActivatedEIP(1559)) types.push(2)
    if (this.#common.isActivatedEIP(7702) && !creates) types.push(4)
    const chainId = this.#common.chainId()
    const tx = (() => {
      switch (this.pick(types)) {
        case 1:
          return createAccessList2930Tx(
            { ...fields, chainId, gasPrice: gasPrice < 0n ? 0n : gasPrice, accessList },
            options,
          )
        case 2:
          return createFeeMarket1559Tx(
            { ...fields, chainId, ...fees, accessList: this.chance(0.3) ? accessList : [] },
            options,
          )
        case 4:
          return createEOACode7702Tx(
            { ...fields, chainId, ...fees, authorizationList: [this.#authorization()] },
            options,
          )
        default:
          return createLegacyTx({ ...fields, gasPrice: gasPrice < 0n ? 0n : gasPrice }, options)
      }
    })()
    return tx.sign(senderKey(sender))
  }

  #authorization() {
    const authority = this.below(SENDERS)
    const target = this.chance(0.2) ? '0x0000000000000000000000000000000000000000' : this.anyone()
    return eoaCode7702SignAuthorization(
      {
        chainId: toHex(uintBE(this.#common.chainId(), 4)).replace(/^0x0+/, '0x') as PrefixedHexString,
        address: target,
        nonce: `0x${((this.#nonces[authority] ?? 0) + this.below(2)).toString(16)}`.replace(
          '0x0',
          '0x',
        ) as PrefixedHexString,
      },
      senderKey(authority),
    )
  }

  /** The nonces as they are now. */
  follow(nonces: readonly bigint[]): void {
    nonces.forEach((nonce, sender) => (this.#nonces[sender] = Number(nonce)))
  }

  get senders(): readonly Address[] {
    return Array.from({ length: SENDERS }, (_, n) => senderAddress(n))
  }
}

function zeros(count: number): Uint8Array {
  return concatBytes(...Array.from({ length: count }, () => pushNumber(0)))
}
