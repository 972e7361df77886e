import { address, fromHex, hash32, messageOf, type Address, type Hash32, type Hex } from '@hawser/primitives'
import { invalidParams } from './errors.ts'

/** Readers for JSON-RPC parameters: each takes what came and gives the value or throws -32602. */
export type Params = readonly unknown[]

export function required(params: Params, index: number): unknown {
  const value = params[index]
  if (value === undefined || value === null) throw invalidParams(`missing value for required argument ${index}`)
  return value
}

function text(value: unknown, what: string): string {
  if (typeof value !== 'string') throw invalidParams(`${what} must be a string`)
  return value
}

export function readAddress(value: unknown, what = 'address'): Address {
  return attempt(what, () => address(text(value, what)))
}

export function readHash(value: unknown, what = 'hash'): Hash32 {
  return attempt(what, () => hash32(text(value, what)))
}

/** Bytes: 0x and an even number of digits. */
export function readBytes(value: unknown, what: string): Uint8Array {
  const digits = text(value, what)
  if (!digits.startsWith('0x')) throw invalidParams(`${what} must be hex with prefix 0x`)
  return attempt(what, () => fromHex(digits))
}

/** A quantity: 0x and at most 64 digits. */
export function readQuantity(value: unknown, what: string): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value))
    throw invalidParams(`${what} must be a hex quantity such as 0x1f`)
  return BigInt(value)
}

/** A quantity of at most 64 bits: gas, nonces, numbers and times. */
export function readUint64(value: unknown, what: string): bigint {
  const number = readQuantity(value, what)
  if (number >> 64n !== 0n) throw invalidParams(`${what} must have at most 64 bits`)
  return number
}

export function readBoolean(value: unknown, what: string): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw invalidParams(`${what} must be true or false`)
  return value
}

/** A list of at most `most` items; nothing is an empty one. */
export function readList(value: unknown, what: string, most: number): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw invalidParams(`${what} must be a list`)
  if (value.length > most) throw invalidParams(`${what} has ${value.length} items, at most ${most} are allowed`)
  return value
}

/** The entries of an object with at most `most` of them. */
export function readEntries(value: unknown, what: string, most: number): readonly (readonly [string, unknown])[] {
  const entries = Object.entries(readObject(value, what))
  if (entries.length > most) throw invalidParams(`${what} has ${entries.length} entries, at most ${most} are allowed`)
  return entries
}

export function readObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidParams(`${what} must be an object`)
  return value as Record<string, unknown>
}

/** A storage key: up to 32 bytes, shorter ones are padded on the left. */
export function readStorageKey(value: unknown): Uint8Array {
  const digits = text(value, 'storage key')
  if (!/^0x[0-9a-fA-F]{0,64}$/.test(digits)) throw invalidParams('storage key must be hex of at most 32 bytes')
  return fromHex(digits.slice(2).padStart(64, '0'))
}

export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

function attempt<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw invalidParams(`invalid ${what}: ${messageOf(error)}`)
  }
}
