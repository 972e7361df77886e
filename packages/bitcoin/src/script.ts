import { concatBytes, sha256, uintLE } from '@hawser/primitives'
import { ripemd160 } from '@noble/hashes/legacy.js'

/** Opcodes that our scripts use (BIP342 and before). */
export const OP = {
  RETURN: 0x6a,
  DROP: 0x75,
  DUP: 0x76,
  EQUAL: 0x87,
  EQUALVERIFY: 0x88,
  HASH160: 0xa9,
  NUMEQUAL: 0x9c,
  CHECKSIG: 0xac,
  CHECKSEQUENCEVERIFY: 0xb2,
  CHECKSIGADD: 0xba,
} as const

/** The output types that bitcoind relays and we pay to; `program` is the hash or x-only key in it. */
export type ScriptType = 'p2pkh' | 'p2sh' | 'p2wpkh' | 'p2wsh' | 'p2tr' | 'op_return' | 'other'

export interface ClassifiedScript {
  readonly type: ScriptType
  /** 20 or 32 bytes; for op_return what follows the opcode; empty for other. */
  readonly program: Uint8Array
}

/** What kind of output a script makes. */
export function classifyScript(script: Uint8Array): ClassifiedScript {
  const at = (i: number) => script[i] ?? -1
  const n = script.length
  if (
    n === 25 &&
    at(0) === OP.DUP &&
    at(1) === OP.HASH160 &&
    at(2) === 20 &&
    at(23) === OP.EQUALVERIFY &&
    at(24) === OP.CHECKSIG
  )
    return { type: 'p2pkh', program: script.slice(3, 23) }
  if (n === 23 && at(0) === OP.HASH160 && at(1) === 20 && at(22) === OP.EQUAL)
    return { type: 'p2sh', program: script.slice(2, 22) }
  if (n === 22 && at(0) === 0 && at(1) === 20) return { type: 'p2wpkh', program: script.slice(2) }
  if (n === 34 && at(0) === 0 && at(1) === 32) return { type: 'p2wsh', program: script.slice(2) }
  if (n === 34 && at(0) === 0x51 && at(1) === 32) return { type: 'p2tr', program: script.slice(2) }
  if (at(0) === OP.RETURN) return { type: 'op_return', program: script.slice(1) }
  return { type: 'other', program: new Uint8Array(0) }
}

/** Least value in sats that a relaying node takes for an output of this kind (dust relay fee 3 sat/vB). */
export const DUST_LIMIT_SATS: Readonly<Record<Exclude<ScriptType, 'op_return' | 'other'>, bigint>> = {
  p2pkh: 546n,
  p2sh: 540n,
  p2wpkh: 294n,
  p2wsh: 330n,
  p2tr: 330n,
}

/** The dust limit of a script in sats; 0 for OP_RETURN, undefined for what is not standard. */
export function dustLimitSats(script: Uint8Array): bigint | undefined {
  const { type } = classifyScript(script)
  return type === 'op_return' ? 0n : type === 'other' ? undefined : DUST_LIMIT_SATS[type]
}

/** sha256 then ripemd160: 20 bytes. */
export function hash160(bytes: Uint8Array): Uint8Array {
  return ripemd160(sha256(bytes))
}

/** 25 bytes for a 20-byte key hash. */
export function p2pkhScript(hash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(OP.DUP, OP.HASH160, 20), hash, Uint8Array.of(OP.EQUALVERIFY, OP.CHECKSIG))
}
/** 23 bytes for a 20-byte script hash. */
export function p2shScript(hash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(OP.HASH160, 20), hash, Uint8Array.of(OP.EQUAL))
}
/** 22 bytes for a 20-byte key hash. */
export function p2wpkhScript(hash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0, 20), hash)
}
/** 34 bytes for a 32-byte script hash. */
export function p2wshScript(hash: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0, 32), hash)
}
/** 34 bytes for a 32-byte x-only output key. */
export function p2trScript(outputKey: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x51, 32), outputKey)
}

/** Pushes bytes with the shortest push opcode for their length (up to 65,535 bytes). */
export function pushData(bytes: Uint8Array): Uint8Array {
  const n = bytes.length
  const prefix = n < 0x4c ? [n] : n <= 0xff ? [0x4c, n] : [0x4d, ...uintLE(n, 2)]
  return concatBytes(Uint8Array.from(prefix), bytes)
}

/** Pushes a non-negative number minimally: OP_0, OP_1..OP_16, or a script number. */
export function pushNumber(n: number): Uint8Array {
  if (n === 0) return Uint8Array.of(0)
  if (n <= 16) return Uint8Array.of(0x50 + n)
  const bytes: number[] = []
  for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) bytes.push(rest % 256)
  if ((bytes.at(-1) ?? 0) & 0x80) bytes.push(0)
  return pushData(Uint8Array.from(bytes))
}
