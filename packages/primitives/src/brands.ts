import { AppError } from './errors.ts'
import type { Hex } from './hex.ts'

declare const brand: unique symbol
type Brand<T, B extends string> = T & { readonly [brand]: B }

/** Satoshis: a whole number from 0 to 2,100,000,000,000,000. */
export type Sats = Brand<bigint, 'Sats'>
/** Wei of the native coin (BTC with 18 decimals): 1 sat = 10^10 wei. */
export type Wei = Brand<bigint, 'Wei'>
/** 32 bytes as lower-case hex: an EVM-side hash (block, transaction, state root). */
export type Hash32 = Brand<Hex, 'Hash32'>
/** 32 bytes as lower-case hex: a Bitcoin hash (block, txid) in internal byte order; reversed only for display. */
export type BtcHash = Brand<Hex, 'BtcHash'>
/** 20 bytes as lower-case hex: an EVM address. */
export type Address = Brand<Hex, 'Address'>

export const MAX_SATS = 2_100_000_000_000_000n

/** @throws SATS_OUT_OF_RANGE below 0 or above 21 million BTC. */
export function sats(n: bigint | number): Sats {
  const value = BigInt(n)
  if (value < 0n || value > MAX_SATS)
    throw new AppError(
      { code: 'SATS_OUT_OF_RANGE', fault: 'user' },
      `${value} satoshis is not between 0 and 21 million BTC`,
    )
  return value as Sats
}

/** @throws WEI_OUT_OF_RANGE below 0 or above 2^256 - 1. */
export function wei(n: bigint | number): Wei {
  const value = BigInt(n)
  if (value < 0n || value >> 256n !== 0n)
    throw new AppError({ code: 'WEI_OUT_OF_RANGE', fault: 'user' }, `${value} is no amount of wei`)
  return value as Wei
}

function hexOfLength(text: string, bytes: number, code: string, what: string): Hex {
  if (!new RegExp(`^0x[0-9a-fA-F]{${2 * bytes}}$`).test(text))
    throw new AppError({ code, fault: 'user' }, `not ${what}: ${text.slice(0, 80)}`)
  return text.toLowerCase() as Hex
}

/** @throws HASH32_INVALID unless the text is 0x and 64 hex digits. */
export function hash32(text: string): Hash32 {
  return hexOfLength(text, 32, 'HASH32_INVALID', 'a hash of 32 bytes (0x and 64 hex digits)') as Hash32
}

/** @throws ADDRESS_INVALID unless the text is 0x and 40 hex digits. The EIP-55 checksum is not looked at here. */
export function address(text: string): Address {
  return hexOfLength(text, 20, 'ADDRESS_INVALID', 'an EVM address (0x and 40 hex digits)') as Address
}

/** A Bitcoin hash from internal byte order. @throws BTC_HASH_INVALID unless the text is 0x and 64 hex digits. */
export function btcHash(text: string): BtcHash {
  return hexOfLength(text, 32, 'BTC_HASH_INVALID', 'a Bitcoin hash of 32 bytes') as BtcHash
}

/** A Bitcoin hash from what explorers and bitcoind show: 64 hex digits, reversed byte order, no 0x. */
export function btcHashFromDisplay(text: string): BtcHash {
  if (!/^[0-9a-fA-F]{64}$/.test(text))
    throw new AppError(
      { code: 'BTC_HASH_INVALID', fault: 'user' },
      `not a Bitcoin hash (64 hex digits): ${text.slice(0, 80)}`,
    )
  return `0x${reverseHex(text.toLowerCase())}` as BtcHash
}

/** What explorers and bitcoind show: reversed byte order, no 0x. */
export function displayBtcHash(hash: BtcHash): string {
  return reverseHex(hash.slice(2))
}

function reverseHex(digits: string): string {
  return (digits.match(/../g) ?? []).reverse().join('')
}

export const ZERO_HASH = `0x${'00'.repeat(32)}` as Hash32
export const ZERO_ADDRESS = `0x${'00'.repeat(20)}` as Address
