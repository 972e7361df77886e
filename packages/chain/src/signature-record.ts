import type { TypedTransaction } from '@ethereumjs/tx'
import { AppError, concatBytes, keccak256, uintBE } from '@hawser/primitives'
import type { ChainError } from './errors.ts'

/** signing digest 32 | r 32 | s 32 | parity 1: what recovery needs of a transaction. */
export const SIGNATURE_RECORD_BYTES = 97

/**
 * A transaction's signature record, cut from its encoding: the signed payload is that encoding without its last three fields
 * (EIP-155 puts the chain id and two empty fields in their place).
 * @throws TX_BAD_SIGNATURE when v fits neither the type nor the chain
 */
export function signatureRecord(tx: TypedTransaction, encoded: Uint8Array): Uint8Array {
  const { r, s } = tx
  const v = tx.v
  if (v === undefined || r === undefined || s === undefined) throw badSignature('it is not signed')
  const typed = (encoded[0] ?? 0) < 0xc0
  const chainId = tx.common.chainId()
  const protectedV = !typed && v >= 35n
  const parity = typed ? v : protectedV ? v - 35n - 2n * chainId : v - 27n
  if (parity !== 0n && parity !== 1n) throw badSignature(`v ${v} fits neither its type nor chain ${chainId}`)

  const start = typed ? 1 : 0
  const first = encoded[start] ?? 0
  const payload = start + (first <= 0xf7 ? 1 : 1 + first - 0xf7)
  const fieldR = encoded.length - itemLength(s)
  const fieldV = fieldR - itemLength(r)
  const fields = encoded.subarray(payload, fieldV - itemLength(v))
  const suffix = protectedV ? concatBytes(rlpUint(chainId), Uint8Array.of(0x80, 0x80)) : new Uint8Array()
  const head = listHead(fields.length + suffix.length)
  const signed = new Uint8Array(start + head.length + fields.length + suffix.length)
  if (typed) signed[0] = encoded[0] as number
  signed.set(head, start)
  signed.set(fields, start + head.length)
  signed.set(suffix, start + head.length + fields.length)

  const record = new Uint8Array(SIGNATURE_RECORD_BYTES)
  record.set(keccak256(signed))
  const lengthR = byteLength(r)
  record.set(encoded.subarray(fieldR - lengthR, fieldR), 64 - lengthR)
  const lengthS = byteLength(s)
  record.set(encoded.subarray(encoded.length - lengthS), 96 - lengthS)
  record[96] = Number(parity)
  return record
}

export function badSignature(why: string, cause?: unknown): AppError<ChainError> {
  return new AppError<ChainError>({ code: 'TX_BAD_SIGNATURE', fault: 'user' }, `invalid sender: ${why}`, { cause })
}

const FULL_WORD = 1n << 248n

function byteLength(value: bigint): number {
  // r and s, nearly always.
  if (value >= FULL_WORD) return 32
  return value === 0n ? 0 : (value.toString(16).length + 1) >> 1
}

/** Bytes of an integer as an RLP item. */
function itemLength(value: bigint): number {
  return value < 0x80n ? 1 : 1 + byteLength(value)
}

function rlpUint(value: bigint): Uint8Array {
  if (value < 0x80n) return Uint8Array.of(value === 0n ? 0x80 : Number(value))
  const length = byteLength(value)
  return concatBytes(Uint8Array.of(0x80 + length), uintBE(value, length))
}

function listHead(length: number): Uint8Array {
  if (length < 56) return Uint8Array.of(0xc0 + length)
  const bytes = byteLength(BigInt(length))
  return concatBytes(Uint8Array.of(0xf7 + bytes), uintBE(BigInt(length), bytes))
}
